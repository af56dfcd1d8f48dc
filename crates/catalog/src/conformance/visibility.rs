use model::RecordId;

use super::*;

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("a user sees the mail of their addresses within their spans", spans),
    ("an auditor sees the tenant and nothing of another", tenants_are_apart),
    ("rows come in the order asked for, without the invisible", rows_in_order),
    ("versions are linked as far as they are visible", versions),
    ("suggestions name only who occurs in visible mail", suggestions),
    ("many own addresses are no hindrance", many_addresses),
    ("every scope agrees with policy", agrees_with_policy),
];

fn sees(catalog: &dyn Catalog, scope: &Scope, id: RecordId) -> bool {
    let detail = catalog.record(scope, id).expect("reads");
    let rows = catalog.rows(scope, &[id]).expect("reads");
    assert_eq!(detail.is_some(), rows.len() == 1);
    detail.is_some()
}

fn spans(catalog: &dyn Catalog) {
    let new = mail(A, "m", "r", &["anna@own.example"]);
    let id = new.facts.record;
    catalog.commit(A, &batch(vec![new])).expect("commits");
    for (address, visible) in [
        (own("anna@own.example", None, None), true),
        (own("sender@own.example", None, None), true),
        (own("bert@own.example", None, None), false),
        (own("anna@own.example", Some(0), None), true),
        (own("anna@own.example", Some(1), None), false),
        (own("anna@own.example", None, Some(0)), false),
        (own("anna@own.example", None, Some(1)), true),
    ] {
        assert_eq!(
            sees(catalog, &scope(A, std::slice::from_ref(&address)), id),
            visible,
            "{address:?}"
        );
    }
    assert!(!sees(catalog, &scope(A, &[]), id));
}

fn tenants_are_apart(catalog: &dyn Catalog) {
    let new = mail(A, "m", "r", &["anna@own.example"]);
    let id = new.facts.record;
    catalog.commit(A, &batch(vec![new])).expect("commits");
    assert!(sees(catalog, &everything(A), id));
    assert!(!sees(catalog, &everything(B), id));
    assert!(!sees(catalog, &scope(B, &[own("anna@own.example", None, None)]), id));
    assert!(catalog.stored(B, &[id]).expect("reads").is_empty());
}

fn rows_in_order(catalog: &dyn Catalog) {
    let records = vec![
        mail(A, "one", "r1", &["anna@own.example"]),
        mail(A, "two", "r2", &["bert@own.example"]),
        mail(A, "three", "r3", &["anna@own.example"]),
    ];
    let ids: Vec<_> = records.iter().map(|new| new.facts.record).collect();
    catalog.commit(A, &batch(records)).expect("commits");
    let unknown = RecordId::from_bytes([0; 16]);
    let wanted = [ids[2], unknown, ids[1], ids[0]];
    let listed = |scope: &Scope| -> Vec<RecordId> {
        catalog.rows(scope, &wanted).expect("reads").iter().map(|row| row.record).collect()
    };
    assert_eq!(listed(&everything(A)), [ids[2], ids[1], ids[0]]);
    assert_eq!(listed(&scope(A, &[own("anna@own.example", None, None)])), [ids[2], ids[0]]);
    assert!(catalog.rows(&everything(A), &[]).expect("reads").is_empty());
}

fn versions(catalog: &dyn Catalog) {
    let mut records = vec![
        mail(A, "one", "r1", &["anna@own.example"]),
        mail(A, "two", "r2", &["anna@own.example"]),
        mail(A, "three", "r3", &["bert@own.example"]),
        mail(A, "none", "r4", &["anna@own.example"]),
        mail(A, "empty", "r5", &["anna@own.example"]),
    ];
    for new in &mut records[..3] {
        new.summary.message_id = Some("same@own.example".to_owned());
        new.facts.participants.remove(0);
    }
    records[3].summary.message_id = None;
    records[4].summary.message_id = Some(String::new());
    let ids: Vec<_> = records.iter().map(|new| new.facts.record).collect();
    catalog.commit(A, &batch(records)).expect("commits");
    let linked = |scope: &Scope, id: RecordId| {
        let detail = catalog.record(scope, id).expect("reads").expect("visible");
        let ids: Vec<_> = detail.versions.iter().map(|version| version.record).collect();
        assert_eq!(detail.stored.list.versions as usize, ids.len());
        ids
    };
    assert_eq!(linked(&everything(A), ids[1]), [ids[0], ids[2]]);
    let anna = scope(A, &[own("anna@own.example", None, None)]);
    assert_eq!(linked(&anna, ids[0]), [ids[1]]);
    assert!(linked(&everything(A), ids[3]).is_empty());
    assert!(linked(&everything(A), ids[4]).is_empty());
}

