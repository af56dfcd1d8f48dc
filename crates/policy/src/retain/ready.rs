//! Sets to begin with. They are proposals: what a house must keep is its own decision.

use super::set::CountsFrom;
use super::{Begins, Clause, Condition, Period, RetentionPolicy};

/// The language in which a set, its policies and their reasons are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadyLanguage {
    #[default]
    English,
    German,
}

impl ReadyLanguage {
    /// German for `de` and its regions (`de-AT`), English for everything else.
    pub fn of(tag: &str) -> Self {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("de") { Self::German } else { Self::English }
    }

    const fn choose(self, texts: Texts) -> &'static str {
        match self {
            Self::English => texts.0,
            Self::German => texts.1,
        }
    }
}

/// The same in English and in German.
type Texts = (&'static str, &'static str);

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

/// All of them, by id. Names, notes and reasons are in `language`; ids, classes and conditions are
/// the same in every language.
pub fn ready_sets(language: ReadyLanguage) -> Vec<ReadySet> {
    vec![
        applicants(language),
        gdpr_minimum(language),
        german_tax_and_trade(language),
        sec_17a4(language),
        sox(language),
    ]
}

/// A policy without conditions.
struct Draft {
    language: ReadyLanguage,
    begins: Begins,
}

impl Draft {
    fn policy(&self, name: Texts, class: &str, keep: Period, reason: Texts) -> RetentionPolicy {
        RetentionPolicy {
            name: self.language.choose(name).to_owned(),
            class: class.to_owned(),
            clauses: Vec::new(),
            from: CountsFrom::Receipt,
            begins: self.begins,
            keep: Some(keep),
            at_most: None,
            reason: self.language.choose(reason).to_owned(),
        }
    }
}

