use model::{AccessRequestId, DirectoryId, GrantId, GroupId};
use policy::{Approval, Grant, GrantKind, Opens};

use super::accounts::{account, conflict};
use super::*;
use crate::{
    AccessRequest, Account, AccountFilter, AccountKind, CatalogError, Concerned, Conflict,
    Decision, GrantFilter, GrantRow, Grantee, Group, Handover, Origin, RequestState,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("accounts are listed in pages and filtered by words", pages),
    ("a shared mailbox never signs in", shared_mailboxes),
    ("an entry of a directory is one account", origins),
    ("groups have names, members and an end", groups),
    ("a grant counts for its grantee until it is revoked", grants),
    ("nothing of another tenant is granted or listed", grants_stay_apart),
    ("a request for access is decided once", access),
    ("who is concerned is told once", concerned),
];

const DIRECTORY: DirectoryId = DirectoryId::from_bytes([0xd; 16]);

fn id(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn pages(catalog: &dyn Catalog) {
    for (number, user, first, last) in [
        (1, "anna", "Änna", "Arm"),
        (2, "bert", "Bert", "Baum"),
        (3, "clara", "Clara", "Baumann"),
        (4, "dora", "", ""),
    ] {
        let named = Account {
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            ..account(number, user)
        };
        catalog.add_account(&named, (number == 1).then_some("hash")).expect("added");
        let address = EmailAddress::new(&format!("{user}@own.example"));
        catalog.give_address(id(number), &address, Handover::Rule, NOON).expect("given");
    }
    let foreign = Account { tenant: Some(B), ..account(9, "baum") };
    catalog.add_account(&foreign, None).expect("added");
    let list = |filter: &AccountFilter, after: Option<&str>, limit| {
        let page = catalog.account_page(Some(A), filter, after, limit).expect("reads");
        let users: Vec<_> = page.rows.iter().map(|row| row.account.user_name.clone()).collect();
        (page.total, users.join(" "))
    };
    let text = |text: &str| AccountFilter { text: Some(text.to_owned()), ..Default::default() };
    let all = AccountFilter::default();
    assert_eq!(list(&all, None, 2), (4, "anna bert".to_owned()));
    assert_eq!(list(&all, Some("Bert"), 9), (4, "clara dora".to_owned()));
    assert_eq!(list(&text("baum"), None, 9), (2, "bert clara".to_owned()));
    assert_eq!(list(&text("BAUM cla"), None, 9), (1, "clara".to_owned()));
    assert_eq!(list(&text("änna"), None, 9), (1, "anna".to_owned()));
    assert_eq!(list(&text("dora@own"), None, 9), (1, "dora".to_owned()));
    assert_eq!(list(&text("%"), None, 9), (0, String::new()));
    let page = catalog.account_page(Some(A), &all, None, 9).expect("reads");
    assert!(page.rows[0].has_password && !page.rows[1].has_password);
    assert_eq!(page.rows[0].addresses, [own("anna@own.example", None, None)]);

    assert_eq!(catalog.set_archived(A, Some(&[id(1), id(9)]), false).expect("changed"), 1);
    assert_eq!(catalog.set_archived(A, Some(&[id(1)]), false).expect("changed"), 0);
    let selected = AccountFilter { archived: Some(true), ..Default::default() };
    assert_eq!(list(&selected, None, 9).1, "bert clara dora");
    assert_eq!(catalog.set_archived(A, None, true).expect("changed"), 1);
    let disabled =
        Account { disabled: true, ..catalog.account(id(2)).expect("reads").expect("it") };
    catalog.update_account(&disabled).expect("updated");
    let filter = AccountFilter { disabled: Some(true), ..Default::default() };
    assert_eq!(list(&filter, None, 9), (1, "bert".to_owned()));
    let filter = AccountFilter { role: Some(AccountRole::Auditor), ..Default::default() };
    assert_eq!(list(&filter, None, 9).0, 0);
    let owner = catalog.address_owner(A, "anna@own.example").expect("reads");
    assert_eq!(owner, Some((id(1), own("anna@own.example", None, None))));
    assert_eq!(catalog.address_owner(B, "anna@own.example").expect("reads"), None);
    let owned = catalog.addresses_of(&[id(4), id(1), id(77)]).expect("reads");
    assert_eq!(owned.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(1), id(4)]);
}

