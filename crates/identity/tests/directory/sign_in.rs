use catalog::{DirectoryConfig, DirectorySecurity};
use identity::{Credentials, IdentityError, SignIn};
use model::Clock;
use testkit::directory::Slapd;

use crate::world::{World, config, slapd};

fn sign_in(world: &World, user_name: &str, password: &str) -> Result<(), IdentityError> {
    let ip = Some("192.0.2.1".parse().expect("an address"));
    let credentials = Credentials { user_name, password, ip, agent: "test" };
    match world.identity().sign_in(&credentials, world.clock.now())? {
        SignIn::Complete(_) => Ok(()),
        SignIn::SecondFactor(_) => panic!("no second factor here"),
    }
}

#[test]
fn people_sign_in_with_the_password_of_their_directory() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 20) else { return };
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    world.applied(&directory);
    sign_in(&world, "U00001", "secret").expect("signed in");
    let wrong = |user: &str, password: &str| {
        let refused = sign_in(&world, user, password);
        assert!(matches!(refused, Err(IdentityError::BadCredentials)), "{user} {refused:?}");
    };
    wrong("u00001", "wrong");
    // Servers say yes to an empty password: it is nobody's.
    wrong("u00001", "");
    wrong("stranger", "secret");
    let disabled = catalog::Account { disabled: true, ..world.account("u00002") };
    world.catalog.update_account(&disabled).expect("updated");
    wrong("u00002", "secret");
    // Renamed in the directory: the next run knows where.
    let moved = "dn: uid=u00003,ou=People,dc=corp,dc=test\nchangetype: moddn\nnewrdn: uid=other\n\
        deleteoldrdn: 1\n";
    slapd.change(world.folder.path(), moved).expect("moved");
    wrong("u00003", "secret");
    world.scheduled(&directory);
    sign_in(&world, "u00003", "secret").expect("signed in");
    world.reconfigure(&directory, |config| config.enabled = false);
    wrong("u00001", "secret");
}

#[test]
fn a_directory_that_is_away_is_said_so_and_locks_nobody_out() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 5) else { return };
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    world.applied(&directory);
    let there = world.reread(&directory).config;
    let away = DirectoryConfig {
        hosts: vec!["127.0.0.1:1".into()],
        security: DirectorySecurity::Clear,
        ..there.clone()
    };
    world.reconfigure(&directory, |config| *config = away);
    for _ in 0..30 {
        let refused = sign_in(&world, "u00001", "secret");
        assert!(matches!(refused, Err(IdentityError::DirectoryUnreachable)), "{refused:?}");
    }
    // Another desk has not seen it away: the brake was not touched.
    world.reconfigure(&directory, |config| *config = there);
    let fresh = World { desk: world.another_desk(), ..world };
    sign_in(&fresh, "u00001", "secret").expect("signed in");
}
