use model::{AccountId, HoldId, JobId, MatterId, RecordId};

use super::*;
use crate::{
    CatalogError, Conflict, HoldFacts, HoldRelease, MailJobKind, MailJobRow, MailJobState, Matter,
    MatterScope, MatterState,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("a mail counts as held until every active hold has looked at it", held_until_examined),
    ("several holds are released one by one", released_one_by_one),
    ("a further delivery is looked at again", merged_is_examined_again),
    ("a held tenant is not removed", held_tenant_stays),
    ("a matter with a hold is not closed", matter_with_a_hold_stays_open),
    ("a rebuild learns of matters and holds from the vault", recovered),
    ("an export with a mail that is gone is outdated", outdated),
    ("a job for mail waits, runs, ends and keeps no secret", mail_jobs),
];

fn matter(byte: u8, name: &str) -> Matter {
    Matter {
        id: MatterId::from_bytes([byte; 16]),
        name: name.to_owned(),
        custodians: vec!["anna@own.example".to_owned()],
        scope: MatterScope {
            addresses: vec!["anna@own.example".to_owned()],
            query: "subject:m".to_owned(),
            from: Some(at(-100)),
            until: None,
            unsearchable: true,
        },
        notes: "file 7/26".to_owned(),
        state: MatterState::Open,
        opened_by: "olga".to_owned(),
        opened_at: NOON,
        reason: "a suit".to_owned(),
        closed: None,
    }
}

fn hold(byte: u8, of: &Matter) -> HoldFacts {
    HoldFacts {
        id: HoldId::from_bytes([byte; 16]),
        matter: of.id,
        scope: of.scope.clone(),
        placed_at: NOON,
        placed_by: "olga".to_owned(),
        reason: "the court asks".to_owned(),
        released: None,
    }
}

fn release() -> HoldRelease {
    HoldRelease { at: at(9), by: "olga".to_owned(), reason: "settled".to_owned() }
}

/// Commits mails and gives their ids.
fn archived(catalog: &dyn Catalog, names: &[&str]) -> Vec<RecordId> {
    let new = |name: &&str| mail(A, name, &format!("r-{name}"), &["anna@own.example"]);
    let records: Vec<_> = names.iter().map(new).collect();
    let ids = records.iter().map(|new| new.facts.record).collect();
    catalog.commit(A, &batch(records)).expect("commits");
    ids
}

fn on(catalog: &dyn Catalog, records: &[RecordId]) -> Vec<(RecordId, MatterId)> {
    let mut found = catalog.holds_on(A, records).expect("reads");
    found.sort_unstable();
    found
}

fn held_until_examined(catalog: &dyn Catalog) {
    let ids = archived(catalog, &["one", "two"]);
    let (one, two) = (ids[0], ids[1]);
    assert!(on(catalog, &ids).is_empty());
    let suit = matter(1, "Suit");
    catalog.add_matter(A, &suit).expect("added");
    let placed = hold(1, &suit);
    assert!(!catalog.place_hold(B, &placed).expect("asks"), "another tenant's");
    assert!(catalog.place_hold(A, &placed).expect("placed"));
    assert!(catalog.has_active_hold(A).expect("reads"));
    assert!(!catalog.has_active_hold(B).expect("reads"));
    assert_eq!(on(catalog, &[one]), [(one, suit.id)]);
    assert_eq!(on(catalog, &[two]), [(two, suit.id)]);
    let first = catalog.unexamined(A, 0, 1).expect("reads");
    assert_eq!((first.records.as_slice(), first.through_seq), ([one].as_slice(), 1));
    catalog.freeze(A, placed.id, &[one], 1).expect("frozen");
    catalog.freeze(A, placed.id, &[one], 1).expect("frozen again");
    assert_eq!(on(catalog, &[two]), [(two, suit.id)]);
    catalog.freeze(A, placed.id, &[], 2).expect("frozen");
    assert_eq!(on(catalog, &ids), [(one, suit.id)]);
    let rows = catalog.holds(A, Some(suit.id)).expect("reads");
    assert_eq!((rows[0].found, rows[0].through_seq, &rows[0].facts), (1, 2, &placed));
    assert_eq!(catalog.active_holds().expect("reads").len(), 1);
    let after = catalog.unexamined(A, 2, 9).expect("reads");
    // The placing is an event itself.
    assert_eq!((after.records.len(), after.through_seq), (0, 3));
    // Whatever comes later counts as held.
    let late = archived(catalog, &["three"]);
    assert_eq!(on(catalog, &late), [(late[0], suit.id)]);
    assert_eq!(catalog.held_records(A, suit.id, None, 9).expect("reads"), [one]);
    assert_eq!(catalog.held_count(A, suit.id).expect("reads"), 1);
    assert_eq!(catalog.held_count(B, suit.id).expect("reads"), 0);
}

