use catalog::{
    AccountKind, DirectorySecurity, Grantee, Handover, MappingEffect, MappingRule, RunOutcome,
    SharedRule,
};
use identity::NewAccount;
use identity::directory::StepState;
use model::{Clock, EmailAddress};
use policy::{AccountRole, Opens};
use testkit::directory::Slapd;

use crate::world::{TENANT, World, config, problems, slapd};

fn rule(group: &str, effect: MappingEffect) -> MappingRule {
    MappingRule { group: group.to_owned(), effect }
}

#[test]
fn five_thousand_people_in_nested_groups_that_contain_each_other() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 5_000) else { return };
    let mut config = config(&slapd);
    config.rules = vec![
        rule("department 7", MappingEffect::Role { role: AccountRole::Auditor }),
        rule("division 0", MappingEffect::Archived { archived: false }),
        // It contains everybody, and is contained in the first department.
        rule("everybody", MappingEffect::Role { role: AccountRole::User }),
        rule("department 0", MappingEffect::Archived { archived: true }),
        rule("nobody's", MappingEffect::Archived { archived: true }),
    ];
    let directory = world.connect(config, Slapd::PASSWORD);
    // In portions, of which nobody sees anything but their effect: one run, one audit event.
    let run = world.applied(&directory);
    let runs = world.catalog.directory_runs(directory.id, None, 10).expect("read");
    assert_eq!(runs.len(), 1);
    let query = catalog::AuditQuery::default();
    let events = world.catalog.audit_log(Some(TENANT), &query, 10).expect("read");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event.detail["counts"]["created"], 5_000);
    let ids = events[0].event.detail["created"].as_array().map_or(0, Vec::len);
    assert!(ids >= 1_000, "{ids}");
    assert_eq!((run.counts.entries, run.counts.created), (5_000, 5_000));
    assert_eq!(run.counts.addresses_given, 10_000);
    assert_eq!(problems(&run), [("group-unknown", "nobody's")]);
    assert_eq!(world.members("everybody").len(), 5_000);
    assert_eq!(world.members("division 0").len(), 5_000, "through the loop");
    assert_eq!(world.members("department 7").len(), 100);
    assert_eq!(world.account("u00700").role, AccountRole::Auditor);
    assert_eq!(world.account("u00800").role, AccountRole::User);
    let first = world.account("u00001");
    assert_eq!((first.first_name.as_str(), first.last_name.as_str()), ("Person", "Number 1"));
    assert_eq!(world.owned("u00001"), ["alias00001@corp.test", "u00001@corp.test"]);
    let again = world.applied(&directory);
    assert_eq!((again.counts.created, again.counts.changed, again.counts.disabled), (0, 0, 0));
}

#[test]
fn changes_are_taken_over_and_who_vanishes_is_disabled_not_deleted() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 300) else { return };
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    world.applied(&directory);
    let changes = "dn: uid=u00001,ou=People,dc=corp,dc=test\nchangetype: modify\n\
        replace: sn\nsn: Married\n-\nreplace: proxyAddresses\nproxyAddresses: SMTP:new@corp.test\n\n\
        dn: uid=u00002,ou=People,dc=corp,dc=test\nchangetype: delete\n\n\
        dn: uid=u00003,ou=People,dc=corp,dc=test\nchangetype: moddn\nnewrdn: uid=renamed\n\
        deleteoldrdn: 1\n\n\
        dn: uid=joined,ou=People,dc=corp,dc=test\nchangetype: add\nobjectClass: inetOrgPerson\n\
        uid: joined\ncn: Joined\nsn: J\nmail: u00002@corp.test\nuserPassword: secret\n";
    slapd.change(world.folder.path(), changes).expect("changed");
    let run = world.scheduled(&directory);
    assert!(!run.full, "{run:?}");
    assert_eq!((run.counts.entries, run.counts.read), (300, 3), "{run:?}");
    assert_eq!((run.counts.created, run.counts.changed, run.counts.disabled), (1, 1, 1));
    assert_eq!(world.account("u00001").last_name, "Married");
    assert_eq!(world.owned("u00001"), ["new@corp.test", "u00001@corp.test"]);
    let leaver = world.account("u00002");
    assert!(leaver.disabled);
    // The successor gets the leaver's address from now on; the mail before stays the leaver's.
    assert_eq!(world.owned("u00002"), ["alias00002@corp.test"]);
    let spans = world.catalog.addresses(world.account("joined").id).expect("read");
    assert_eq!(spans[0].from, Some(world.clock.now()));
    // User names never change here; the entry is the same.
    assert!(!world.account("u00003").disabled);
    assert!(world.catalog.account_named("renamed").expect("read").is_none());

    let back = "dn: uid=u00001,ou=People,dc=corp,dc=test\nchangetype: modify\n\
        replace: sn\nsn: Again\n";
    slapd.change(world.folder.path(), back).expect("changed");
    let by_hand = catalog::Account { disabled: true, ..world.account("u00004") };
    world.catalog.update_account(&by_hand).expect("updated");
    let full = world.applied(&directory);
    assert_eq!(full.counts.enabled, 0, "whom a person disabled stays disabled");
    assert!(world.account("u00004").disabled);
}

