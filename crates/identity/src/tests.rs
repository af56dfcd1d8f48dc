use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::{AuditOutcome, AuditQuery, Catalog, Tenant, TenantState};
use model::{EmailAddress, TenantId, Timestamp};
use policy::{AccountRole, authorize_read};

use crate::*;

mod oidc;
mod people;
mod second;

const TENANT: TenantId = TenantId::from_bytes([3; 16]);
const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);
const PASSWORD: &str = "correct horse battery";

/// Counts instead of drawing; every call differs.
#[derive(Default)]
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&count.to_le_bytes()[..chunk.len()]);
        }
    }
}

struct World {
    _folder: tempfile::TempDir,
    catalog: Arc<dyn Catalog>,
    identity: Identity,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("catalog.db").display());
    let catalog = catalog::open(&url).expect("opens");
    catalog.add_tenant(&Tenant::new(TENANT, "Contoso", NOON)).expect("added");
    let identity = Identity::new(catalog.clone(), Arc::new(Counting::default())).expect("hashes");
    World { _folder: folder, catalog, identity }
}

impl World {
    fn add(&self, user_name: &str, role: AccountRole) -> catalog::Account {
        let new = NewAccount {
            tenant: (role != AccountRole::Operator).then_some(TENANT),
            user_name,
            first_name: "",
            last_name: "",
            display_name: "",
            role,
            language: None,
            password: Some(PASSWORD),
        };
        self.identity.add_account(&new, NOON).expect("added").0
    }

    fn sign_in(
        &self,
        user: &str,
        password: &str,
        ip: &str,
        at: i64,
    ) -> Result<SignedIn, IdentityError> {
        let ip: IpAddr = ip.parse().expect("an address");
        let credentials = Credentials { user_name: user, password, ip: Some(ip), agent: "test" };
        match self.identity.sign_in(&credentials, NOON.saturating_add_seconds(at))? {
            SignIn::Complete(signed_in) => Ok(*signed_in),
            SignIn::SecondFactor(_) => panic!("no second factor is asked for"),
        }
    }

    fn current(&self, token: &str, at: i64) -> Option<Current> {
        self.identity.current(token, NOON.saturating_add_seconds(at)).expect("reads")
    }
}

const HOME: &str = "192.0.2.1";

#[test]
fn the_right_password_opens_a_session_in_any_case_of_the_user_name() {
    let world = world();
    let anna = world.add("Anna", AccountRole::User);
    let signed_in = world.sign_in(" aNNa ", PASSWORD, HOME, 0).expect("signed in");
    assert_eq!(signed_in.token.len(), 64);
    let current = world.current(&signed_in.token, 1).expect("a session");
    assert_eq!(current.account, anna);
    assert!(current.csrf_matches(&signed_in.session.csrf));
    assert!(!current.csrf_matches(""));
    assert!(!current.csrf_matches(&signed_in.token));
    assert!(world.current("", 1).is_none());
    assert!(world.current(&"0".repeat(64), 1).is_none());
}

#[test]
fn only_the_hash_of_token_and_password_reaches_the_disk() {
    let world = world();
    let anna = world.add("anna", AccountRole::User);
    let token = world.sign_in("anna", PASSWORD, HOME, 0).expect("signed in").token;
    let hash = world.catalog.password_hash(anna.id).expect("reads").expect("a hash");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    for file in std::fs::read_dir(world._folder.path()).expect("lists") {
        let octets = std::fs::read(file.expect("a file").path()).expect("reads");
        for secret in [PASSWORD.as_bytes(), token.as_bytes()] {
            assert!(!octets.windows(secret.len()).any(|window| window == secret));
        }
    }
}

#[test]
fn wrong_password_unknown_user_disabled_account_and_suspended_tenant_look_alike() {
    let world = world();
    let mut anna = world.add("anna", AccountRole::User);
    let refused = |user: &str, password: &str| {
        let answer = world.sign_in(user, password, HOME, 0).err().expect("refused");
        assert!(matches!(answer, IdentityError::BadCredentials), "{answer}");
    };
    refused("anna", "wrong");
    refused("nobody", PASSWORD);
    refused("", "");
    anna.disabled = true;
    world.catalog.update_account(&anna).expect("updated");
    refused("anna", PASSWORD);
    anna.disabled = false;
    world.catalog.update_account(&anna).expect("updated");
    let mut tenant = world.catalog.tenant(TENANT).expect("reads").expect("a tenant");
    tenant.state = TenantState::Suspended;
    world.catalog.update_tenant(&tenant).expect("updated");
    refused("anna", PASSWORD);
}