fn released_one_by_one(catalog: &dyn Catalog) {
    let ids = archived(catalog, &["one"]);
    let (suit, audit) = (matter(1, "Suit"), matter(2, "Audit"));
    for (matter, byte) in [(&suit, 1), (&audit, 2)] {
        catalog.add_matter(A, matter).expect("added");
        catalog.place_hold(A, &hold(byte, matter)).expect("placed");
        catalog.freeze(A, HoldId::from_bytes([byte; 16]), &ids, 1).expect("frozen");
    }
    assert_eq!(on(catalog, &ids), [(ids[0], suit.id), (ids[0], audit.id)]);
    let first = HoldId::from_bytes([1; 16]);
    assert!(!catalog.release_hold(B, first, &release()).expect("asks"));
    assert!(catalog.release_hold(A, first, &release()).expect("released"));
    assert!(!catalog.release_hold(A, first, &release()).expect("asks"), "released already");
    assert_eq!(on(catalog, &ids), [(ids[0], audit.id)]);
    assert!(catalog.release_hold(A, HoldId::from_bytes([2; 16]), &release()).expect("released"));
    assert!(on(catalog, &ids).is_empty());
    let rows = catalog.holds(A, None).expect("reads");
    assert!(rows.iter().all(|row| row.facts.released == Some(release())));
    // What was held is still named.
    assert_eq!(catalog.held_records(A, suit.id, None, 9).expect("reads"), ids);
}

fn merged_is_examined_again(catalog: &dyn Catalog) {
    let ids = archived(catalog, &["one"]);
    let suit = matter(1, "Suit");
    catalog.add_matter(A, &suit).expect("added");
    catalog.place_hold(A, &hold(1, &suit)).expect("placed");
    let max = catalog.max_seq(A).expect("reads");
    catalog.freeze(A, HoldId::from_bytes([1; 16]), &[], max).expect("frozen");
    assert!(on(catalog, &ids).is_empty());
    let again = mail(A, "one", "another report", &["bert@own.example"]);
    catalog.commit(A, &batch(vec![again])).expect("commits");
    assert_eq!(on(catalog, &ids), [(ids[0], suit.id)]);
    assert_eq!(catalog.unexamined(A, max, 9).expect("reads").records, ids);
}

fn held_tenant_stays(catalog: &dyn Catalog) {
    let suit = matter(1, "Suit");
    catalog.add_matter(A, &suit).expect("added");
    catalog.place_hold(A, &hold(1, &suit)).expect("placed");
    let suspended = Tenant { state: TenantState::Suspended, ..tenant(A, "Anders") };
    catalog.update_tenant(&suspended).expect("suspended");
    let error = catalog.begin_removal(A, "olga", "over", NOON).expect_err("held");
    assert!(matches!(error, CatalogError::Conflict(Conflict::Held)), "{error}");
    catalog.release_hold(A, HoldId::from_bytes([1; 16]), &release()).expect("released");
    catalog.begin_removal(A, "olga", "over", NOON).expect("begun");
    while catalog.remove_rows(A).expect("removed") {}
}

fn matter_with_a_hold_stays_open(catalog: &dyn Catalog) {
    let suit = matter(1, "Suit");
    catalog.add_matter(A, &suit).expect("added");
    let taken = catalog.add_matter(A, &matter(2, "SUIT")).expect_err("taken");
    assert!(matches!(taken, CatalogError::Conflict(Conflict::MatterName)), "{taken}");
    catalog.add_matter(B, &matter(3, "Suit")).expect("another tenant's");
    assert!(catalog.place_hold(A, &hold(1, &suit)).expect("placed"));
    let closed = Matter { state: MatterState::Closed, closed: Some(release()), ..suit.clone() };
    assert!(!catalog.change_matter(A, &closed).expect("asks"));
    let renamed = Matter { name: "Suit 7/26".to_owned(), ..suit.clone() };
    assert!(catalog.change_matter(A, &renamed).expect("changed"));
    assert_eq!(catalog.matter(A, suit.id).expect("reads"), Some(renamed));
    assert_eq!(catalog.matter(B, suit.id).expect("reads"), None);
    catalog.release_hold(A, HoldId::from_bytes([1; 16]), &release()).expect("released");
    assert!(catalog.change_matter(A, &closed).expect("closed"));
    assert!(!catalog.place_hold(A, &hold(2, &suit)).expect("asks"), "it is closed");
    assert_eq!(catalog.matters(A).expect("reads"), [closed]);
}