#[test]
fn a_directory_that_suddenly_shows_few_changes_nothing_until_a_person_confirms() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 100) else { return };
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    world.applied(&directory);
    let before = world.picture();
    let directory =
        world.reconfigure(&directory, |config| config.people_filter = "(uid=u0000*)".into());
    let preview = world.desk.preview(&directory).expect("read");
    assert_eq!(preview.run.outcome, RunOutcome::HeldBack);
    assert_eq!(preview.planned_total, 90);
    for run in [world.sync(&directory, false), world.scheduled(&directory)] {
        assert_eq!(run.outcome, RunOutcome::HeldBack);
        assert_eq!(run.detail, "90 of 100 accounts would be disabled");
    }
    assert_eq!(world.picture(), before);
    let confirmed = world.sync(&directory, true);
    assert_eq!((confirmed.outcome, confirmed.counts.disabled), (RunOutcome::Applied, 90));
    // Who comes back is enabled again.
    let directory = world.reconfigure(&directory, |config| config.people_filter.clear());
    assert_eq!(world.applied(&directory).counts.enabled, 90);
    assert_eq!(world.picture(), before);
}

#[test]
fn what_belongs_to_others_is_listed_and_not_taken() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 10) else { return };
    let identity = world.identity();
    let add = |name: &str| {
        let new = NewAccount {
            tenant: Some(TENANT),
            user_name: name,
            first_name: "",
            last_name: "",
            display_name: "",
            role: AccountRole::User,
            language: None,
            password: Some("correct horse battery"),
        };
        identity.add_account(&new, world.clock.now()).expect("added").0
    };
    let local = add("u00001");
    let owner = add("somebody");
    let address = EmailAddress::new("U00002@corp.test");
    world
        .catalog
        .give_address(owner.id, &address, Handover::Everything, world.clock.now())
        .expect("given");
    let directory = world.connect(config(&slapd), Slapd::PASSWORD);
    let run = world.applied(&directory);
    assert_eq!(problems(&run), [("user-name-local", "u00001"), ("address-owned", "u00002")]);
    assert_eq!((run.counts.created, run.counts.conflicts), (9, 2));
    assert_eq!(world.owned("somebody"), ["u00002@corp.test"]);
    assert_eq!(world.account("u00001").origin, None);
    // Conflicts are looked at again by the next run, whatever changed.
    world.catalog.end_address(owner.id, &address, world.clock.now()).expect("ended");
    let directory = world.reconfigure(&directory, |config| config.adopt_local = true);
    let run = world.scheduled(&directory);
    assert!(run.full);
    assert_eq!((run.counts.adopted, run.counts.addresses_given, run.counts.conflicts), (1, 3, 0));
    assert_eq!(world.account("u00001").id, local.id);
    assert_eq!(world.catalog.password_hash(local.id).expect("read"), None);
    let spans = world.catalog.addresses(world.account("u00002").id).expect("read");
    assert!(spans.iter().any(|span| span.key == "u00002@corp.test" && span.from.is_some()));
}

