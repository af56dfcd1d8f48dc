//! Sets to begin with. They are proposals: what a house must keep is its own decision.

use super::set::CountsFrom;
use super::{Begins, Clause, Condition, Period, RetentionPolicy};

/// A set that is offered to who makes the first version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadySet {
    /// Never changes.
    pub id: &'static str,
    pub title: &'static str,
    /// The law that it follows, and what it leaves to the reader.
    pub note: &'static str,
    pub policies: Vec<RetentionPolicy>,
}

/// All of them, by id.
pub fn ready_sets() -> Vec<ReadySet> {
    vec![applicants(), gdpr_minimum(), german_tax_and_trade(), sec_17a4(), sox()]
}

fn policy(name: &str, class: &str, keep: Period, begins: Begins, reason: &str) -> RetentionPolicy {
    RetentionPolicy {
        name: name.to_owned(),
        class: class.to_owned(),
        clauses: Vec::new(),
        from: CountsFrom::Receipt,
        begins,
        keep: Some(keep),
        at_most: None,
        reason: reason.to_owned(),
    }
}

fn any(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn with(mut policy: RetentionPolicy, condition: Condition) -> RetentionPolicy {
    policy.clauses.push(Clause::from(condition));
    policy
}

fn german_tax_and_trade() -> ReadySet {
    const NOTE: &str = "AO §147 (3), (4), HGB §257 (4), (5), UStG §14b: books, annual accounts and \
        procedure documentation 10 years, vouchers and invoices 8 years (since 1 January 2025; \
        banks, insurers and securities firms one year later), commercial letters 6 years, each \
        from the end of the calendar year. The period does not end while the documents matter for \
        taxes whose assessment is open (AO §147 (3) sentence 5): suspend the class. Whether a mail \
        is a voucher is found by its words here; give the class by hand where that is not enough.";
    let end = Begins::AtYearEnd;
    let books = policy("Books and annual accounts", "books", Period::years(10), end, "AO §147 (3)");
    let vouchers = policy(
        "Vouchers and invoices",
        "vouchers",
        Period::years(8),
        end,
        "AO §147 (3), UStG §14b",
    );
    let named = policy("Vouchers by class", "vouchers", Period::years(8), end, "AO §147 (3)");
    let letters =
        policy("Commercial letters", "letters", Period::years(6), end, "HGB §257 (4), AO §147 (3)");
    ReadySet {
        id: "de-hgb-ao",
        title: "Germany: HGB and AO (6, 8, 10 years)",
        note: NOTE,
        policies: vec![
            with(books, Condition::Class { any_of: any(&["books"]) }),
            with(named, Condition::Class { any_of: any(&["vouchers"]) }),
            with(
                vouchers,
                Condition::Query {
                    text: "rechnung OR gutschrift OR lieferschein OR invoice OR \"credit note\""
                        .to_owned(),
                },
            ),
            letters,
        ],
    }
}

fn applicants() -> ReadySet {
    let mut policy = policy(
        "Applicants",
        "applicants",
        Period::months(6),
        Begins::AtEvent,
        "AGG §15 (4), ArbGG §61b, BDSG §26, GDPR Art. 5 (1) (e)",
    );
    policy.at_most = Some(Period::months(7));
    let policy = with(
        policy,
        Condition::Recipient {
            any_of: any(&["application@", "bewerbung@", "career@", "jobs@", "karriere@"]),
        },
    );
    ReadySet {
        id: "applicants",
        title: "Applicants: 6 months",
        note: "Claims under AGG §15 (4) end two months after the refusal, actions three months \
               later: six months are usual. They count from receipt here; who decides on \
               applications later than that takes a longer period. Put it before general policies.",
        policies: vec![policy],
    }
}

fn gdpr_minimum() -> ReadySet {
    let mut policy = policy(
        "Whatever no law keeps",
        "minimised",
        Period::default(),
        Begins::AtYearEnd,
        "GDPR Art. 5 (1) (c), (e); BGB §§195, 199",
    );
    policy.at_most = Some(Period::years(3));
    ReadySet {
        id: "gdpr-minimum",
        title: "GDPR: no longer than needed",
        note: "Mail may go at the end of its year and must be gone when claims lapse: three years \
               from the end of the year (BGB §§195, 199). Put it last, after what the law keeps.",
        policies: vec![policy],
    }
}

fn sox() -> ReadySet {
    ReadySet {
        id: "us-sox",
        title: "USA: Sarbanes-Oxley (7 years)",
        note: "18 U.S.C. §1520 and 17 CFR §210.2-06: records relevant to an audit or review are \
               kept seven years after it is concluded. They count from the end of the year of \
               receipt here; suspend the class while an investigation is under way \
               (18 U.S.C. §1519).",
        policies: vec![policy(
            "Audit-relevant mail",
            "audit-relevant",
            Period::years(7),
            Begins::AtYearEnd,
            "17 CFR §210.2-06",
        )],
    }
}

fn sec_17a4() -> ReadySet {
    let at = Begins::AtEvent;
    let ledgers = policy("Blotters and ledgers", "ledgers", Period::years(6), at, "17a-4(a)");
    ReadySet {
        id: "us-sec-17a-4",
        title: "USA: SEC Rule 17a-4 (3 and 6 years)",
        note: "17 CFR §240.17a-4(a): records of blotters and ledgers six years; (b)(4): originals \
               of communications received and copies of those sent three years, the first two \
               easily accessible. Nothing may be destroyed without the trail of (f)(2)(i)(A): the \
               ledger and the disposal certificates are that trail.",
        policies: vec![
            with(ledgers, Condition::Class { any_of: any(&["ledgers"]) }),
            policy("Communications", "communications", Period::years(3), at, "17a-4(b)(4)"),
        ],
    }
}
