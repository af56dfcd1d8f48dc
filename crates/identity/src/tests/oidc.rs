//! Forged, replayed and foreign answers of OpenID providers, against a provider that says whatever
//! a test wants.

mod fake;

use std::sync::atomic::Ordering::Relaxed;

use catalog::{
    AuditEvent, ClaimOperator, ClaimSource, ClientAuthentication, Handover, LinkBy, ProviderKind,
    ProviderSettings, RoleRule,
};
use serde_json::{Value, json};

use super::*;
use crate::oidc::{Answer, Draft, Refusal};
use fake::{CLIENT, Fake, ISSUER, parameter};

struct Site1 {
    world: World,
    fake: Arc<Fake>,
    identity: Identity,
    provider: catalog::Provider,
}

fn settings() -> ProviderSettings {
    ProviderSettings {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT.to_owned(),
        create_accounts: true,
        roles: vec![RoleRule {
            source: ClaimSource::IdToken,
            claim: "sub".to_owned(),
            operator: ClaimOperator::StartsWith,
            value: "1".to_owned(),
            role: AccountRole::User,
        }],
        ..ProviderSettings::default()
    }
}

fn by() -> AuditEvent {
    By::server("admin").event(Some(TENANT), "sign-in.provider", String::new(), Value::Null, NOON)
}

fn site(settings: ProviderSettings) -> Site1 {
    let world = world();
    let fake = Arc::new(Fake::new());
    let identity = Identity::new(world.catalog.clone(), Arc::new(Counting::default()))
        .expect("hashes")
        .with_site(Some(Site::parse("https://archive.example").expect("a site")))
        .with_web(fake.clone());
    let secret = Some("the client's secret".to_owned());
    let draft = Draft { name: "Corp".to_owned(), enabled: true, secret, settings };
    let provider = identity.add_provider(Some(TENANT), &draft, &by(), NOON).expect("added");
    Site1 { world, fake, identity, provider }
}

/// The usual claims, as they are for `nonce`.
fn claims(nonce: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "1-anna", "nonce": nonce,
        "iat": NOON.as_seconds(), "exp": NOON.as_seconds() + 3600,
        "preferred_username": "anna@corp.test", "name": "Anna Arm",
    })
}

impl Site1 {
    /// One sign-in; `change` changes claims (null takes one away).
    fn try_with(&self, change: Value) -> Result<SignedIn, Refusal> {
        self.try_at(0, |nonce| {
            let mut claims = claims(nonce);
            for (key, value) in change.as_object().expect("an object") {
                match value {
                    Value::Null => drop(claims.as_object_mut().expect("an object").remove(key)),
                    value => claims[key] = value.clone(),
                }
            }
            self.fake.sign(&claims)
        })
    }

    fn try_at(
        &self,
        seconds: i64,
        token: impl FnOnce(&str) -> String,
    ) -> Result<SignedIn, Refusal> {
        let now = NOON.saturating_add_seconds(seconds);
        let begun = self.identity.begin_at_provider(self.provider.id, None, None, now);
        let begun = match begun {
            Err(IdentityError::Refused(refusal)) => return Err(refusal),
            other => other.expect("begins"),
        };
        self.fake.answer(token(&parameter(&begun.location, "nonce")));
        let state = parameter(&begun.location, "state");
        let answer = Answer { code: Some("code"), state: Some(&state), ..Answer::default() };
        self.finish(&begun.ticket, &answer, now)
    }

    fn finish(
        &self,
        ticket: &str,
        answer: &Answer<'_>,
        now: Timestamp,
    ) -> Result<SignedIn, Refusal> {
        let id = self.provider.id;
        match self.identity.finish_at_provider(id, Some(ticket), answer, None, "test", now) {
            Ok((signed_in, page)) => {
                assert_eq!(page, "/");
                Ok(signed_in)
            }
            Err(IdentityError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error}"),
        }
    }

    fn accounts(&self) -> usize {
        self.world.catalog.accounts(Some(TENANT)).expect("reads").len()
    }
}