fn shared_mailboxes(catalog: &dyn Catalog) {
    let info = Account { kind: AccountKind::Shared, ..account(1, "info") };
    assert!(catalog.add_account(&info, Some("hash")).is_err());
    let mighty = Account { role: AccountRole::Administrator, ..info.clone() };
    assert!(catalog.add_account(&mighty, None).is_err());
    catalog.add_account(&info, None).expect("added");
    assert!(catalog.update_account(&mighty).is_err());
    assert!(catalog.set_password(info.id, "hash", false, None).is_err());
    let filter = AccountFilter { kind: Some(AccountKind::Shared), ..Default::default() };
    assert_eq!(catalog.account_page(Some(A), &filter, None, 9).expect("reads").total, 1);
}

fn origins(catalog: &dyn Catalog) {
    let origin = |key: &str| Some(Origin { directory: DIRECTORY, key: key.to_owned() });
    let anna = Account { origin: origin("01"), ..account(1, "anna") };
    catalog.add_account(&anna, None).expect("added");
    let again = Account { origin: origin("01"), ..account(2, "bert") };
    assert_eq!(conflict(catalog.add_account(&again, None)), Conflict::Origin);
    assert_eq!(catalog.account_from(DIRECTORY, "01").expect("reads"), Some(anna.clone()));
    assert_eq!(catalog.account_from(DIRECTORY, "02").expect("reads"), None);
    let all = catalog.accounts_from(DIRECTORY).expect("reads");
    assert_eq!(all.iter().map(|row| &row.account).collect::<Vec<_>>(), [&anna]);
    let local = Account { origin: None, ..anna };
    catalog.update_account(&local).expect("updated");
    assert_eq!(catalog.account(local.id).expect("reads"), Some(local));
}

fn group(number: u8, name: &str) -> Group {
    Group {
        id: GroupId::from_bytes([number; 16]),
        tenant: A,
        name: name.to_owned(),
        origin: None,
        created_at: NOON,
    }
}