#[test]
fn guessing_is_slowed_and_the_pause_doubles_up_to_fifteen_minutes() {
    let world = world();
    world.add("anna", AccountRole::User);
    let mut now = 0;
    for _ in 0..5 {
        assert!(matches!(
            world.sign_in("anna", "guess", HOME, now),
            Err(IdentityError::BadCredentials)
        ));
    }
    for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        assert!(matches!(
            world.sign_in("anna", "guess", HOME, now),
            Err(IdentityError::BadCredentials)
        ));
        let error = world.sign_in("anna", PASSWORD, HOME, now).err().expect("throttled");
        let wait = error.retry_after_seconds(NOON.saturating_add_seconds(now));
        assert_eq!(wait, Some(expected));
        now += expected as i64;
    }
    world.sign_in("anna", PASSWORD, HOME, now).expect("the right password after the pause");
    world.sign_in("anna", "typo", HOME, now).err().expect("refused");
    world.sign_in("anna", PASSWORD, HOME, now).expect("success forgot the failures");
}

#[test]
fn strangers_cannot_lock_out_who_signed_in_from_here_before() {
    let world = world();
    world.add("anna", AccountRole::User);
    world.sign_in("anna", PASSWORD, HOME, 0).expect("signed in");
    for stranger in 0..30 {
        let _ = world.sign_in("anna", "guess", &format!("198.51.100.{stranger}"), 1);
    }
    let elsewhere = world.sign_in("anna", PASSWORD, "203.0.113.7", 1).err().expect("slowed");
    let wait = elsewhere.retry_after_seconds(NOON.saturating_add_seconds(1)).expect("throttled");
    assert!(wait <= 60, "{wait}");
    world.sign_in("anna", PASSWORD, HOME, 1).expect("not locked out at home");
}

#[test]
fn many_people_of_one_network_sign_in_at_the_same_time() {
    let world = world();
    for number in 0..50 {
        world.add(&format!("person{number}"), AccountRole::User);
    }
    // Each waited for their turn, and the last to come was the first to have it.
    for number in 0..50 {
        let signed_in = world.sign_in(&format!("person{number}"), PASSWORD, HOME, 60 - number);
        signed_in.unwrap_or_else(|error| panic!("person{number}: {error}"));
    }
    // A typing error on the way slows nobody.
    world.sign_in("person7", "typo", HOME, 5).err().expect("refused");
    world.sign_in("person8", PASSWORD, HOME, 4).expect("signed in");
    world.sign_in("person7", PASSWORD, HOME, 4).expect("signed in");
}

#[test]
fn one_network_cannot_try_many_accounts() {
    let world = world();
    let tries = (0..40)
        .map(|user| world.sign_in(&format!("user{user}"), "guess", "2001:db8::1:1", 0))
        .filter(|answer| matches!(answer, Err(IdentityError::Throttled { .. })))
        .count();
    assert_eq!(tries, 19);
    let neighbour = world.sign_in("other", "guess", "2001:db8::ffff:2", 0);
    assert!(matches!(neighbour, Err(IdentityError::Throttled { .. })), "same /64");
    let other = world.sign_in("other", "guess", "2001:db8:0:1::1", 0);
    assert!(matches!(other, Err(IdentityError::BadCredentials)));
}

#[test]
fn the_brake_survives_a_restart() {
    let world = world();
    world.add("anna", AccountRole::User);
    for _ in 0..6 {
        let _ = world.sign_in("anna", "guess", HOME, 0);
    }
    let again =
        Identity::new(world.catalog.clone(), Arc::new(Counting::default())).expect("hashes");
    let ip = Some(HOME.parse().expect("an address"));
    let credentials = Credentials { user_name: "anna", password: PASSWORD, ip, agent: "" };
    assert!(matches!(again.sign_in(&credentials, NOON), Err(IdentityError::Throttled { .. })));
}

#[test]
fn a_session_ends_when_idle_when_old_and_when_signed_out() {
    let world = world();
    world.add("anna", AccountRole::User);
    let hour = 60 * 60;
    let token = || world.sign_in("anna", PASSWORD, HOME, 0).expect("signed in").token;

    let idle = token();
    assert!(world.current(&idle, 8 * hour - 1).is_some());
    assert!(world.current(&idle, 16 * hour - 1).is_none());
    assert!(world.current(&idle, 1).is_none(), "an ended session does not come back");

    let busy = token();
    for at in [7, 14, 21] {
        assert!(world.current(&busy, at * hour).is_some());
    }
    assert!(world.current(&busy, 24 * hour).is_none());

    let closed = token();
    world.identity.sign_out(&closed).expect("signed out");
    world.identity.sign_out(&closed).expect("again");
    assert!(world.current(&closed, 1).is_none());
}

#[test]
fn disabling_an_account_ends_its_sessions_at_once() {
    let world = world();
    let mut anna = world.add("anna", AccountRole::User);
    let token = world.sign_in("anna", PASSWORD, HOME, 0).expect("signed in").token;
    anna.disabled = true;
    world.catalog.update_account(&anna).expect("updated");
    assert!(world.current(&token, 1).is_none());
}

