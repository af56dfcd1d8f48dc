use model::{ApiTokenId, ProviderId};
use policy::Permission;

use super::accounts::{account, conflict, session};
use super::*;
use crate::{
    ApiToken, Conflict, Link, PASSKEYS_MAX, PasskeyRow, Provider, ProviderSettings, Session,
    SignInPolicy, TotpRow,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("each tenant and the operators have their sign-in policy", policies),
    ("providers belong to one tenant and take their links along", providers),
    ("one person at a provider is one account", links),
    ("a time step, a recovery code, an answer is used once", once),
    ("passkeys are unique and bounded", passkeys),
    ("tokens are found by hash and end with the account", tokens),
    ("sessions are listed and ended but one", sessions),
];

fn policies(catalog: &dyn Catalog) {
    let strict = SignInPolicy {
        local_for_administrators_only: true,
        second_factor_roles: vec![AccountRole::Administrator],
    };
    catalog.set_sign_in_policy(Some(A), &SignInPolicy::default()).expect("set");
    catalog.set_sign_in_policy(Some(A), &strict).expect("set again");
    assert_eq!(catalog.sign_in_policy(Some(A)).expect("reads"), strict);
    for other in [Some(B), None] {
        assert_eq!(catalog.sign_in_policy(other).expect("reads"), SignInPolicy::default());
    }
    catalog.set_sign_in_policy(None, &strict).expect("set");
    catalog.set_sign_in_policy(None, &strict).expect("again");
    assert_eq!(catalog.sign_in_policy(None).expect("reads"), strict);
}

fn provider(number: u8, tenant: Option<TenantId>) -> Provider {
    Provider {
        id: ProviderId::from_bytes([number; 16]),
        tenant,
        name: format!("Provider {number}"),
        enabled: true,
        settings: ProviderSettings {
            issuer: "https://idp.example".to_owned(),
            client_id: "archive".to_owned(),
            ..ProviderSettings::default()
        },
        secret: Some("sealed".to_owned()),
        created_at: NOON,
    }
}

fn providers(catalog: &dyn Catalog) {
    let (mine, other, server) = (provider(1, Some(A)), provider(2, Some(B)), provider(3, None));
    for provider in [&mine, &other, &server] {
        catalog.add_provider(provider).expect("added");
    }
    assert_eq!(conflict(catalog.add_provider(&mine)), Conflict::Id);
    assert!(catalog.add_provider(&Provider { name: " ".to_owned(), ..provider(4, None) }).is_err());
    assert_eq!(catalog.providers(Some(A)).expect("reads"), std::slice::from_ref(&mine));
    assert_eq!(catalog.providers(None).expect("reads"), std::slice::from_ref(&server));
    let off = Provider { enabled: false, secret: None, ..mine };
    catalog.update_provider(&off).expect("updated");
    assert_eq!(catalog.provider(off.id).expect("reads"), Some(off.clone()));
    let mut berg = tenant(B, "Berg");
    assert_eq!(catalog.enabled_providers().expect("reads"), [other, server.clone()]);
    berg.state = TenantState::Suspended;
    catalog.update_tenant(&berg).expect("updated");
    assert_eq!(catalog.enabled_providers().expect("reads"), [server]);
    assert!(catalog.remove_provider(off.id).expect("removed"));
    assert!(!catalog.remove_provider(off.id).expect("works"));
    assert!(catalog.update_provider(&off).is_err());
}