fn any(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn with(mut policy: RetentionPolicy, condition: Condition) -> RetentionPolicy {
    policy.clauses.push(Clause::from(condition));
    policy
}

fn of_class(policy: RetentionPolicy, class: &str) -> RetentionPolicy {
    with(policy, Condition::Class { any_of: any(&[class]) })
}

/// HGB §257 (1), (4), (5) and AO §147 (1), (3), (4): books, inventories, annual accounts and what is
/// needed to understand them 10 years; vouchers 8 years (Fourth Bureaucracy Relief Act, BGBl. 2024 I
/// no. 323, for all whose period had not ended on 31 December 2024; UStG §14b for invoices);
/// received and sent commercial letters and other documents 6 years; each from the end of the
/// calendar year. Credit institutions, insurers and securities firms stay at 10 years for vouchers:
/// the shortening that EGAO Art. 97 §19a (2) promised them for 2026 was taken back by the act
/// against undeclared work that the Bundestag passed on 13 November 2025.
fn german_tax_and_trade(language: ReadyLanguage) -> ReadySet {
    const NOTE: Texts = (
        "HGB §257 (4), (5), AO §147 (3), (4), UStG §14b: books, annual accounts and procedure \
         documentation 10 years, vouchers and invoices 8 years (since 1 January 2025), commercial \
         letters 6 years, each from the end of the calendar year. Banks, insurers and securities \
         firms keep vouchers for 10 years: raise the period. The period does not end while the \
         documents matter for taxes whose assessment is open (AO §147 (3)): suspend the class. \
         Whether a mail is a voucher is found by its words here; give the class by hand where that \
         is not enough.",
        "HGB § 257 Abs. 4 und 5, AO § 147 Abs. 3 und 4, UStG § 14b: Bücher, Jahresabschlüsse und \
         Verfahrensdokumentation 10 Jahre, Buchungsbelege und Rechnungen 8 Jahre (seit dem \
         1. Januar 2025), Handels- und Geschäftsbriefe 6 Jahre, jeweils vom Ende des Kalenderjahres \
         an. Kreditinstitute, Versicherungen und Wertpapierinstitute bewahren Buchungsbelege \
         10 Jahre auf: Erhöhen Sie dort die Frist. Die Frist läuft nicht ab, solange die Unterlagen \
         für Steuern von Bedeutung sind, deren Festsetzungsfrist noch nicht abgelaufen ist (AO \
         § 147 Abs. 3): Setzen Sie dann die Löschung der Klasse aus. Ob eine E-Mail ein Beleg ist, \
         wird hier an ihren Wörtern erkannt; vergeben Sie die Klasse von Hand, wo das nicht genügt.",
    );
    const WORDS: &str = "rechnung OR gutschrift OR lieferschein OR invoice OR \"credit note\"";
    let draft = Draft { language, begins: Begins::AtYearEnd };
    let books = draft.policy(
        ("Books and annual accounts", "Bücher und Jahresabschlüsse"),
        "books",
        Period::years(10),
        (
            "HGB §257 (1) no. 1, (4); AO §147 (1) nos. 1, 4a, (3)",
            "HGB § 257 Abs. 1 Nr. 1, Abs. 4; AO § 147 Abs. 1 Nr. 1, 4a, Abs. 3",
        ),
    );
    let named = draft.policy(
        ("Vouchers by class", "Buchungsbelege nach Klasse"),
        "vouchers",
        Period::years(8),
        VOUCHERS,
    );
    let vouchers = draft.policy(
        ("Vouchers and invoices", "Buchungsbelege und Rechnungen"),
        "vouchers",
        Period::years(8),
        VOUCHERS,
    );
    let letters = draft.policy(
        ("Commercial letters", "Handels- und Geschäftsbriefe"),
        "letters",
        Period::years(6),
        (
            "HGB §257 (1) nos. 2, 3, (4); AO §147 (1) nos. 2, 3, 5, (3)",
            "HGB § 257 Abs. 1 Nr. 2 und 3, Abs. 4; AO § 147 Abs. 1 Nr. 2, 3 und 5, Abs. 3",
        ),
    );
    ReadySet {
        id: "de-hgb-ao",
        title: language.choose((
            "Germany: HGB and AO (6, 8, 10 years)",
            "Deutschland: HGB und AO (6, 8, 10 Jahre)",
        )),
        note: language.choose(NOTE),
        policies: vec![
            of_class(books, "books"),
            of_class(named, "vouchers"),
            with(vouchers, Condition::Query { text: WORDS.to_owned() }),
            letters,
        ],
    }
}

const VOUCHERS: Texts = (
    "HGB §257 (1) no. 4, (4); AO §147 (1) no. 4, (3); UStG §14b",
    "HGB § 257 Abs. 1 Nr. 4, Abs. 4; AO § 147 Abs. 1 Nr. 4, Abs. 3; UStG § 14b",
);

/// AGG §15 (4): claims are raised within two months after the refusal has arrived; ArbGG §61b (1): the
/// action follows within three months after that. With the time of the post and of service, six
/// months are what supervisory authorities accept (BfDI: six months at most). GDPR Art. 5 (1) (e) ends
/// it: gone a month later.
fn applicants(language: ReadyLanguage) -> ReadySet {
    let draft = Draft { language, begins: Begins::AtEvent };
    let mut policy = draft.policy(
        ("Applicants", "Bewerbungen"),
        "applicants",
        Period::months(6),
        (
            "AGG §15 (4), ArbGG §61b (1), BDSG §26, GDPR Art. 5 (1) (e)",
            "AGG § 15 Abs. 4, ArbGG § 61b Abs. 1, BDSG § 26, DSGVO Art. 5 Abs. 1 lit. e",
        ),
    );
    policy.at_most = Some(Period::months(7));
    let at = any(&["application@", "bewerbung@", "career@", "jobs@", "karriere@"]);
    ReadySet {
        id: "applicants",
        title: language.choose(("Applicants: 6 months", "Bewerbungen: 6 Monate")),
        note: language.choose((
            "Claims under AGG §15 (4) end two months after the refusal arrived, actions three \
             months later (ArbGG §61b): six months are usual. They count from receipt here; who \
             decides on applications later than that takes a longer period. Put it before general \
             policies.",
            "Ansprüche nach AGG § 15 Abs. 4 enden zwei Monate nach Zugang der Ablehnung, Klagen sind \
             binnen drei weiterer Monate zu erheben (ArbGG § 61b): Üblich sind sechs Monate. Sie \
             zählen hier vom Eingang an; wer über Bewerbungen später entscheidet, wählt eine \
             längere Frist. Stellen Sie diese Regel vor allgemeine Regeln.",
        )),
        policies: vec![with(policy, Condition::Recipient { any_of: at })],
    }
}

/// GDPR Art. 5 (1) (e): no longer than the purpose needs; recital 39: time limits for erasure or review.
/// Claims lapse three years after the end of the year in which they arose (BGB §§195, 199 (1)).
fn gdpr_minimum(language: ReadyLanguage) -> ReadySet {
    let draft = Draft { language, begins: Begins::AtYearEnd };
    let mut policy = draft.policy(
        ("Whatever no law keeps", "Was kein Gesetz aufzubewahren verlangt"),
        "minimised",
        Period::default(),
        (
            "GDPR Art. 5 (1) (c), (e), Art. 17 (1) (a); BGB §§195, 199",
            "DSGVO Art. 5 Abs. 1 lit. c und e, Art. 17 Abs. 1 lit. a; BGB §§ 195, 199",
        ),
    );
    policy.at_most = Some(Period::years(3));
    ReadySet {
        id: "gdpr-minimum",
        title: language
            .choose(("GDPR: no longer than needed", "DSGVO: nicht länger als erforderlich")),
        note: language.choose((
            "GDPR Art. 5 (1) (e): mail may go at the end of its year and must be gone when claims \
             lapse, three years after the end of the year (BGB §§195, 199). Put it last, after what \
             the law keeps.",
            "DSGVO Art. 5 Abs. 1 lit. e: E-Mails dürfen am Ende ihres Jahres gelöscht werden und \
             müssen es sein, wenn Ansprüche verjährt sind, drei Jahre nach dem Ende des Jahres (BGB \
             §§ 195, 199). Stellen Sie diese Regel ans Ende, hinter alles, was das Gesetz \
             aufzubewahren verlangt.",
        )),
        policies: vec![policy],
    }
}

/// 17 CFR §210.2-06 (a): seven years after the accountant concludes the audit or review, for records
/// relevant to it, correspondence included; 18 U.S.C. §1520 (a) (1): five years for workpapers, from
/// the end of the fiscal period. The audit of a year is concluded in the next one: seven years from
/// the end of the year of receipt would be too short, so it is eight.
fn sox(language: ReadyLanguage) -> ReadySet {
    let draft = Draft { language, begins: Begins::AtYearEnd };
    ReadySet {
        id: "us-sox",
        title: language.choose((
            "USA: Sarbanes-Oxley (7 years after the audit)",
            "USA: Sarbanes-Oxley (7 Jahre nach der Prüfung)",
        )),
        note: language.choose((
            "17 CFR §210.2-06: records relevant to an audit or review are kept seven years after the \
             accountant has concluded it. The audit of a year ends in the next one, so mail is kept \
             here for eight years from the end of the year of receipt; take more where the fiscal \
             year or the audit lasts longer. The rule binds accountants; issuers follow it for what \
             they send them. Suspend the class while an investigation is under way (18 U.S.C. \
             §1519).",
            "17 CFR § 210.2-06: Unterlagen, die für eine Prüfung oder Durchsicht wesentlich sind, \
             werden sieben Jahre nach deren Abschluss aufbewahrt. Die Prüfung eines Jahres endet im \
             folgenden, daher gelten hier acht Jahre vom Ende des Eingangsjahres an; wählen Sie mehr, \
             wo Geschäftsjahr oder Prüfung länger dauern. Die Vorschrift bindet Prüfer; Emittenten \
             folgen ihr für das, was sie diesen senden. Setzen Sie die Löschung der Klasse aus, \
             solange eine Untersuchung läuft (18 U.S.C. § 1519).",
        )),
        policies: vec![draft.policy(
            ("Audit-relevant mail", "Prüfungsrelevante E-Mails"),
            "audit-relevant",
            Period::years(8),
            (
                "17 CFR §210.2-06 (a); 18 U.S.C. §1520",
                "17 CFR § 210.2-06 (a); 18 U.S.C. § 1520",
            ),
        )],
    }
}

/// 17 CFR §240.17a-4 (a): blotters and ledgers under §240.17a-3 (a) (1), (2), (3), (5) not less than six
/// years; (b) (4): originals of all communications received and copies of all sent that relate to the
/// business as such not less than three years; of both the first two in an easily accessible place.
fn sec_17a4(language: ReadyLanguage) -> ReadySet {
    let draft = Draft { language, begins: Begins::AtEvent };
    let ledgers = draft.policy(
        ("Blotters and ledgers", "Geschäftsbücher und Journale"),
        "ledgers",
        Period::years(6),
        ("17 CFR §240.17a-4 (a)", "17 CFR § 240.17a-4 (a)"),
    );
    let communications = draft.policy(
        ("Communications", "Geschäftlicher Schriftverkehr"),
        "communications",
        Period::years(3),
        ("17 CFR §240.17a-4 (b) (4)", "17 CFR § 240.17a-4 (b) (4)"),
    );
    ReadySet {
        id: "us-sec-17a-4",
        title: language.choose((
            "USA: SEC Rule 17a-4 (3 and 6 years)",
            "USA: SEC Rule 17a-4 (3 und 6 Jahre)",
        )),
        note: language.choose((
            "17 CFR §240.17a-4 (a): records of blotters and ledgers six years; (b) (4): originals of \
             communications received and copies of those sent three years; of both the first two \
             years in an easily accessible place, which everything in this archive is until it is \
             disposed of. Nothing may be destroyed without the trail of (f) (2) (i) (A): the ledger \
             and the certificates of deletion are that trail. Other records, such as those of \
             customers' accounts under (c), have periods of their own: give their class by hand.",
            "17 CFR § 240.17a-4 (a): Geschäftsbücher und Journale sechs Jahre; (b) (4): empfangene \
             Mitteilungen im Original und Kopien der gesendeten drei Jahre; beides in den ersten zwei \
             Jahren leicht zugänglich, was in diesem Archiv alles ist, bis es gelöscht wird. Nichts \
             darf ohne die Aufzeichnung nach (f) (2) (i) (A) vernichtet werden: Das Hauptbuch \
             und die Löschbescheinigungen sind diese Aufzeichnung. Für andere Unterlagen, \
             etwa Kundenkonten nach (c), gelten eigene Fristen: Vergeben Sie deren Klasse von Hand.",
        )),
        policies: vec![of_class(ledgers, "ledgers"), communications],
    }
}