#[test]
fn only_a_token_for_this_question_opens_a_session() {
    let site = site(settings());
    let now = NOON.as_seconds();
    for (change, expected) in [
        (json!({ "iss": "https://evil.example" }), Refusal::WrongIssuer),
        (json!({ "iss": format!("{ISSUER}/") }), Refusal::WrongIssuer),
        (json!({ "aud": "other" }), Refusal::WrongAudience),
        (json!({ "aud": [CLIENT, "other"] }), Refusal::WrongAudience),
        (json!({ "azp": "other" }), Refusal::WrongAudience),
        (json!({ "nonce": "other" }), Refusal::WrongNonce),
        (json!({ "nonce": null }), Refusal::WrongNonce),
        (json!({ "exp": now - 121 }), Refusal::TokenExpired),
        (json!({ "iat": now - 3600 }), Refusal::TokenExpired),
        (json!({ "iat": now + 600 }), Refusal::TokenExpired),
        (json!({ "nbf": now + 600 }), Refusal::TokenExpired),
        (json!({ "iat": null }), Refusal::BadAnswer),
        (json!({ "sub": null }), Refusal::BadAnswer),
        (json!({ "sub": "" }), Refusal::MissingClaim),
        (json!({ "preferred_username": null }), Refusal::MissingClaim),
        (json!({ "sub": "2-bert" }), Refusal::NoRole),
    ] {
        assert_eq!(site.try_with(change.clone()).err(), Some(expected), "{change}");
        assert_eq!(site.accounts(), 0, "{change}");
    }
    let signed_in = site.try_with(json!({})).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(signed_in.account.user_name, "anna@corp.test");
    assert_eq!(signed_in.session.method, catalog::SignInMethod::Provider);
}

#[test]
fn unsigned_and_wrongly_signed_tokens_are_refused() {
    let site = site(settings());
    let fake = &site.fake;
    type Forge = fn(&Fake, &Value) -> String;
    let forged: [(&str, Forge, Refusal); 5] = [
        ("unsigned", |_, claims| fake::unsigned(claims), Refusal::BadSignature),
        ("by the client's secret", |_, claims| fake::by_secret(claims), Refusal::BadSignature),
        ("by another key of this name", Fake::sign_by_stranger, Refusal::BadSignature),
        ("changed afterwards", Fake::changed, Refusal::BadSignature),
        ("no token", |_, _| "x.y".to_owned(), Refusal::BadAnswer),
    ];
    for (name, forge, expected) in forged {
        let refused = site.try_at(0, |nonce| forge(fake, &claims(nonce))).err();
        assert!(
            refused == Some(expected) || refused == Some(Refusal::BadAnswer),
            "{name}: {refused:?}"
        );
    }
    assert_eq!(site.accounts(), 0);
}

#[test]
fn a_new_key_is_looked_up_once_and_not_too_often() {
    let site = site(settings());
    let signed = |seconds| site.try_at(seconds, |nonce| site.fake.sign(&claims(nonce))).map(|_| ());
    assert_eq!(signed(0), Ok(()));
    let asked = site.fake.keys_asked.load(Relaxed);
    site.fake.rotate();
    assert_eq!(signed(5), Err(Refusal::BadSignature), "asked a moment ago");
    assert_eq!(site.fake.keys_asked.load(Relaxed), asked);
    assert_eq!(signed(60), Ok(()), "asked again");
    assert_eq!(site.fake.keys_asked.load(Relaxed), asked + 1);
    let strange = |seconds| {
        let signed = site.try_at(seconds, |nonce| site.fake.sign_unpublished(&claims(nonce)));
        signed.err()
    };
    assert_eq!(strange(120), Some(Refusal::BadSignature));
    assert_eq!(strange(125), Some(Refusal::BadSignature));
    assert_eq!(site.fake.keys_asked.load(Relaxed), asked + 2);
    assert_eq!(signed(126), Ok(()), "the good key is still known");
}

