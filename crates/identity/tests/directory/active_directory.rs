//! What only Active Directory does. One domain serves all checks: making it takes half a minute.

use catalog::{
    AccountKind, Directory, DirectoryConfig, DirectoryKind, DirectorySecurity, GroupNesting,
    MappingEffect, MappingRule, RunOutcome, SharedRule,
};
use identity::directory::{StepState, preset};
use policy::AccountRole;
use testkit::directory::Samba;

use crate::world::{World, has_samba, problems};

/// Enabled, disabled, without a password.
const NORMAL: u32 = 512;
const DISABLED: u32 = 514;

/// More than one answer holds (`MaxValRange` is 1,500).
const CROWD: usize = 1_600;

fn seed() -> String {
    let mail = |name: &str| format!("mail: {name}@corp.test\n");
    let alice = "mail: alice@corp.test\ndisplayName: Alice Äpfel\nproxyAddresses: SMTP:Alice.A@corp.test\n\
        proxyAddresses: smtp:alice@alias.test\nproxyAddresses: X500:/o=Corp/cn=alice\n\
        proxyAddresses: sip:alice@corp.test\n";
    let mut ldif = Samba::user("alice", NORMAL, alice);
    ldif += &Samba::user("bob", NORMAL, &mail("bob"));
    ldif += &Samba::user("carl", DISABLED, &mail("carl"));
    ldif += &Samba::user("info", DISABLED, &mail("info"));
    ldif += &Samba::user("service", NORMAL, "");
    for number in 0..CROWD {
        let name = format!("m{number:04}");
        // Without a password: 546 is disabled, and needs none.
        ldif += &format!(
            "dn: CN={name},CN=Users,DC=corp,DC=test\nobjectClass: user\nsAMAccountName: {name}\n\
             userAccountControl: 546\nmail: {name}@corp.test\n\n"
        );
    }
    ldif += &Samba::group("crowd", (0..CROWD).map(|number| format!("m{number:04}")));
    ldif += &Samba::group("sales", ["bob".to_owned()]);
    ldif += &Samba::group("staff", ["sales".to_owned(), "alice".to_owned()]);
    ldif
}

fn config(samba: &Samba) -> DirectoryConfig {
    let rule = |group: &str, role| MappingRule {
        group: group.to_owned(),
        effect: MappingEffect::Role { role },
    };
    DirectoryConfig {
        hosts: vec![samba.address.clone()],
        security: DirectorySecurity::Ldaps,
        ca_pem: Some(samba.authority.clone()),
        bind_dn: Samba::ADMIN.to_owned(),
        people_bases: vec![Samba::BASE.to_owned()],
        timeout_seconds: 240,
        rules: vec![
            rule("sales", AccountRole::Officer),
            rule("CN=staff,CN=Users,DC=corp,DC=test", AccountRole::Auditor),
            rule("crowd", AccountRole::User),
            rule("Domain Users", AccountRole::User),
        ],
        ..preset(DirectoryKind::ActiveDirectory)
    }
}

#[test]
fn an_active_directory_domain_with_its_peculiarities() {
    if !has_samba() {
        return;
    }
    let world = World::new();
    let samba = Samba::start(world.folder.path(), &seed()).expect("Samba starts");
    let directory = world.connect(config(&samba), Samba::PASSWORD);
    everybody_is_read_with_groups_of_any_size(&world, &directory);
    the_server_resolves_nested_groups_alike(&world, &directory);
    only_changed_entries_are_read_again(&world, &samba, &directory);
    errors_of_the_domain_are_translated(&world, &samba);
    people_sign_in_by_bind(&world);
}

fn everybody_is_read_with_groups_of_any_size(world: &World, directory: &Directory) {
    let run = world.applied(directory);
    assert_eq!(run.counts.created as usize, CROWD + 4, "{run:?}");
    let skipped = problems(&run);
    assert!(skipped.contains(&("no-mail", "service")), "{skipped:?}");
    assert_eq!(world.members("crowd").len(), CROWD, "in several parts");
    assert_eq!(world.members("staff"), ["alice", "bob"]);
    // The primary group is in no list of members.
    assert_eq!(world.members("Domain Users").len(), CROWD + 4);
    let alice = world.account("alice");
    assert_eq!((alice.role, alice.display_name.as_str()), (AccountRole::Auditor, "Alice Äpfel"));
    assert_eq!(world.owned("alice"), ["alice.a@corp.test", "alice@alias.test", "alice@corp.test"]);
    assert_eq!(world.account("bob").role, AccountRole::Officer);
    assert!(world.account("carl").disabled && !alice.disabled);
    let key = alice.origin.expect("of the directory").key;
    assert_eq!(key.matches('-').count(), 4, "a GUID: {key}");
    let again = world.applied(directory);
    assert_eq!((again.counts.created, again.counts.changed), (0, 0));
    let shared = world.reconfigure(directory, |it| it.shared = SharedRule::DisabledWithMail);
    world.applied(&shared);
    let info = world.account("info");
    assert_eq!((info.kind, info.disabled), (AccountKind::Shared, false));
    let back = world.reconfigure(directory, |it| it.shared = SharedRule::ExchangeType);
    world.applied(&back);
    assert!(world.account("info").disabled);
}

