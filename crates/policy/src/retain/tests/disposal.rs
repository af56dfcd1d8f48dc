use super::*;

fn over() -> Verdict {
    Verdict {
        class: "letters".into(),
        policy: "letters".into(),
        version: 1,
        counted_from: date(2018, 1, 1),
        kept_through: Some(date(2024, 12, 31)),
        disposable_from: Some(at("2024-12-31T23:00:00Z")),
        gone_after: None,
        overdue_from: None,
    }
}

fn approval(number: u8, when: &str, reason: &str) -> DisposalApproval {
    DisposalApproval { by: person(number), at: at(when), reason: reason.into() }
}

fn order() -> Ground {
    Ground::CourtOrder { reference: "3 O 12/26".into(), reason: "judgement".into() }
}

const NOW: &str = "2025-01-02T00:00:00Z";

fn case<'a>(
    ground: &'a Ground,
    verdict: Option<&'a Verdict>,
    approvals: &'a [DisposalApproval],
) -> DisposalCase<'a> {
    DisposalCase {
        tenant: TENANT,
        record: RECORD,
        ground,
        verdict,
        holds: HoldState::Free,
        suspended: false,
        proposed_by: person(1),
        approvals,
    }
}

#[test]
fn one_other_person_approves_what_is_over() {
    let verdict = over();
    let approvals = [approval(2, NOW, "checked")];
    let case = case(&Ground::PeriodOver, Some(&verdict), &approvals);
    let order = may_dispose(&case, at(NOW)).expect("an order");
    assert_eq!((order.tenant(), order.record()), (TENANT, RECORD));
    assert_eq!(order.approvals(), approvals);
    assert_eq!(order.verdict(), Some(&verdict));
}

#[test]
fn nobody_approves_their_own_proposal_or_twice() {
    let verdict = over();
    let few = |needed, given| Err(NotDisposable::TooFewApprovals { needed, given });
    let two = [approval(2, NOW, "a"), approval(3, NOW, "b")];
    for (ground, approvals, expected) in [
        (Ground::PeriodOver, vec![], few(1, 0)),
        (Ground::PeriodOver, vec![approval(1, NOW, "mine")], few(1, 0)),
        (Ground::PeriodOver, vec![approval(2, NOW, "  ")], few(1, 0)),
        (Ground::PeriodOver, vec![approval(2, "2025-01-03T00:00:00Z", "later")], few(1, 0)),
        (order(), vec![approval(2, NOW, "a")], few(2, 1)),
        (order(), vec![approval(2, NOW, "a"), approval(2, NOW, "again")], few(2, 1)),
        (order(), vec![approval(2, NOW, "a"), approval(1, NOW, "mine")], few(2, 1)),
        (order(), two.to_vec(), Ok(())),
    ] {
        let case = case(&ground, Some(&verdict), &approvals);
        assert_eq!(may_dispose(&case, at(NOW)).map(|_| ()), expected, "{approvals:?}");
    }
}

#[test]
fn a_mail_stays_to_the_last_moment_of_its_period() {
    let verdict = over();
    let approvals = [approval(2, "2024-12-01T00:00:00Z", "checked")];
    let case = case(&Ground::PeriodOver, Some(&verdict), &approvals);
    let early = may_dispose(&case, at("2024-12-31T22:59:59.999999Z"));
    assert_eq!(early, Err(NotDisposable::NotOver(date(2024, 12, 31))));
    assert!(may_dispose(&case, at("2024-12-31T23:00:00Z")).is_ok());
}

#[test]
fn what_is_held_suspended_or_undetermined_stays() {
    let verdict = over();
    let for_ever = Verdict { kept_through: None, disposable_from: None, ..over() };
    let approvals = [approval(2, NOW, "a"), approval(3, NOW, "b")];
    let over = case(&Ground::PeriodOver, Some(&verdict), &approvals);
    let say = |case: DisposalCase<'_>| may_dispose(&case, at(NOW)).map(|_| ());
    assert_eq!(say(DisposalCase { holds: HoldState::Held, ..over }), Err(NotDisposable::Held));
    assert_eq!(
        say(DisposalCase { holds: HoldState::Unknown, ..over }),
        Err(NotDisposable::HoldsUnknown)
    );
    assert_eq!(say(DisposalCase { suspended: true, ..over }), Err(NotDisposable::Suspended));
    assert_eq!(say(DisposalCase { verdict: None, ..over }), Err(NotDisposable::Undetermined));
    assert_eq!(
        say(DisposalCase { verdict: Some(&for_ever), ..over }),
        Err(NotDisposable::KeptForEver)
    );
}

#[test]
fn an_erasure_comes_before_the_end_and_despite_a_suspension_but_not_despite_a_hold() {
    let ground = order();
    let approvals = [approval(2, NOW, "a"), approval(3, NOW, "b")];
    let early = DisposalCase { suspended: true, ..case(&ground, None, &approvals) };
    assert!(may_dispose(&early, at(NOW)).is_ok());
    let held = DisposalCase { holds: HoldState::Held, ..early };
    assert_eq!(may_dispose(&held, at(NOW)), Err(NotDisposable::Held));
    let silent = Ground::RightToErasure { reference: "x".into(), reason: "\n".into() };
    let silent = DisposalCase { ground: &silent, ..early };
    assert_eq!(may_dispose(&silent, at(NOW)), Err(NotDisposable::NoReason));
}

proptest! {
    /// Whatever the case: an order means no hold, enough other persons, and time that has passed
    /// unless it is an erasure.
    #[test]
    fn no_order_without_its_reasons(
        held in 0u8..3, suspended in any::<bool>(), erasure in any::<bool>(),
        determined in any::<bool>(), ends in -3i64..3, proposer in 0u8..4,
        approvers in proptest::collection::vec((0u8..4, -2i64..2, any::<bool>()), 0..5),
    ) {
        let now = at(NOW);
        let verdict = Verdict {
            disposable_from: Some(now.saturating_add_seconds(ends)),
            ..over()
        };
        let ground = if erasure { order() } else { Ground::PeriodOver };
        let approvals: Vec<DisposalApproval> = approvers
            .iter()
            .map(|(by, when, said)| DisposalApproval {
                by: person(*by),
                at: now.saturating_add_seconds(*when),
                reason: if *said { "seen".into() } else { String::new() },
            })
            .collect();
        let holds = [HoldState::Free, HoldState::Held, HoldState::Unknown][usize::from(held)];
        let case = DisposalCase {
            tenant: TENANT,
            record: RECORD,
            ground: &ground,
            verdict: determined.then_some(&verdict),
            holds,
            suspended,
            proposed_by: person(proposer),
            approvals: &approvals,
        };
        let Ok(order) = may_dispose(&case, now) else { return Ok(()) };
        prop_assert_eq!(holds, HoldState::Free);
        prop_assert!(erasure || (determined && !suspended && ends <= 0));
        let mut persons: Vec<AccountId> = order.approvals().iter().map(|one| one.by).collect();
        persons.sort();
        persons.dedup();
        prop_assert!(persons.len() >= ground.approvals());
        prop_assert!(!persons.contains(&person(proposer)));
    }
}