fn links(catalog: &dyn Catalog) {
    let (anna, bert) = (account(1, "anna"), account(2, "bert"));
    catalog.add_account(&anna, None).expect("added");
    catalog.add_account(&bert, None).expect("added");
    let idp = provider(1, Some(A));
    catalog.add_provider(&idp).expect("added");
    let link = |subject: &str, account: &crate::Account| Link {
        provider: idp.id,
        subject: subject.to_owned(),
        account: account.id,
        created: false,
        linked_at: NOON,
    };
    catalog.link(&link("s1", &anna)).expect("linked");
    catalog.link(&link("s1", &anna)).expect("again");
    assert_eq!(conflict(catalog.link(&link("s1", &bert))), Conflict::Linked);
    assert_eq!(conflict(catalog.link(&link("s2", &anna))), Conflict::Linked);
    assert_eq!(catalog.linked(idp.id, "s1").expect("reads"), Some(link("s1", &anna)));
    assert_eq!(catalog.linked(idp.id, "S1").expect("reads"), None);
    assert_eq!(catalog.links(anna.id).expect("reads"), [link("s1", &anna)]);
    assert!(catalog.unlink(idp.id, anna.id).expect("unlinked"));
    assert!(!catalog.unlink(idp.id, anna.id).expect("works"));
    catalog.link(&link("s1", &bert)).expect("free again");
    catalog.remove_provider(idp.id).expect("removed");
    assert!(catalog.links(bert.id).expect("reads").is_empty());
}

fn once(catalog: &dyn Catalog) {
    let anna = account(1, "anna");
    catalog.add_account(&anna, None).expect("added");
    let totp = TotpRow { secret: "sealed".to_owned(), last_step: 7, created_at: NOON };
    assert!(!catalog.use_totp_step(anna.id, 8).expect("works"), "there is no generator");
    catalog.set_totp(anna.id, Some(&totp)).expect("set");
    for (step, used) in [(7, false), (8, true), (8, false), (6, false), (10, true), (9, false)] {
        assert_eq!(catalog.use_totp_step(anna.id, step).expect("works"), used, "{step}");
    }
    let codes = [Digest::of(b"one"), Digest::of(b"two")];
    catalog.set_recovery_codes(anna.id, &codes).expect("set");
    assert!(catalog.use_recovery_code(anna.id, codes[0]).expect("works"));
    assert!(!catalog.use_recovery_code(anna.id, codes[0]).expect("works"));
    let factors = catalog.second_factors(anna.id).expect("reads");
    assert_eq!((factors.recovery_codes, factors.any()), (1, true));
    assert_eq!(factors.totp.map(|totp| totp.last_step), Some(10));
    let passkey = PasskeyRow {
        id: vec![200; 20],
        name: "Schlüssel".to_owned(),
        credential: "{}".to_owned(),
        created_at: NOON,
        last_used_at: None,
    };
    catalog.add_passkey(anna.id, &passkey).expect("added");
    let left = || catalog.second_factors(anna.id).expect("reads").recovery_codes;
    catalog.set_totp(anna.id, None).expect("taken away");
    assert_eq!(left(), 1, "a passkey is left");
    assert!(catalog.remove_passkey(anna.id, &passkey.id).expect("removed"));
    assert_eq!(left(), 0, "there is nothing to recover");
    catalog.set_totp(anna.id, Some(&totp)).expect("set");
    assert!(catalog.reset_second_factors(anna.id).expect("reset"));
    assert!(!catalog.reset_second_factors(anna.id).expect("works"));
    assert!(!catalog.second_factors(anna.id).expect("reads").any());

    let key = Digest::of(b"answer");
    assert!(catalog.use_once(key, at(10)).expect("works"));
    assert!(!catalog.use_once(key, at(20)).expect("works"));
    assert_eq!(catalog.sweep(at(9)).expect("swept"), 0);
    assert_eq!(catalog.sweep(at(10)).expect("swept"), 1);
}

fn passkeys(catalog: &dyn Catalog) {
    let (anna, bert) = (account(1, "anna"), account(2, "bert"));
    catalog.add_account(&anna, None).expect("added");
    catalog.add_account(&bert, None).expect("added");
    let passkey = |number: u8| PasskeyRow {
        id: vec![number; 20],
        name: "Schlüssel".to_owned(),
        credential: "{}".to_owned(),
        created_at: at(i64::from(number)),
        last_used_at: None,
    };
    catalog.add_passkey(anna.id, &passkey(1)).expect("added");
    assert_eq!(conflict(catalog.add_passkey(bert.id, &passkey(1))), Conflict::Id);
    catalog.use_passkey(bert.id, &passkey(1).id, "stolen", at(5)).expect("not theirs: nothing");
    catalog.use_passkey(anna.id, &passkey(1).id, "{1}", at(5)).expect("used");
    let found = catalog.second_factors(anna.id).expect("reads").passkeys;
    let used = PasskeyRow { credential: "{1}".to_owned(), last_used_at: Some(at(5)), ..passkey(1) };
    assert_eq!(found, [used]);
    for number in 2..=PASSKEYS_MAX as u8 {
        catalog.add_passkey(anna.id, &passkey(number)).expect("added");
    }
    assert!(catalog.add_passkey(anna.id, &passkey(99)).is_err());
    assert!(!catalog.remove_passkey(bert.id, &passkey(1).id).expect("works"));
    assert!(catalog.remove_passkey(anna.id, &passkey(1).id).expect("removed"));
}