fn the_server_resolves_nested_groups_alike(world: &World, directory: &Directory) {
    let before = world.picture();
    let asked = world.reconfigure(directory, |it| it.group_nesting = GroupNesting::InChain);
    let run = world.applied(&asked);
    assert_eq!(run.counts.changed, 0, "{run:?}");
    assert_eq!(world.picture(), before);
}

fn only_changed_entries_are_read_again(world: &World, samba: &Samba, directory: &Directory) {
    world.applied(directory);
    let quiet = world.scheduled(directory);
    // Those without mail are remembered as well.
    assert_eq!((quiet.full, quiet.counts.read), (false, 0), "{quiet:?}");
    let change = "dn: CN=bob,CN=Users,DC=corp,DC=test\nchangetype: modify\nreplace: sn\nsn: Builder\n\n\
        dn: CN=m0001,CN=Users,DC=corp,DC=test\nchangetype: delete\n";
    ldapmodify(world, samba, change);
    let run = world.scheduled(directory);
    assert_eq!((run.full, run.counts.read, run.counts.changed), (false, 1, 1), "{run:?}");
    assert_eq!(world.account("bob").last_name, "Builder");
    // The deleted one was disabled in the domain already.
    assert!(world.account("m0001").disabled);
    assert_eq!(world.members("crowd").len(), CROWD - 1);
}

fn ldapmodify(world: &World, samba: &Samba, ldif: &str) {
    let file = world.folder.path().join("change.ldif");
    std::fs::write(&file, ldif).expect("written");
    let output = std::process::Command::new("/usr/bin/ldapmodify")
        .env("LDAPTLS_CACERT", world.folder.path().join("ca.pem"))
        .args(["-x", "-H", &format!("ldaps://{}", samba.address), "-D", Samba::ADMIN])
        .args(["-w", Samba::PASSWORD, "-f"])
        .arg(&file)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn errors_of_the_domain_are_translated(world: &World, samba: &Samba) {
    let good = config(samba);
    let failure = |config: &DirectoryConfig, password: &str| {
        let steps = world.desk.test(config, password);
        let last = steps.last().expect("a step").clone();
        assert_eq!(last.state, StepState::Failed, "{last:?}");
        (last.code, last.detail)
    };
    let (code, detail) = failure(&good, "wrong");
    assert_eq!(code, "bind-credentials");
    assert!(detail.contains("52e"), "{detail}");
    let disabled = DirectoryConfig { bind_dn: "carl@corp.test".into(), ..good.clone() };
    let (code, detail) = failure(&disabled, Samba::PASSWORD);
    assert_eq!(code, "bind-disabled");
    assert!(detail.contains("533"), "{detail}");
    // Domain controllers want an encrypted connection for passwords.
    let clear = DirectoryConfig { security: DirectorySecurity::Clear, ..good.clone() };
    assert_eq!(failure(&clear, Samba::PASSWORD).0, "bind-stronger");
    let start_tls = DirectoryConfig { security: DirectorySecurity::StartTls, ..good };
    let steps = world.desk.test(&start_tls, Samba::PASSWORD);
    assert!(steps.iter().all(|step| step.state == StepState::Done), "{steps:?}");
    let server = steps.iter().find(|step| step.name == "server").expect("asked");
    assert!(server.detail.contains("Active Directory"), "{}", server.detail);
}

fn people_sign_in_by_bind(world: &World) {
    let verify = |name: &str, password: &str| {
        world.desk.verify(&world.account(name), password).expect("asked")
    };
    assert_eq!(verify("alice", Samba::PASSWORD), Some(true));
    assert_eq!(verify("alice", "wrong"), Some(false));
    assert_eq!(verify("alice", ""), Some(false));
    assert_eq!(verify("carl", Samba::PASSWORD), Some(false));
    let runs =
        world.catalog.directory_runs(world.catalog.directories(None).expect("read")[0].id, None, 1);
    assert_eq!(runs.expect("read")[0].outcome, RunOutcome::Applied);
}