#[test]
fn a_new_password_ends_the_other_sessions_and_the_duty_to_change() {
    let world = world();
    let anna = world.add("anna", AccountRole::User);
    let one_time =
        world.identity.reset_password(anna.id, &By::server("admin"), NOON).expect("reset");
    assert!(matches!(world.sign_in("anna", PASSWORD, HOME, 0), Err(IdentityError::BadCredentials)));
    let here = world.sign_in("anna", one_time.reveal(), HOME, 0).expect("signed in").token;
    let there = world.sign_in("anna", one_time.reveal(), HOME, 0).expect("signed in").token;
    assert!(world.current(&here, 1).expect("a session").account.must_change_password);
    assert!(world.identity.actor(&here, NOON).expect("reads").is_none(), "nothing else first");

    let change = |present: &str, new: &str| {
        world.identity.change_password(&here, present, new, NOON.saturating_add_seconds(2))
    };
    assert!(matches!(change("wrong", "a new password"), Err(IdentityError::BadCredentials)));
    let same = change(one_time.reveal(), one_time.reveal());
    assert!(matches!(same, Err(IdentityError::WeakPassword(WeakPassword::Same))));
    change(one_time.reveal(), "a new password").expect("changed");
    assert!(world.current(&there, 3).is_none());
    assert!(!world.current(&here, 3).expect("kept").account.must_change_password);
    world.sign_in("anna", "a new password", HOME, 4).expect("signed in");
}

#[test]
fn weak_passwords_are_refused_by_name() {
    for (password, expected) in [
        ("elf Zeichen", Err(WeakPassword::TooShort)),
        ("zwölf Zeiche", Ok(())),
        ("Anna.Beispiel@X.example", Err(WeakPassword::IsUserName)),
        ("ANNA.BEISPIEL", Err(WeakPassword::IsUserName)),
        ("aaaaaaaaaaaa", Err(WeakPassword::Monotonous)),
    ] {
        assert_eq!(check_password("anna.beispiel@x.example", password), expected, "{password}");
    }
    assert_eq!(check_password("a", &"ab".repeat(501)), Err(WeakPassword::TooLong));
    assert_eq!(check_password("a", &"ab".repeat(500)), Ok(()));
}

#[test]
fn the_first_administrator_is_made_once() {
    let world = world();
    let ensure =
        || world.identity.ensure_first_administrator(TENANT, "admin", NOON).expect("works");
    let password = ensure().expect("the first time");
    assert_eq!(password.reveal().len(), 24);
    assert_eq!(format!("{password:?}"), "OneTimePassword(…)");
    assert_eq!(ensure(), None);
    let signed_in = world.sign_in("admin", password.reveal(), HOME, 0).expect("signed in");
    assert!(signed_in.account.must_change_password);
    assert_eq!(signed_in.account.role, AccountRole::Administrator);
}

#[test]
fn the_actor_carries_the_addresses_with_their_spans() {
    let world = world();
    let anna = world.add("anna", AccountRole::User);
    let address = EmailAddress::new("Anna@x.example");
    world.catalog.give_address(anna.id, &address, catalog::Handover::Rule, NOON).expect("given");
    let token = world.sign_in("anna", PASSWORD, HOME, 0).expect("signed in").token;
    let actor = world.identity.actor(&token, NOON).expect("reads").expect("an actor");
    let scope = authorize_read(&actor).expect("may read");
    assert_eq!(scope.tenant(), TENANT);
    assert!(scope.sees("anna@x.example", Timestamp::from_seconds(0)));

    world.add("root", AccountRole::Operator);
    let token = world.sign_in("root", PASSWORD, HOME, 0).expect("signed in").token;
    let operator = world.identity.actor(&token, NOON).expect("reads").expect("an actor");
    assert_eq!(operator.tenant, None);
    assert!(authorize_read(&operator).is_err());
}

#[test]
fn sign_ins_stand_in_the_audit_log_and_mistyped_names_do_not() {
    let world = world();
    world.add("anna", AccountRole::User);
    let _ = world.sign_in("anna", "guess", HOME, 0);
    world.sign_in("Anna", PASSWORD, HOME, 1).expect("signed in");
    let _ = world.sign_in("my secret password", "", HOME, 2);
    let log = world.catalog.audit_log(Some(TENANT), &AuditQuery::default(), 10).expect("reads");
    let facts: Vec<_> = log.iter().map(|row| (row.event.who.as_str(), row.event.outcome)).collect();
    assert_eq!(facts, [("anna", AuditOutcome::Done), ("anna", AuditOutcome::Failed)]);
    assert_eq!(log[0].event.ip, Some(HOME.parse().expect("an address")));
    let unknown = world.catalog.audit_log(None, &AuditQuery::default(), 10).expect("reads");
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].event.who, "(unknown)");
}
