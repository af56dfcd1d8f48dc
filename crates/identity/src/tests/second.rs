//! Second factors and API tokens.

use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{AuditEvent, SignInPolicy};
use policy::Permission;

use super::*;

/// Draws the secret of RFC 6238's test vectors while it is told to.
#[derive(Default)]
struct Vectors {
    counting: Counting,
    on: AtomicBool,
}

impl Random for Vectors {
    fn fill(&self, bytes: &mut [u8]) {
        match self.on.load(Ordering::Relaxed) && bytes.len() == 20 {
            true => bytes.copy_from_slice(b"12345678901234567890"),
            false => self.counting.fill(bytes),
        }
    }
}

/// A moment near the Unix epoch, at which Anna signs in.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

struct Desk {
    world: World,
    vectors: Arc<Vectors>,
    identity: Identity,
}

fn desk() -> Desk {
    let world = world();
    world.add("anna", AccountRole::User);
    let vectors = Arc::new(Vectors::default());
    let identity = Identity::new(world.catalog.clone(), vectors.clone()).expect("hashes");
    Desk { world, vectors, identity }
}

impl Desk {
    fn sign_in(&self, now: Timestamp) -> Result<SignIn, IdentityError> {
        let credentials =
            Credentials { user_name: "anna", password: PASSWORD, ip: None, agent: "test" };
        self.identity.sign_in(&credentials, now)
    }

    fn session(&self, now: Timestamp) -> Current {
        let Ok(SignIn::Complete(signed_in)) = self.sign_in(now) else { panic!("signs in") };
        self.identity.current(&signed_in.token, now).expect("reads").expect("a session")
    }

    fn pending(&self, now: Timestamp) -> Pending {
        match self.sign_in(now) {
            Ok(SignIn::SecondFactor(pending)) => pending,
            _ => panic!("a second factor is asked for"),
        }
    }

