//! What grants open, and that they never open more.

use model::AccountId;
use proptest::prelude::*;

use super::{TENANT, at, owned};
use crate::*;

fn mailbox(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn span(from: Option<i64>, until: Option<i64>) -> Span {
    Span { from: from.map(at), until: until.map(at) }
}

fn grant(opens: Opens, valid: Span, mail: Span) -> Grant {
    Grant { opens, kind: GrantKind::Audit, valid, mail }
}

/// The scope of an account without addresses of its own.
fn scope(
    role: AccountRole,
    grants: &[Grant],
    approvals: Option<&[Approval]>,
    mailboxes: &[(AccountId, OwnedAddress)],
    now: i64,
) -> Scope {
    let (addresses, everything) = opened(&effective(role, grants, approvals, at(now)), mailboxes);
    let account = AccountId::from_bytes([99; 16]);
    let tenant = Some(TENANT);
    let actor = Actor { account, tenant, role, addresses, everything, limited_to: None };
    authorize_read(&actor).expect("allowed")
}

#[test]
fn an_auditor_sees_nothing_without_a_grant_and_the_whole_tenant_with_one() {
    for role in [AccountRole::Auditor, AccountRole::Officer] {
        let none = scope(role, &[], None, &[], 0);
        assert_eq!(none.view(), View { addresses: &[], everything: &[] });
        let whole = grant(Opens::Tenant, Span::ALWAYS, Span::ALWAYS);
        let scope = scope(role, &[whole], None, &[], 0);
        assert!(scope.view().is_everything());
        assert!(scope.sees("anybody@x.example", at(0)) && scope.sees_everything(at(-5)));
    }
}

#[test]
fn the_whole_tenant_is_opened_within_its_span_of_mail_and_to_auditors_only() {
    let whole = grant(Opens::Tenant, span(Some(10), Some(20)), span(Some(0), Some(5)));
    let auditor = scope(AccountRole::Auditor, &[whole], None, &[], 15);
    assert!(!auditor.view().is_everything());
    for (moment, visible) in [(-1, false), (0, true), (4, true), (5, false)] {
        assert_eq!(auditor.sees("a@x.example", at(moment)), visible, "{moment}");
    }
    for now in [9, 20] {
        let over = scope(AccountRole::Auditor, &[whole], None, &[], now);
        assert_eq!(over.view(), View { addresses: &[], everything: &[] });
    }
    let user = scope(AccountRole::User, &[whole], None, &[], 15);
    assert_eq!(user.view(), View { addresses: &[], everything: &[] });
    let actor = Actor {
        account: mailbox(1),
        tenant: Some(TENANT),
        role: AccountRole::User,
        addresses: Vec::new(),
        everything: vec![Span::ALWAYS],
        limited_to: None,
    };
    let user = authorize_read(&actor).expect("allowed");
    assert!(!user.sees_everything(at(0)), "not even by mistake");
}

#[test]
fn four_eyes_bind_auditors_and_officers_but_not_deputies() {
    let grants = [
        grant(Opens::Mailbox(mailbox(1)), Span::ALWAYS, Span::ALWAYS),
        grant(Opens::Tenant, Span::ALWAYS, span(Some(0), None)),
    ];
    let owned = [
        (mailbox(1), owned("one@x.example", None, None)),
        (mailbox(2), owned("two@x.example", None, None)),
    ];
    let nothing = scope(AccountRole::Auditor, &grants, Some(&[]), &owned, 0);
    assert_eq!(nothing.view(), View { addresses: &[], everything: &[] });
    let deputy = scope(AccountRole::User, &grants, Some(&[]), &owned, 0);
    assert!(deputy.sees("one@x.example", at(-9)) && !deputy.sees("two@x.example", at(9)));

    let approval = Approval {
        opens: vec![Opens::Mailbox(mailbox(2))],
        valid: span(Some(0), Some(10)),
        mail: span(None, Some(5)),
    };
    let officer = scope(AccountRole::Officer, &grants, Some(&[approval]), &owned, 5);
    assert!(officer.sees("two@x.example", at(4)));
    for (key, moment) in [("two@x.example", 5), ("two@x.example", -1), ("one@x.example", 4)] {
        assert!(!officer.sees(key, at(moment)), "{key} at {moment}");
    }
}

#[test]
fn many_mailboxes_resolve_to_few_sorted_spans() {
    let grants: Vec<Grant> = (0..200)
        .map(|number| grant(Opens::Mailbox(mailbox(number)), Span::ALWAYS, Span::ALWAYS))
        .collect();
    let mailboxes: Vec<_> = (0..200)
        .flat_map(|number| {
            (0..5).map(move |alias| {
                let key = format!("m{number}-{}@x.example", alias % 3);
                (mailbox(number), owned(&key, Some(i64::from(alias)), Some(i64::from(alias) + 2)))
            })
        })
        .collect();
    let scope = scope(AccountRole::User, &grants, None, &mailboxes, 0);
    let addresses = scope.view().addresses;
    assert!(addresses.is_sorted_by(|one, two| one.key <= two.key));
    assert!(scope.sees("m199-2@x.example", at(3)) && !scope.sees("m199-2@x.example", at(4)));
    assert!(scope.sees("m7-0@x.example", at(4)) && !scope.sees("m200-0@x.example", at(0)));
}

type Ends = (Option<i64>, Option<i64>);

fn ends() -> impl Strategy<Value = Ends> {
    (prop::option::of(-6..6i64), prop::option::of(-6..6i64))
}

fn opens() -> impl Strategy<Value = Opens> {
    prop_oneof![
        4 => (0..3u8).prop_map(|number| Opens::Mailbox(mailbox(number))),
        1 => Just(Opens::Tenant),
    ]
}

proptest! {
    /// A mail is visible exactly when some grant that is valid now opens a mailbox that owned the
    /// address when the mail came, within the grant's span of mail and, where four eyes are
    /// required, within an approval of the same.
    #[test]
    fn a_grant_never_opens_more_than_it_says(
        role in prop::sample::select(vec![AccountRole::User, AccountRole::Auditor, AccountRole::Officer]),
        grants in prop::collection::vec((opens(), ends(), ends()), 0..5),
        approvals in prop::option::of(prop::collection::vec(
            (prop::collection::vec(opens(), 1..3), ends(), ends()), 0..4)),
        spans in prop::collection::vec((0..3u8, 0..3u8, ends()), 0..8),
        now in -7..7i64,
        moment in -7..7i64,
        key in 0..3u8,
    ) {
        let grants: Vec<Grant> = grants.into_iter()
            .map(|(opens, valid, mail)| grant(opens, span(valid.0, valid.1), span(mail.0, mail.1)))
            .collect();
        let approvals: Option<Vec<Approval>> = approvals.map(|all| all.into_iter()
            .map(|(opens, valid, mail)| Approval {
                opens, valid: span(valid.0, valid.1), mail: span(mail.0, mail.1) })
            .collect());
        let spans: Vec<_> = spans.into_iter()
            .map(|(account, key, (from, until))| (mailbox(account), owned(&key.to_string(), from, until)))
            .collect();
        let key = key.to_string();
        let holds = |account: Option<AccountId>, opens: Opens| match opens {
            Opens::Tenant => true,
            Opens::Mailbox(granted) => account == Some(granted),
        };
        // Whoever owned the address then, and nobody: mail of addresses without an owner is seen
        // through the whole tenant only.
        let mut owners: Vec<Option<AccountId>> = spans.iter()
            .filter(|(_, own)| own.key == key && own.covers(at(moment)))
            .map(|(account, _)| Some(*account))
            .collect();
        owners.push(None);
        let visible = owners.iter().any(|owner| grants.iter().any(|grant| {
            let four_eyes = approvals.as_ref().filter(|_| role.audits());
            (grant.opens != Opens::Tenant || role.audits())
                && holds(*owner, grant.opens)
                && grant.valid.covers(at(now))
                && grant.mail.covers(at(moment))
                && four_eyes.is_none_or(|approvals| approvals.iter().any(|approval| {
                    approval.opens.iter().any(|opens| holds(*owner, *opens))
                        && approval.valid.covers(at(now))
                        && approval.mail.covers(at(moment))
                }))
        }));
        let scope = scope(role, &grants, approvals.as_deref(), &spans, now);
        prop_assert_eq!(scope.sees(&key, at(moment)), visible);
        let configures = effective(AccountRole::Administrator, &grants, approvals.as_deref(), at(now));
        prop_assert!(configures.is_empty());
    }

    #[test]
    fn united_spans_are_the_same_moments(
        spans in prop::collection::vec(ends(), 0..6),
        moment in -7..7i64,
    ) {
        let spans: Vec<Span> = spans.into_iter().map(|(from, until)| span(from, until)).collect();
        let united = Span::united(spans.clone());
        let covered = |spans: &[Span]| spans.iter().any(|span| span.covers(at(moment)));
        prop_assert_eq!(covered(&united), covered(&spans));
        for pair in united.windows(2) {
            prop_assert!(pair[0].until.is_some() && pair[0].until < pair[1].from);
        }
        for (one, two) in spans.iter().flat_map(|one| spans.iter().map(move |two| (one, two))) {
            let both = one.intersect(two);
            prop_assert_eq!(both.is_some_and(|both| both.covers(at(moment))),
                one.covers(at(moment)) && two.covers(at(moment)));
            if one.contains(two) {
                prop_assert!(one.covers(at(moment)) || !two.covers(at(moment)));
            }
        }
    }
}