fn recovered(catalog: &dyn Catalog) {
    let ids = archived(catalog, &["one"]);
    let suit = matter(1, "Suit");
    let placed = hold(1, &suit);
    catalog.recover_matter(A, &suit, &[]).expect("recovered");
    catalog.recover_matter(A, &suit, std::slice::from_ref(&placed)).expect("recovered");
    catalog.recover_matter(A, &suit, std::slice::from_ref(&placed)).expect("recovered again");
    assert_eq!(on(catalog, &ids), [(ids[0], suit.id)]);
    let released = HoldFacts { released: Some(release()), ..placed.clone() };
    catalog.recover_matter(A, &suit, &[released]).expect("recovered");
    assert!(on(catalog, &ids).is_empty());
    // An older note does not take the release back.
    catalog.recover_matter(A, &suit, &[placed]).expect("recovered");
    assert!(on(catalog, &ids).is_empty());
}

fn outdated(catalog: &dyn Catalog) {
    let ids = archived(catalog, &["one", "two"]);
    let gone = RecordId::from_bytes([9; 16]);
    for (byte, records) in [(1, &ids[..]), (2, &[ids[0], gone])] {
        let id = JobId::from_bytes([byte; 16]);
        let done = MailJobRow { state: MailJobState::Done, ..job(id, MailJobKind::Export) };
        catalog.add_mail_job(&done).expect("added");
        catalog.mails_done(id, records).expect("noted");
    }
    assert_eq!(catalog.outdated_mail_jobs(9).expect("reads"), [JobId::from_bytes([2; 16])]);
}

fn job(id: JobId, kind: MailJobKind) -> MailJobRow {
    MailJobRow {
        id,
        tenant: A,
        kind,
        account: Some(AccountId::from_bytes([2; 16])),
        by: "anna".to_owned(),
        state: MailJobState::Waiting,
        created_at: NOON,
        ended_at: None,
        expires_at: None,
        done: 0,
        total: 0,
        request: serde_json::json!({ "query": "invoice" }),
        result: serde_json::json!({}),
        secret: Some("sealed".to_owned()),
    }
}

fn mail_jobs(catalog: &dyn Catalog) {
    let id = JobId::from_bytes([1; 16]);
    let anna = AccountId::from_bytes([2; 16]);
    let asked = job(id, MailJobKind::Restore);
    catalog.add_mail_job(&asked).expect("added");
    assert_eq!(catalog.mail_job(id).expect("reads").as_ref(), Some(&asked));
    let open = catalog.open_mail_jobs(MailJobKind::Restore).expect("reads");
    assert_eq!(open, std::slice::from_ref(&asked));
    assert!(catalog.open_mail_jobs(MailJobKind::Export).expect("reads").is_empty());
    let list = |tenant, account| {
        catalog.mail_jobs(tenant, MailJobKind::Restore, account, 9).expect("reads").len()
    };
    assert_eq!((list(A, None), list(A, Some(anna)), list(B, None)), (1, 1, 0));
    assert_eq!(list(A, Some(AccountId::from_bytes([3; 16]))), 0);
    let record = RecordId::from_bytes([9; 16]);
    assert!(!catalog.is_mail_done(id, record).expect("reads"));
    catalog.mails_done(id, &[record]).expect("noted");
    catalog.mails_done(id, &[record]).expect("noted again");
    assert!(catalog.is_mail_done(id, record).expect("reads"));
    let done = MailJobRow {
        state: MailJobState::Done,
        ended_at: Some(at(5)),
        expires_at: Some(at(60)),
        done: 1,
        total: 1,
        ..asked
    };
    assert!(catalog.save_mail_job(&done).expect("saved"));
    let saved = catalog.mail_job(id).expect("reads").expect("there");
    assert_eq!(saved, MailJobRow { secret: None, ..done.clone() });
    assert!(catalog.expired_mail_jobs(at(59), 9).expect("reads").is_empty());
    assert_eq!(catalog.expired_mail_jobs(at(60), 9).expect("reads").len(), 1);
    let (from, to) = ([MailJobState::Done], MailJobState::Removed);
    assert!(catalog.end_mail_job(id, &from, to, at(61)).expect("ended"));
    assert!(!catalog.end_mail_job(id, &from, to, at(61)).expect("asks"));
    assert!(!catalog.save_mail_job(&done).expect("asks"), "it is removed");
}