#[test]
fn answers_of_others_and_to_others_are_refused_and_recorded() {
    let site = site(settings());
    let begin = || {
        let begun = site.identity.begin_at_provider(site.provider.id, None, None, NOON);
        let begun = begun.unwrap_or_else(|error| panic!("{error}"));
        let token = site.fake.sign(&claims(&parameter(&begun.location, "nonce")));
        site.fake.answer(token);
        (parameter(&begun.location, "state"), begun.ticket)
    };
    let (state, ticket) = begin();
    let good = Answer { code: Some("code"), state: Some(&state), ..Answer::default() };
    let other = Answer { state: Some("other"), ..good };
    assert_eq!(site.finish(&ticket, &other, NOON).err(), Some(Refusal::WrongState));
    assert_eq!(site.finish("forged", &good, NOON).err(), Some(Refusal::Expired));
    let late = NOON.saturating_add_seconds(15 * 60);
    assert_eq!(site.finish(&ticket, &good, late).err(), Some(Refusal::Expired));
    assert!(site.finish(&ticket, &good, NOON).is_ok());
    assert_eq!(site.finish(&ticket, &good, NOON).err(), Some(Refusal::Replayed));
    let evil = Some("https://evil.example");
    for (answer, expected) in [
        (Answer { issuer: evil, code: Some("code"), ..Answer::default() }, Refusal::WrongIssuer),
        (Answer { error: Some("access_denied"), ..Answer::default() }, Refusal::Cancelled),
        (Answer::default(), Refusal::BadAnswer),
    ] {
        let (state, ticket) = begin();
        let answer = Answer { state: Some(&state), ..answer };
        assert_eq!(site.finish(&ticket, &answer, NOON).err(), Some(expected));
    }
    let query = AuditQuery { action: Some("sign-in".into()), ..AuditQuery::default() };
    let log = site.world.catalog.audit_log(Some(TENANT), &query, 50).expect("reads");
    let failed = log.iter().filter(|row| row.event.outcome == AuditOutcome::Failed);
    let codes: Vec<_> = failed.map(|row| row.event.detail["code"].as_str()).collect();
    assert_eq!(
        codes[..4].to_vec(),
        ["bad-answer", "cancelled", "wrong-issuer", "replayed"].map(Some)
    );
}

#[test]
fn metadata_of_another_issuer_and_without_tls_is_refused() {
    let site = site(settings());
    site.fake.metadata(json!({ "issuer": "https://evil.example" }));
    assert_eq!(site.try_with(json!({})).err(), Some(Refusal::WrongIssuer));
    site.fake.metadata(json!({ "token_endpoint": "http://idp.test/token" }));
    assert_eq!(site.try_with(json!({})).err(), Some(Refusal::BadAnswer));
    site.fake.metadata(json!({ "jwks_uri": null }));
    assert_eq!(site.try_with(json!({})).err(), Some(Refusal::BadAnswer));
    let tested = site.identity.test_provider(&site.provider, NOON).expect("tested");
    assert_eq!(tested.refusal, Some(Refusal::BadAnswer));
}

#[test]
fn a_common_document_of_entra_lets_in_the_expected_directories_only() {
    let ours = "11111111-2222-3333-4444-555555555555";
    let theirs = "99999999-2222-3333-4444-555555555555";
    let site = site(ProviderSettings {
        kind: ProviderKind::Entra,
        expected_tenants: vec![ours.to_uppercase()],
        ..settings()
    });
    site.fake.metadata(json!({ "issuer": "https://idp.test/{tenantid}/v2.0" }));
    let of = |tenant: &str, issuer: &str| {
        let issuer = format!("https://idp.test/{issuer}/v2.0");
        site.try_with(json!({ "tid": tenant, "oid": "object-1", "iss": issuer }))
    };
    assert_eq!(of(theirs, theirs).err(), Some(Refusal::ForeignTenant));
    assert_eq!(of(ours, theirs).err(), Some(Refusal::WrongIssuer));
    let anna = of(ours, ours).unwrap_or_else(|refusal| panic!("{refusal}")).account;
    let issuer = format!("https://idp.test/{ours}/v2.0");
    let other = json!({ "tid": ours, "oid": "object-2", "iss": issuer });
    assert_eq!(site.try_with(other).err(), Some(Refusal::AlreadyLinked), "a name is no key");
    let renamed = json!({ "tid": ours, "oid": "OBJECT-1", "iss": issuer, "preferred_username": "new@x.test" });
    let again = site.try_with(renamed).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(again.account.id, anna.id, "nor is it when it changes");
}

#[test]
fn an_account_is_linked_by_a_verified_address_only_where_that_is_wanted() {
    let site = site(ProviderSettings {
        create_accounts: false,
        link: LinkBy::VerifiedEmail,
        ..settings()
    });
    let bert = site.world.add("bert", AccountRole::Auditor);
    let address = EmailAddress::new("bert@corp.test");
    site.world.catalog.give_address(bert.id, &address, Handover::Rule, NOON).expect("given");
    for (change, expected) in [
        (json!({ "email": "bert@corp.test" }), Err(Refusal::UnknownAccount)),
        (
            json!({ "email": "bert@corp.test", "email_verified": false }),
            Err(Refusal::UnknownAccount),
        ),
        (
            json!({ "email": "carl@corp.test", "email_verified": true }),
            Err(Refusal::UnknownAccount),
        ),
        (json!({ "email": "Bert@Corp.test", "email_verified": true }), Ok(bert.id)),
        (json!({}), Ok(bert.id)),
        (
            json!({ "sub": "1-evil", "email": "bert@corp.test", "email_verified": true }),
            Err(Refusal::AlreadyLinked),
        ),
    ] {
        let result = site.try_with(change.clone()).map(|signed_in| signed_in.account.id);
        assert_eq!(result, expected, "{change}");
    }
    let bert = site.world.catalog.account(bert.id).expect("reads").expect("bert");
    assert_eq!(bert.role, AccountRole::Auditor, "rules are for accounts that the provider made");
    let disabled = catalog::Account { disabled: true, ..bert };
    site.world.catalog.update_account(&disabled).expect("updated");
    assert_eq!(site.try_with(json!({})).err(), Some(Refusal::AccountDisabled));
}