fn tokens(catalog: &dyn Catalog) {
    let mut anna = account(1, "anna");
    let bert = account(2, "bert");
    catalog.add_account(&anna, None).expect("added");
    catalog.add_account(&bert, None).expect("added");
    let token = |number: u8| ApiToken {
        id: ApiTokenId::from_bytes([number; 16]),
        token_hash: Digest::of(&[number]),
        account: anna.id,
        name: "Monitoring".to_owned(),
        prefix: "chy_ab".to_owned(),
        scopes: vec![Permission::ReadStatus],
        read_only: true,
        created_at: at(i64::from(number)),
        expires_at: at(100),
        last_used_at: None,
    };
    for number in 1..=3 {
        catalog.add_api_token(&token(number)).expect("added");
    }
    let find = |number: u8| catalog.api_token(Digest::of(&[number])).expect("reads");
    assert_eq!(find(1), Some((token(1), anna.clone())));
    assert_eq!(find(9), None);
    catalog.touch_api_token(token(1).id, at(7)).expect("touched");
    catalog.touch_api_token(token(1).id, at(6)).expect("an older touch changes nothing");
    assert_eq!(find(1).expect("there").0.last_used_at, Some(at(7)));
    assert!(!catalog.remove_api_token(bert.id, token(2).id).expect("works"));
    assert!(catalog.remove_api_token(anna.id, token(2).id).expect("removed"));
    assert_eq!(catalog.api_tokens(anna.id).expect("reads").len(), 2);
    anna.disabled = true;
    catalog.update_account(&anna).expect("updated");
    assert_eq!(find(3), None);
    let token = ApiToken { account: bert.id, ..token(4) };
    catalog.add_api_token(&token).expect("added");
    assert_eq!(catalog.sweep(at(99)).expect("swept"), 0);
    assert_eq!(catalog.sweep(at(100)).expect("swept"), 1);
}

fn sessions(catalog: &dyn Catalog) {
    let anna = account(1, "anna");
    catalog.add_account(&anna, None).expect("added");
    let enrolling = Session { must_enrol: true, ..session(1, anna.id) };
    let all = [enrolling, session(2, anna.id), session(3, anna.id)];
    for session in &all {
        catalog.add_session(session).expect("added");
    }
    catalog.touch_session(all[2].token_hash, at(9)).expect("touched");
    let listed = catalog.sessions(anna.id).expect("reads");
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0].token_hash, all[2].token_hash, "latest use first");
    catalog.enrolled(anna.id).expect("enrolled");
    assert!(catalog.sessions(anna.id).expect("reads").iter().all(|one| !one.must_enrol));
    let keep = Some(all[0].token_hash);
    assert_eq!(catalog.end_other_sessions(anna.id, keep).expect("ended"), 2);
    let left = catalog.sessions(anna.id).expect("reads");
    assert_eq!(left.iter().map(|one| one.token_hash).collect::<Vec<_>>(), [all[0].token_hash]);
    catalog.set_password(anna.id, "old", false, keep).expect("set");
    catalog.rehash_password(anna.id, "other", "new").expect("changed meanwhile: nothing");
    assert_eq!(catalog.password_hash(anna.id).expect("reads").as_deref(), Some("old"));
    catalog.rehash_password(anna.id, "old", "new").expect("rehashed");
    assert_eq!(catalog.password_hash(anna.id).expect("reads").as_deref(), Some("new"));
    assert_eq!(catalog.sessions(anna.id).expect("reads").len(), 1, "sessions go on");
}