fn groups(catalog: &dyn Catalog) {
    for (number, user) in [(1, "anna"), (2, "bert")] {
        catalog.add_account(&account(number, user), None).expect("added");
    }
    let foreign = Account { tenant: Some(B), ..account(9, "zoe") };
    catalog.add_account(&foreign, None).expect("added");
    let sales = group(1, "Vertrieb");
    catalog.add_group(&sales).expect("added");
    assert_eq!(conflict(catalog.add_group(&group(2, "VERTRIEB"))), Conflict::GroupName);
    assert_eq!(conflict(catalog.add_group(&group(1, "Einkauf"))), Conflict::Id);
    let from = |key: &str| Some(Origin { directory: DIRECTORY, key: key.to_owned() });
    let mirrored = Group { origin: from("g1"), ..group(3, "Vertrieb") };
    catalog.add_group(&mirrored).expect("a name may repeat where a directory gave it");
    let again = Group { origin: from("g1"), ..group(4, "Andere") };
    assert_eq!(conflict(catalog.add_group(&again)), Conflict::Origin);
    assert_eq!(catalog.groups_from(DIRECTORY).expect("reads"), [mirrored]);

    let set = |ids: &[AccountId]| catalog.set_group_members(sales.id, ids);
    assert_eq!(set(&[id(1), id(2)]).expect("set"), (2, 0));
    assert_eq!(set(&[id(2)]).expect("set"), (0, 1));
    assert!(matches!(set(&[id(1), id(9)]), Err(CatalogError::NotFound(_))));
    assert!(!catalog.set_group_member(sales.id, id(9), true).expect("works"), "a stranger");
    assert!(catalog.set_group_member(sales.id, id(1), true).expect("works"));
    assert!(!catalog.set_group_member(sales.id, id(1), true).expect("works"));
    let members = catalog.group_members(sales.id).expect("reads");
    assert_eq!(members.iter().map(|one| one.id).collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(catalog.groups_of(id(1)).expect("reads"), std::slice::from_ref(&sales));
    assert!(catalog.set_group_member(sales.id, id(1), false).expect("works"));
    let listed = catalog.groups(A).expect("reads");
    assert_eq!(listed.iter().map(|row| row.members).collect::<Vec<_>>(), [1, 0]);
    catalog.rename_group(sales.id, "Verkauf").expect("renamed");
    assert_eq!(catalog.group(A, sales.id).expect("reads").expect("it").name, "Verkauf");
    assert_eq!(catalog.group(B, sales.id).expect("reads"), None);
    assert!(!catalog.remove_group(B, sales.id, "eve", at(5)).expect("works"));

    let info = Account { kind: AccountKind::Shared, ..account(5, "info") };
    catalog.add_account(&info, None).expect("added");
    let opened = grant(1, Grantee::Group(sales.id), Opens::Mailbox(id(5)));
    catalog.add_grant(&opened).expect("granted");
    assert!(catalog.remove_group(A, sales.id, "root", at(5)).expect("removed"));
    assert!(!catalog.remove_group(A, sales.id, "root", at(5)).expect("works"));
    let left = catalog.grant(A, opened.id).expect("reads").expect("kept");
    assert_eq!(left.revoked, Some((at(5), "root".to_owned())));
    assert!(catalog.grants_for(id(2)).expect("reads").is_empty());
}

fn grant(number: u8, grantee: Grantee, opens: Opens) -> GrantRow {
    let span = |from, until| Span { from: Some(at(from)), until: Some(at(until)) };
    GrantRow {
        id: GrantId::from_bytes([number; 16]),
        tenant: A,
        grantee,
        grant: Grant { opens, kind: GrantKind::Audit, valid: span(0, 100), mail: span(-9, 9) },
        reason: "because".to_owned(),
        granted_by: "root".to_owned(),
        granted_at: at(1),
        revoked: None,
    }
}

fn grants(catalog: &dyn Catalog) {
    let auditor = Account { role: AccountRole::Auditor, ..account(1, "rita") };
    for account in [auditor, account(2, "bert"), account(3, "clara")] {
        catalog.add_account(&account, None).expect("added");
    }
    let sales = group(1, "Vertrieb");
    catalog.add_group(&sales).expect("added");
    catalog.set_group_members(sales.id, &[id(2)]).expect("set");
    let whole = grant(1, Grantee::Account(id(1)), Opens::Tenant);
    let shared = grant(2, Grantee::Group(sales.id), Opens::Mailbox(id(3)));
    let single = grant(3, Grantee::Account(id(2)), Opens::Mailbox(id(3)));
    for row in [&whole, &shared, &single] {
        catalog.add_grant(row).expect("granted");
        assert_eq!(catalog.grant(A, row.id).expect("reads").as_ref(), Some(row));
    }
    assert_eq!(catalog.grants_for(id(1)).expect("reads"), [whole.grant]);
    assert_eq!(catalog.grants_for(id(2)).expect("reads"), [shared.grant, single.grant]);
    assert!(catalog.grants_for(id(3)).expect("reads").is_empty());
    for bad in [
        GrantRow { reason: " ".to_owned(), ..grant(4, whole.grantee, Opens::Mailbox(id(2))) },
        grant(4, Grantee::Account(id(2)), Opens::Tenant),
        grant(4, Grantee::Group(sales.id), Opens::Tenant),
        grant(4, Grantee::Account(id(2)), Opens::Mailbox(id(2))),
        grant(4, Grantee::Account(id(8)), Opens::Mailbox(id(2))),
        grant(1, Grantee::Account(id(1)), Opens::Mailbox(id(2))),
    ] {
        assert!(catalog.add_grant(&bad).is_err(), "{bad:?}");
    }
    let list = |filter: GrantFilter| -> Vec<GrantId> {
        let rows = catalog.grants(A, &filter, 9).expect("reads");
        rows.into_iter().map(|row| row.id).collect()
    };
    let all = GrantFilter::default();
    assert_eq!(list(all), [single.id, shared.id, whole.id]);
    assert_eq!(list(GrantFilter { before: Some(shared.id), ..all }), [whole.id]);
    assert_eq!(list(GrantFilter { grantee: Some(shared.grantee), ..all }), [shared.id]);
    assert_eq!(list(GrantFilter { grantee: Some(single.grantee), ..all }), [single.id]);
    assert_eq!(list(GrantFilter { opens: Some(Opens::Tenant), ..all }), [whole.id]);
    let opens = Some(Opens::Mailbox(id(3)));
    assert_eq!(list(GrantFilter { opens, ..all }), [single.id, shared.id]);
    assert!(catalog.revoke_grant(A, single.id, "root", at(7)).expect("revoked"));
    assert!(!catalog.revoke_grant(A, single.id, "root", at(8)).expect("works"));
    assert_eq!(catalog.grants_for(id(2)).expect("reads"), [shared.grant]);
    let standing = |moment| list(GrantFilter { standing_at: Some(at(moment)), ..all });
    assert_eq!(standing(99), [shared.id, whole.id]);
    assert!(standing(100).is_empty());
}

fn grants_stay_apart(catalog: &dyn Catalog) {
    catalog.add_account(&account(1, "anna"), None).expect("added");
    catalog.add_account(&account(2, "bert"), None).expect("added");
    let foreign = Account { tenant: Some(B), ..account(9, "zoe") };
    catalog.add_account(&foreign, None).expect("added");
    for row in [
        grant(1, Grantee::Account(id(9)), Opens::Mailbox(id(1))),
        grant(1, Grantee::Account(id(1)), Opens::Mailbox(id(9))),
        GrantRow { tenant: B, ..grant(1, Grantee::Account(id(1)), Opens::Mailbox(id(2))) },
    ] {
        assert!(matches!(catalog.add_grant(&row), Err(CatalogError::NotFound(_))), "{row:?}");
    }
    let row = grant(1, Grantee::Account(id(1)), Opens::Mailbox(id(2)));
    catalog.add_grant(&row).expect("granted");
    assert_eq!(catalog.grant(B, row.id).expect("reads"), None);
    assert!(!catalog.revoke_grant(B, row.id, "eve", at(1)).expect("works"));
    assert!(catalog.grants(B, &GrantFilter::default(), 9).expect("reads").is_empty());
}

fn request(number: u8, opens: Vec<Opens>) -> AccessRequest {
    AccessRequest {
        id: AccessRequestId::from_bytes([number; 16]),
        tenant: A,
        requester: id(1),
        opens,
        mail: Span { from: Some(at(-9)), until: None },
        reason: "an accusation".to_owned(),
        asked_at: at(0),
        until: at(50),
        state: RequestState::Asked,
        decisions: Vec::new(),
    }
}

fn decision(state: RequestState, moment: i64) -> Decision {
    Decision {
        state,
        at: at(moment),
        by: id(2),
        who: "otto".to_owned(),
        reason: "plausible".to_owned(),
    }
}

fn access(catalog: &dyn Catalog) {
    use RequestState::*;
    for (number, user) in [(1, "rita"), (2, "otto"), (3, "clara")] {
        let auditor = Account { role: AccountRole::Auditor, ..account(number, user) };
        catalog.add_account(&auditor, None).expect("added");
    }
    let asked = request(1, vec![Opens::Mailbox(id(3))]);
    catalog.add_access_request(&asked).expect("added");
    for bad in [
        request(2, Vec::new()),
        request(2, vec![Opens::Tenant, Opens::Mailbox(id(3))]),
        request(2, vec![Opens::Mailbox(id(8))]),
        AccessRequest { tenant: B, ..request(2, vec![Opens::Tenant]) },
        AccessRequest { reason: String::new(), ..request(2, vec![Opens::Tenant]) },
    ] {
        assert!(catalog.add_access_request(&bad).is_err(), "{bad:?}");
    }
    assert!(catalog.approvals(id(1)).expect("reads").is_empty());
    let decide = |tenant, from, state, moment| {
        let decided = decision(state, moment);
        catalog.decide_access(tenant, asked.id, from, &decided, false).expect("works")
    };
    assert!(!decide(B, Asked, Approved, 5));
    assert!(!decide(A, Approved, Revoked, 5));
    assert!(decide(A, Asked, Approved, 5));
    assert!(!decide(A, Asked, Rejected, 6), "decided once");
    let valid = Span { from: Some(at(5)), until: Some(at(50)) };
    let approval = Approval { opens: asked.opens.clone(), valid, mail: asked.mail };
    assert_eq!(catalog.approvals(id(1)).expect("reads"), [approval]);
    assert!(catalog.approvals(id(2)).expect("reads").is_empty());
    assert!(decide(A, Approved, Revoked, 7));
    assert!(catalog.approvals(id(1)).expect("reads").is_empty());
    let stored = catalog.access_request(A, asked.id).expect("reads").expect("kept");
    let decisions = vec![decision(Approved, 5), decision(Revoked, 7)];
    assert_eq!(stored, AccessRequest { state: Revoked, decisions, ..asked.clone() });
    assert_eq!(catalog.access_request(B, asked.id).expect("reads"), None);
    let other = request(2, vec![Opens::Tenant]);
    catalog.add_access_request(&other).expect("added");
    let list = |tenant, requester, before| -> Vec<_> {
        let all = catalog.access_requests(tenant, requester, before, 9).expect("reads");
        all.into_iter().map(|one| one.id).collect()
    };
    assert_eq!(list(A, None, None), [other.id, asked.id]);
    assert_eq!(list(A, Some(id(1)), Some(other.id)), [asked.id]);
    assert!(list(A, Some(id(2)), None).is_empty() && list(B, None, None).is_empty());
}

fn concerned(catalog: &dyn Catalog) {
    for (number, user) in [(1, "rita"), (2, "otto"), (3, "clara"), (4, "dora")] {
        catalog.add_account(&account(number, user), None).expect("added");
        if number != 4 {
            let address = EmailAddress::new(&format!("{user}@own.example"));
            catalog.give_address(id(number), &address, Handover::Rule, NOON).expect("given");
        }
    }
    let single = request(1, vec![Opens::Mailbox(id(3)), Opens::Mailbox(id(4))]);
    let whole = request(2, vec![Opens::Tenant]);
    let silent = request(3, vec![Opens::Tenant]);
    for (request, tell) in [(&single, true), (&whole, true), (&silent, false)] {
        catalog.add_access_request(request).expect("added");
        let decided = decision(RequestState::Approved, 5);
        let done = catalog.decide_access(A, request.id, RequestState::Asked, &decided, tell);
        assert!(done.expect("works"));
    }
    let of = |request: &AccessRequest, account| Concerned {
        request: request.id,
        tenant: A,
        account,
        told_at: None,
    };
    assert_eq!(catalog.concerned(A, single.id).expect("reads"), [of(&single, id(3))]);
    assert_eq!(
        catalog.to_be_told(9).expect("reads"),
        [of(&single, id(3)), of(&whole, id(2)), of(&whole, id(3))]
    );
    assert!(catalog.concerned(B, single.id).expect("reads").is_empty());
    assert!(catalog.concerned(A, silent.id).expect("reads").is_empty());
    catalog.told(&[of(&single, id(3))], at(9)).expect("noted");
    catalog.told(&[of(&single, id(3))], at(10)).expect("noted before");
    let told = Concerned { told_at: Some(at(9)), ..of(&single, id(3)) };
    assert_eq!(catalog.concerned(A, single.id).expect("reads"), [told]);
    assert_eq!(catalog.to_be_told(1).expect("reads"), [of(&whole, id(2))]);
}