fn suggestions(catalog: &dyn Catalog) {
    let mut blind = mail(A, "two", "r2", &["anna@own.example", "annegret@own.example"]);
    blind.facts.participants[2].role = Role::Bcc;
    let records = vec![
        mail(A, "one", "r1", &["Anna@own.example", "andreas@own.example"]),
        blind,
        mail(A, "three", "r3", &["bert@own.example", "anton@own.example"]),
    ];
    catalog.commit(A, &batch(records)).expect("commits");
    let suggest = |scope: &Scope, prefix: &str, limit| {
        catalog.suggest_addresses(scope, prefix, limit).expect("reads")
    };
    let all =
        ["andreas@own.example", "Anna@own.example", "annegret@own.example", "anton@own.example"];
    assert_eq!(suggest(&everything(A), "AN", 9), all);
    assert_eq!(suggest(&everything(A), "an", 2), all[..2]);
    assert!(suggest(&everything(B), "an", 9).is_empty());
    let anna = scope(A, &[own("anna@own.example", None, None)]);
    assert_eq!(suggest(&anna, "an", 9), all[..2]);
    let late = scope(A, &[own("anna@own.example", Some(1), None)]);
    assert!(suggest(&late, "an", 9).is_empty());
    assert!(suggest(&everything(A), "an%", 9).is_empty());
    let until = |moment| scope_of(A, &[], &[Span { from: None, until: Some(at(moment)) }]);
    assert_eq!(suggest(&until(1), "an", 9), all);
    assert!(suggest(&until(0), "an", 9).is_empty());
}

fn many_addresses(catalog: &dyn Catalog) {
    let new = mail(A, "m", "r", &["r499@own.example"]);
    let id = new.facts.record;
    catalog.commit(A, &batch(vec![new])).expect("commits");
    let owned: Vec<_> = (0..500).map(|i| own(&format!("r{i}@own.example"), None, None)).collect();
    assert!(sees(catalog, &scope(A, &owned), id));
    assert!(!sees(catalog, &scope(A, &owned[..499]), id));
}

/// The engine decides in SQL; policy decides in Rust. Both must say the same.
fn agrees_with_policy(catalog: &dyn Catalog) {
    let moments = [-2, -1, 0, 1, 2];
    let people = ["a@x.example", "b@x.example", "c@x.example"];
    let mut records = Vec::new();
    for moment in moments {
        for (number, person) in people.iter().enumerate() {
            let mut new =
                mail(A, &format!("{moment} {number}"), &format!("{moment} {number}"), &[]);
            new.facts.received_at = at(moment);
            new.facts.participants = vec![to(person)];
            records.push(new);
        }
    }
    catalog.commit(A, &batch(records.clone())).expect("commits");
    let others: Vec<String> = (0..100).map(|i| format!("r{i}@x.example")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    catalog.commit(A, &batch(vec![copy(A, "others", &others)])).expect("commits");
    let ends = [None, Some(-1), Some(0), Some(1)];
    for from in ends {
        for until in ends {
            let mut owned = vec![own(people[0], from, until), own(people[1], until, from)];
            let few = scope(A, &owned);
            owned.extend((0..100).map(|i| own(&format!("r{i}@x.example"), None, None)));
            let many = scope(A, &owned);
            for new in &records {
                let key = new.facts.participants[0].address.key();
                let expected = few.sees(&key, new.facts.received_at);
                assert_eq!(sees(catalog, &few, new.facts.record), expected);
                assert_eq!(sees(catalog, &many, new.facts.record), expected);
            }
            let span = Span { from: from.map(at), until: until.map(at) };
            let both = scope_of(A, &[own(people[2], None, Some(0))], &[span]);
            for new in &records {
                let key = new.facts.participants[0].address.key();
                let expected = both.sees(&key, new.facts.received_at);
                assert_eq!(sees(catalog, &both, new.facts.record), expected);
            }
        }
    }
}