    /// Enrols the generator of the test vectors at `now`, at which its password is `code`.
    fn enrol(&self, code: &str, now: Timestamp) -> Vec<String> {
        let current = self.session(now);
        self.vectors.on.store(true, Ordering::Relaxed);
        let offer = self.identity.offer_totp(&current, now).expect("offered");
        self.vectors.on.store(false, Ordering::Relaxed);
        assert_eq!(offer.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(offer.uri.starts_with("otpauth://totp/Chancery:anna?"), "{}", offer.uri);
        let wrong = self.identity.confirm_totp(&current, &offer.ticket, "000000", now);
        assert!(matches!(wrong, Err(IdentityError::BadCode)));
        let confirmed = self.identity.confirm_totp(&current, &offer.ticket, code, now);
        confirmed.expect("confirmed").recovery_codes.expect("the first factor")
    }

    fn show(
        &self,
        pending: &Pending,
        proof: Proof<'_>,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        self.identity.second_factor(&pending.ticket, &proof, None, "test", now).map(|_| ())
    }
}

#[test]
fn one_time_passwords_are_those_of_rfc_6238() {
    let desk = desk();
    // Appendix B with SHA-1; six of its eight digits.
    desk.enrol("287082", at(59));
    for (seconds, code) in [
        (1_111_111_109, "081804"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        let now = at(seconds);
        desk.show(&desk.pending(now), Proof::Code(code), now).expect("the right password");
    }
}

#[test]
fn a_one_time_password_counts_once_and_near_its_time() {
    let desk = desk();
    desk.enrol("287082", at(59));
    let replayed = desk.show(&desk.pending(at(60)), Proof::Code("287082"), at(60));
    assert!(matches!(replayed, Err(IdentityError::BadCode)), "used at enrolment");
    let now = at(1_111_111_109);
    let pending = desk.pending(now);
    let early = desk.show(&pending, Proof::Code("050471"), now);
    early.expect("the next step: clocks differ");
    let late = desk.show(&desk.pending(now), Proof::Code("081804"), now);
    assert!(matches!(late, Err(IdentityError::BadCode)), "older than the last one used");
    let far = desk.show(&desk.pending(at(1_111_112_000)), Proof::Code("050471"), at(1_111_112_000));
    assert!(matches!(far, Err(IdentityError::BadCode)));
}

#[test]
fn guessing_codes_is_slowed_also_from_many_places() {
    let desk = desk();
    desk.enrol("287082", at(59));
    let pending = desk.pending(at(100));
    let guess = |place: u8| {
        let ip = Some(IpAddr::from([192, 0, 2, place]));
        let proof = Proof::Code("111111");
        desk.identity.second_factor(&pending.ticket, &proof, ip, "test", at(100)).err()
    };
    let slowed =
        (0..60).filter(|place| matches!(guess(*place), Some(IdentityError::Throttled { .. })));
    assert_eq!(slowed.count(), 39, "twenty are free, and the one after");
    assert!(
        matches!(desk.pending(at(100)), Pending { totp: true, .. }),
        "the password still counts"
    );
}

#[test]
fn a_recovery_code_opens_once_and_new_ones_end_the_old() {
    let desk = desk();
    let codes = desk.enrol("287082", at(59));
    assert_eq!(codes.len(), RECOVERY_CODES);
    let pending = desk.pending(at(100));
    assert!(pending.recovery_codes && !pending.passkeys);
    let typed = codes[0].to_uppercase().replace('-', " ");
    desk.show(&pending, Proof::RecoveryCode(&typed), at(100)).expect("opens");
    let again = desk.show(&pending, Proof::RecoveryCode(&codes[0]), at(100));
    assert!(matches!(again, Err(IdentityError::BadCode)));
    let proof = Proof::RecoveryCode(&codes[1]);
    let signed_in = desk.identity.second_factor(&pending.ticket, &proof, None, "", at(100));
    let token = signed_in.unwrap_or_else(|error| panic!("{error}")).token;
    let current = desk.identity.current(&token, at(101)).expect("reads").expect("a session");
    let new = desk.identity.new_recovery_codes(&current, at(101)).expect("drawn");
    let old = desk.show(&pending, Proof::RecoveryCode(&codes[2]), at(101));
    assert!(matches!(old, Err(IdentityError::BadCode)));
    desk.show(&pending, Proof::RecoveryCode(&new[2]), at(101)).expect("opens");
    let late = at(101 + FRESH_SECONDS_MAX);
    assert!(matches!(
        desk.identity.new_recovery_codes(&current, late),
        Err(IdentityError::NotFresh)
    ));
    let stale = desk.show(&pending, Proof::RecoveryCode(&new[3]), late);
    assert!(matches!(stale, Err(IdentityError::Expired)), "the password is too long ago");
}

#[test]
fn a_role_that_needs_a_second_factor_enrols_first() {
    let desk = desk();
    let policy =
        SignInPolicy { second_factor_roles: vec![AccountRole::User], ..SignInPolicy::default() };
    desk.world.catalog.set_sign_in_policy(Some(TENANT), &policy).expect("set");
    let current = desk.session(at(59));
    assert!(current.must_enrol() && !current.is_ready());
    let Access::Session(session) = &current.access else { panic!("a session") };
    desk.enrol("287082", at(59));
    let now = desk.world.catalog.session(session.token_hash).expect("reads").expect("a session");
    assert!(!now.0.must_enrol);
    desk.pending(at(60));
    let account = desk.world.catalog.account_named("anna").expect("reads").expect("anna");
    let event = AuditEvent {
        reason: Some("lost".into()),
        ..crate::accounts::account_event("second-factor.reset", &account, "admin", at(70))
    };
    assert!(desk.identity.reset_second_factors(&account, &event).expect("reset"));
    assert!(desk.world.catalog.session(session.token_hash).expect("reads").is_none());
    assert!(desk.session(at(80)).must_enrol());
}

#[test]
fn where_passwords_are_for_administrators_others_are_told_after_the_right_one() {
    let desk = desk();
    let root = desk.world.add("root", AccountRole::Administrator);
    let policy = SignInPolicy { local_for_administrators_only: true, ..SignInPolicy::default() };
    desk.world.catalog.set_sign_in_policy(Some(TENANT), &policy).expect("set");
    assert!(matches!(desk.sign_in(NOON), Err(IdentityError::LocalSignInOff)));
    let wrong = desk.world.sign_in("anna", "wrong", HOME, 0);
    assert!(matches!(wrong, Err(IdentityError::BadCredentials)));
    assert_eq!(desk.world.sign_in("root", PASSWORD, HOME, 0).expect("the way in").account, root);
}

#[test]
fn a_hash_of_older_parameters_is_replaced_at_sign_in() {
    use argon2::password_hash::PasswordHasher as _;
    let desk = desk();
    let anna = desk.world.catalog.account_named("anna").expect("reads").expect("anna");
    let params = argon2::Params::new(64, 1, 1, None).expect("parameters");
    let weak = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let old =
        weak.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).expect("hashed").to_string();
    desk.world.catalog.set_password(anna.id, &old, false, None).expect("set");
    desk.session(NOON);
    let new = desk.world.catalog.password_hash(anna.id).expect("reads").expect("a hash");
    assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{new}");
    desk.session(NOON);
}

#[test]
fn a_directory_answers_for_its_accounts_and_never_to_an_empty_password() {
    struct Directory(DirectoryAnswer);
    impl DirectorySignIn for Directory {
        fn bind(&self, _: &catalog::Account, password: &str) -> DirectoryAnswer {
            assert!(!password.is_empty(), "would be anonymous");
            self.0
        }
    }
    let world = world();
    world.add("anna", AccountRole::User);
    let random = Arc::new(Counting::default());
    let sign_in = |answer, password| {
        let identity = Identity::new(world.catalog.clone(), random.clone());
        let identity = identity.expect("hashes").with_directory(Arc::new(Directory(answer)));
        let credentials = Credentials { user_name: "anna", password, ip: None, agent: "" };
        match identity.sign_in(&credentials, NOON)? {
            SignIn::Complete(signed_in) => Ok(signed_in.session.method),
            SignIn::SecondFactor(_) => panic!("no second factor"),
        }
    };
    use catalog::SignInMethod;
    assert_eq!(sign_in(DirectoryAnswer::Taken, "other").ok(), Some(SignInMethod::Directory));
    assert_eq!(sign_in(DirectoryAnswer::NotMine, PASSWORD).ok(), Some(SignInMethod::Password));
    for (answer, password) in [
        (DirectoryAnswer::Refused, PASSWORD),
        (DirectoryAnswer::Taken, ""),
        (DirectoryAnswer::NotMine, "other"),
    ] {
        assert!(matches!(sign_in(answer, password), Err(IdentityError::BadCredentials)));
    }
    let lost: Result<_, IdentityError> = sign_in(DirectoryAnswer::Unreachable, PASSWORD);
    assert!(matches!(lost, Err(IdentityError::DirectoryUnreachable)));
}

#[test]
fn a_token_has_at_most_the_rights_of_its_account_and_a_year() {
    let desk = desk();
    let anna = desk.world.catalog.account_named("anna").expect("reads").expect("anna");
    let day = 24 * 60 * 60;
    let create = |scopes: &[Permission], days: i64| {
        let expires_at = NOON.saturating_add_seconds(days * day);
        let new = NewToken { name: "backup", scopes, read_only: false, expires_at };
        desk.identity.create_token(&anna, &new, "anna", NOON)
    };
    for (scopes, days) in [
        (&[][..], 1),
        (&[Permission::ManageAccounts], 1),
        (&[Permission::ReadMail], 0),
        (&[Permission::ReadMail], API_TOKEN_DAYS_MAX + 1),
    ] {
        assert!(matches!(create(scopes, days), Err(IdentityError::BadToken(_))));
    }
    let (text, token) = create(&[Permission::SearchMail], 1).expect("created");
    assert!(text.starts_with("chy_") && text.starts_with(&token.prefix));
    let current = |text: &str, seconds: i64| {
        let now = NOON.saturating_add_seconds(seconds);
        desk.identity.current_by_token(text, now).expect("reads")
    };
    let actor = current(&text, 1).expect("holds").actor;
    assert!(policy::authorize(&actor, Permission::SearchMail).is_ok());
    assert!(policy::authorize(&actor, Permission::ReadMail).is_err());
    assert!(current(&text, day).is_none(), "expired");
    assert!(current("chy_", 1).is_none() && current(&text[4..], 1).is_none());
    assert!(desk.identity.revoke_token(&anna, token.id, "anna", NOON).expect("revoked"));
    assert!(current(&text, 1).is_none());
}

#[test]
fn sessions_are_named_without_opening_them() {
    let desk = desk();
    let (one, two) = (desk.session(NOON), desk.session(NOON));
    let sessions = desk.identity.sessions(one.account.id, NOON).expect("reads");
    assert_eq!(sessions.len(), 2);
    let id = session_id(two.session().expect("a session"));
    assert!(desk.identity.end_session(one.account.id, &id).expect("ended"));
    assert!(!desk.identity.end_session(one.account.id, &id).expect("works"));
    assert!(desk.identity.current(&id, NOON).expect("reads").is_none());
}