#[test]
fn groups_open_shared_mailboxes_and_people_without_a_role_get_no_account() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 200) else { return };
    let shared = "dn: uid=info,ou=People,dc=corp,dc=test\nchangetype: add\n\
        objectClass: user\nobjectClass: mailRecipient\nuid: info\ncn: Info\nsn: Info\n\
        mail: info@corp.test\nuserAccountControl: 514\n";
    slapd.change(world.folder.path(), shared).expect("added");
    let mut config = config(&slapd);
    config.shared = SharedRule::DisabledWithMail;
    config.default_role = None;
    config.rules = vec![
        rule(
            "CN=Department 1, OU=Groups,DC=corp,DC=test",
            MappingEffect::Role { role: AccountRole::User },
        ),
        rule("department 1", MappingEffect::Mailbox { mailbox: "info".into() }),
        rule("department 1", MappingEffect::Mailbox { mailbox: "u00100".into() }),
    ];
    let directory = world.connect(config, Slapd::PASSWORD);
    let run = world.applied(&directory);
    assert_eq!((run.counts.created, run.counts.skipped), (101, 100));
    assert!(problems(&run).contains(&("mailbox-unknown", "u00100")), "a person's is not opened");
    let info = world.account("info");
    assert_eq!((info.kind, info.disabled), (AccountKind::Shared, false));
    let grants = || world.catalog.grants_for(world.account("u00150").id).expect("read");
    assert_eq!(grants().iter().map(|it| it.opens).collect::<Vec<_>>(), [Opens::Mailbox(info.id)]);
    let group = world.catalog.groups(TENANT).expect("read")[0].group.id;
    let standing = world.catalog.grants(TENANT, &Default::default(), 10).expect("read");
    assert_eq!(standing[0].grantee, Grantee::Group(group));
    world.applied(&directory);
    assert_eq!(grants().len(), 1);
    // Without the rule the mailbox is closed again.
    let directory = world.reconfigure(&directory, |config| {
        config.rules.truncate(1);
    });
    world.applied(&directory);
    assert!(grants().is_empty());
}

#[test]
fn a_test_names_every_step_over_every_kind_of_connection() {
    let world = World::new();
    let Some(slapd) = slapd(world.folder.path(), 30) else { return };
    let names = |config: &catalog::DirectoryConfig, password: &str| {
        let steps = world.desk.test(config, password);
        let told: Vec<String> = steps
            .iter()
            .map(|step| {
                let code =
                    if step.code.is_empty() { String::new() } else { format!(" {}", step.code) };
                let failed = if step.state == StepState::Failed { "!" } else { "" };
                format!("{failed}{}{code}", step.name)
            })
            .collect();
        (told.join(", "), steps)
    };
    let good = config(&slapd);
    let (told, steps) = names(&good, Slapd::PASSWORD);
    assert_eq!(told, "resolve, connect, tls, bind, server, base");
    let certificate = steps[2].certificate.clone().expect("shown");
    assert!(certificate.issuer.contains("Authority of the tests"), "{certificate:?}");
    assert!(steps[5].detail.contains("30 accounts with mail"), "{}", steps[5].detail);

    let start_tls = catalog::DirectoryConfig {
        security: DirectorySecurity::StartTls,
        hosts: vec!["127.0.0.1:1".into(), format!("localhost:{}", slapd.port)],
        ..good.clone()
    };
    let (told, _) = names(&start_tls, Slapd::PASSWORD);
    assert_eq!(
        told,
        "resolve, !connect connection, resolve, connect, start-tls, tls, bind, server, base"
    );
    let clear =
        catalog::DirectoryConfig { security: DirectorySecurity::Clear, ..start_tls.clone() };
    assert!(names(&clear, Slapd::PASSWORD).0.ends_with("connect, tls, bind, server, base"));

    let pinned = catalog::DirectoryConfig {
        ca_pem: None,
        pinned_sha256: Some(certificate.sha256.clone()),
        ..good.clone()
    };
    assert!(names(&pinned, Slapd::PASSWORD).0.ends_with("base"));
    let other = catalog::DirectoryConfig { pinned_sha256: Some("0".repeat(64)), ..good.clone() };
    let unknown = catalog::DirectoryConfig { ca_pem: None, ..good.clone() };
    for (config, why) in [(other, "not the pinned one"), (unknown, "unknown authority")] {
        let (told, steps) = names(&config, Slapd::PASSWORD);
        assert_eq!(told, "resolve, connect, !tls tls");
        assert!(steps[2].detail.contains(why), "{}", steps[2].detail);
        assert_eq!(steps[2].certificate.as_ref(), Some(&certificate), "what to pin is shown");
    }
    assert!(names(&good, "wrong").0.ends_with("tls, !bind bind-credentials"));
    let base =
        catalog::DirectoryConfig { people_bases: vec!["ou=None,dc=corp,dc=test".into()], ..good };
    assert!(names(&base, Slapd::PASSWORD).0.ends_with("!base refused"));
}