#[test]
fn the_role_of_an_account_that_the_provider_made_follows_its_rules() {
    let site = site(settings());
    let anna = site.try_with(json!({})).unwrap_or_else(|refusal| panic!("{refusal}")).account;
    let mut stricter = settings();
    stricter.roles[0].role = AccountRole::Auditor;
    let change = |settings| {
        let draft = Draft { name: "Corp".into(), enabled: true, secret: None, settings };
        site.identity.change_provider(&site.provider, &draft, &by()).expect("changed")
    };
    change(stricter);
    let again = site.try_with(json!({})).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!((again.account.id, again.account.role), (anna.id, AccountRole::Auditor));
    change(ProviderSettings { roles: Vec::new(), ..settings() });
    assert_eq!(site.try_with(json!({})).err(), Some(Refusal::NoRole));
}

#[test]
fn the_client_shows_who_it_is_in_each_way() {
    let site = site(settings());
    let sent = |settings, secret: &str| {
        let secret = Some(secret.to_owned());
        let draft = Draft { name: "Corp".into(), enabled: true, secret, settings };
        site.identity.change_provider(&site.provider, &draft, &by()).expect("changed");
        site.try_with(json!({})).unwrap_or_else(|refusal| panic!("{refusal}"));
        site.fake.last_request()
    };
    let with = |client_authentication| ProviderSettings { client_authentication, ..settings() };
    let (fields, authorization) = sent(with(ClientAuthentication::ClientSecretPost), "a b:c");
    assert_eq!(fields["client_secret"], "a b:c");
    assert_eq!(authorization, None);
    assert_eq!(fields["redirect_uri"], site.identity.redirect_uri(site.provider.id).expect("one"));
    let (fields, authorization) = sent(with(ClientAuthentication::ClientSecretBasic), "a b:c");
    assert!(!fields.contains_key("client_secret"));
    assert_eq!(authorization.as_deref(), Some("Basic YXJjaGl2ZTphK2IlM0Fj"));
    let key = fake::private_key();
    let (fields, _) = sent(with(ClientAuthentication::PrivateKeyJwt), &key.pem);
    assert!(!fields.contains_key("client_secret"));
    let assertion = key.verify(&fields["client_assertion"]);
    assert_eq!((&assertion["iss"], &assertion["sub"]), (&json!(CLIENT), &json!(CLIENT)));
    assert_eq!(assertion["aud"], "https://idp.test/token");
}

#[test]
fn what_cannot_work_is_refused_when_it_is_configured() {
    let site = site(settings());
    let mut operator = settings();
    operator.roles[0].role = AccountRole::Operator;
    for (settings, secret) in [
        (ProviderSettings { issuer: "http://idp.test".into(), ..settings() }, "x"),
        (ProviderSettings { client_id: " ".into(), ..settings() }, "x"),
        (ProviderSettings { kind: ProviderKind::Entra, ..settings() }, "x"),
        (ProviderSettings { ca_certificates: Some("x".into()), ..settings() }, "x"),
        (
            ProviderSettings {
                client_authentication: ClientAuthentication::PrivateKeyJwt,
                ..settings()
            },
            "no key",
        ),
        (settings(), ""),
        (operator, "x"),
    ] {
        let secret = Some(secret.to_owned());
        let draft = Draft { name: "Corp".into(), enabled: true, secret, settings };
        let refused = site.identity.add_provider(Some(TENANT), &draft, &by(), NOON);
        assert!(matches!(refused, Err(IdentityError::BadProvider(_))), "{:?}", draft.settings);
    }
    let log = site.world.catalog.audit_log(Some(TENANT), &AuditQuery::default(), 9).expect("reads");
    assert!(!format!("{log:?}").contains("the client's secret"));
}
