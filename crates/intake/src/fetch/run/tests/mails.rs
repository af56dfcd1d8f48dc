use catalog::{AfterFetch, FetchConfig, FetchCounts, FetchMode, FetchOrder, LeftReason, MailKey};
use model::{EmailAddress, Source};

use super::world::{NOON, SOURCE, World};
use crate::fetch::FetchErrorKind;
use crate::fetch::run::reconcile::{Compared, reconcile_mailbox};
use crate::fetch::run::{Became, MailboxKind, Tally};

fn keeping() -> FetchConfig {
    FetchConfig { after: AfterFetch::Keep, ..FetchConfig::default() }
}

fn counts(archived: u64, known: u64, left: u64, failed: u64) -> FetchCounts {
    let seen = archived + known + left + failed;
    FetchCounts { seen, archived, known, left, failed, ..FetchCounts::default() }
}

fn mails(world: &World, folder: &str, count: usize) {
    for number in 0..count {
        world.server.put(folder, format!("Subject: {folder} {number}\r\n\r\ntext").as_bytes());
    }
}

fn done(world: &World, config: &FetchConfig) -> FetchCounts {
    let (counts, done) = world.run(config);
    done.expect("read to its end");
    counts
}

#[test]
fn mail_leaves_its_server_when_the_archive_has_it() {
    for kind in [MailboxKind::Imap, MailboxKind::Pop3] {
        let world = World::new(kind);
        mails(&world, "INBOX", 450);
        assert_eq!(done(&world, &FetchConfig::default()), counts(450, 0, 0, 0));
        assert_eq!(world.archived(), 450);
        assert!(world.server.left("INBOX").is_empty());
        assert_eq!(done(&world, &FetchConfig::default()), counts(0, 0, 0, 0));
    }
}

#[test]
fn mail_that_stays_is_read_once() {
    for kind in [MailboxKind::Imap, MailboxKind::Pop3] {
        let world = World::new(kind);
        mails(&world, "INBOX", 30);
        assert_eq!(done(&world, &keeping()), counts(30, 0, 0, 0));
        mails(&world, "INBOX", 31);
        // The first thirty are the same octets again, under other numbers.
        assert_eq!(done(&world, &keeping()), counts(1, 30, 0, 0));
        assert_eq!(world.server.left("INBOX").len(), 61);
        assert_eq!(done(&world, &keeping()), counts(0, 0, 0, 0));
        assert_eq!(world.server.locked().fetched.len(), 61);
        // From now on it is to go: IMAP knows what it has, POP3 reads again to be sure.
        done(&world, &FetchConfig::default());
        assert!(world.server.left("INBOX").is_empty());
    }
}

#[test]
fn another_uidvalidity_reads_again_and_knows_by_content() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 12);
    done(&world, &keeping());
    world.server.locked().drawers.get_mut("INBOX").expect("there").uid_validity = 9;
    assert_eq!(done(&world, &keeping()), counts(0, 12, 0, 0));
    assert_eq!(done(&world, &keeping()), counts(0, 0, 0, 0));
}

#[test]
fn one_bad_mail_never_stops_the_rest() {
    for kind in [MailboxKind::Imap, MailboxKind::Pop3] {
        let world = World::new(kind);
        mails(&world, "INBOX", 20);
        world.server.locked().mood.breaks_at.insert(5);
        world.server.locked().mood.unreadable.insert(9);
        // A maildrop that was not closed in order brings its first mails again.
        let known = if kind == MailboxKind::Pop3 { 4 } else { 0 };
        assert_eq!(done(&world, &FetchConfig::default()), counts(18, known, 0, 2), "{kind:?}");
        assert_eq!(world.server.left("INBOX"), [5, 9]);
        let left = world.left();
        assert_eq!(left.len(), 2);
        assert!(left.iter().all(|it| it.reason == LeftReason::Failed && it.next_at.is_some()));
        // Not before its time.
        assert_eq!(done(&world, &FetchConfig::default()), counts(0, 0, 0, 0));
        world.clock.pass(3600);
        world.server.locked().mood.unreadable.clear();
        assert_eq!(done(&world, &FetchConfig::default()), counts(1, 0, 0, 1));
        for _ in 0..10 {
            world.clock.pass(2 * 86_400);
            let (counts, _) = world.run(&FetchConfig::default());
            assert_eq!(counts.archived, 0);
        }
        let left = world.left();
        assert_eq!((left.len(), left[0].reason), (1, LeftReason::GivenUp));
        assert_eq!(world.archived(), 19);
        assert_eq!(world.server.left("INBOX"), [5]);
    }
}

#[test]
fn mail_that_somebody_removes_meanwhile_is_not_counted() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 10);
    world.server.locked().mood.vanishes.extend([3, 4]);
    assert_eq!(done(&world, &keeping()), counts(8, 0, 0, 0));
    assert!(world.left().is_empty());
}

#[test]
fn mail_that_is_too_large_is_left_and_listed() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 3);
    world.server.put("INBOX", &vec![b'x'; (1 << 20) + 1]);
    let config = FetchConfig { mail_mebibytes_max: Some(1), ..FetchConfig::default() };
    assert_eq!(done(&world, &config), counts(3, 0, 1, 0));
    let left = world.left();
    assert_eq!(left[0].reason, LeftReason::TooLarge);
    assert_eq!((left[0].size_bytes, &left[0].key), ((1 << 20) + 1, &MailKey::Uid(4)));
    assert_eq!(done(&world, &config), counts(0, 0, 0, 0));
    assert_eq!(world.server.left("INBOX"), [4]);
    // Somebody removes it there: it is left no more.
    world.server.locked().drawers.get_mut("INBOX").expect("there").mails.clear();
    mails(&world, "INBOX", 1);
    done(&world, &config);
    assert!(world.left().is_empty());
}

#[test]
fn what_the_archive_does_not_let_in_stays() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 3);
    let other = [Became::NotSelected, Became::Refused("no room".to_owned()), Became::Quarantined];
    world.becomes.lock().expect("not poisoned").extend(other);
    // Nothing archives these octets, so the fake server would count a removal as lost: the
    // quarantined one stands in the archive's quarantine.
    world.server.archived.lock().expect("not poisoned").extend(
        [0, 1, 2].map(|number| format!("Subject: INBOX {number}\r\n\r\ntext").into_bytes()),
    );
    let (counts, _) = world.run(&FetchConfig::default());
    let expected =
        FetchCounts { seen: 3, left: 1, failed: 1, quarantined: 1, ..FetchCounts::default() };
    assert_eq!(counts, expected);
    assert_eq!(world.server.left("INBOX"), [1, 2]);
}

#[test]
fn what_could_not_be_removed_is_removed_by_the_next_run_without_reading_it() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 5);
    world.server.locked().mood.removal_fails = 9;
    let (first, failed) = world.run(&FetchConfig::default());
    assert_eq!(first, counts(5, 0, 0, 0));
    assert_eq!(failed.expect_err("it breaks").kind(), FetchErrorKind::NoConnection);
    world.server.locked().mood.removal_fails = 0;
    assert_eq!(done(&world, &FetchConfig::default()), counts(0, 0, 0, 0));
    assert!(world.server.left("INBOX").is_empty());
    assert_eq!(world.server.locked().fetched.len(), 5);
}

#[test]
fn a_connection_lost_before_quit_brings_the_mails_again() {
    let world = World::new(MailboxKind::Pop3);
    mails(&world, "INBOX", 7);
    world.server.locked().mood.quit_fails = 1;
    let (counts, done) = world.run(&FetchConfig::default());
    done.expect("the second session does it");
    assert_eq!((counts.archived, counts.known), (7, 7));
    assert!(world.server.left("INBOX").is_empty());
}

#[test]
fn mail_that_its_server_would_not_remove_is_left_and_read_again_only_when_its_time_has_come() {
    let world = World::new(MailboxKind::Pop3);
    mails(&world, "INBOX", 5);
    world.server.locked().mood.stays.insert(3);
    assert_eq!(done(&world, &FetchConfig::default()), counts(5, 0, 0, 0));
    assert_eq!(world.server.left("INBOX"), [3]);
    let left = world.left();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].reason, left[0].tries), (LeftReason::NotRemoved, 1));
    assert_eq!(
        (&left[0].key, left[0].detail.as_str()),
        (&MailKey::Uidl("u3".into()), "it is held")
    );
    assert!(left[0].next_at.is_some());
    assert_eq!(world.parts.catalog.count_left(SOURCE).expect("counts"), (1, 0), "no damage");
    // Not once a minute.
    assert_eq!(done(&world, &FetchConfig::default()), counts(0, 0, 0, 0));
    world.clock.pass(3600);
    assert_eq!(done(&world, &FetchConfig::default()), counts(0, 1, 0, 0));
    assert_eq!(world.left()[0].tries, 2);
    world.clock.pass(86_400);
    world.server.locked().mood.stays.clear();
    assert_eq!(done(&world, &FetchConfig::default()), counts(0, 1, 0, 0));
    assert!(world.server.left("INBOX").is_empty());
    assert!(world.left().is_empty());
}

#[test]
fn mail_may_stay_once_the_settings_say_so() {
    let world = World::new(MailboxKind::Pop3);
    mails(&world, "INBOX", 1);
    world.server.locked().mood.stays.insert(1);
    done(&world, &FetchConfig::default());
    assert_eq!(world.left().len(), 1);
    done(&world, &keeping());
    assert!(world.left().is_empty());
}

#[test]
fn mail_outside_the_time_of_the_settings_stays_unread() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 3);
    // The server's mails came at noon, to the moment.
    let before = FetchConfig { until: Some(NOON), ..keeping() };
    assert_eq!(done(&world, &before), counts(0, 0, 0, 0));
    let later = FetchConfig { since: Some(NOON.saturating_add_seconds(1)), ..keeping() };
    world.parts.catalog.reset_fetch(SOURCE, &[]).expect("forgotten");
    assert_eq!(done(&world, &later), counts(0, 0, 0, 0));
    world.parts.catalog.reset_fetch(SOURCE, &[]).expect("forgotten");
    let then = FetchConfig { since: Some(NOON), ..keeping() };
    assert_eq!(done(&world, &then), counts(3, 0, 0, 0));
}

#[test]
fn a_server_that_breaks_at_every_mail_is_left_after_some_of_them() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 40);
    world.server.locked().mood.breaks_at.extend(1..=40);
    let (counts, done) = world.run(&FetchConfig::default());
    assert_eq!(done.expect_err("it is not the mails").kind(), FetchErrorKind::NoConnection);
    assert_eq!((counts.seen, counts.failed), (10, 10));
    assert_eq!(world.server.locked().sessions, 10);
    // Each run goes on where the last one ended.
    world.server.locked().mood.breaks_at.clear();
    assert_eq!(self::done(&world, &FetchConfig::default()), self::counts(30, 0, 0, 0));
}

#[test]
fn a_known_name_with_another_size_is_another_mail() {
    let world = World::new(MailboxKind::Pop3);
    mails(&world, "INBOX", 4);
    done(&world, &keeping());
    let other = b"Subject: another mail under an old name\r\n\r\n".to_vec();
    world.server.locked().drawers.get_mut("INBOX").expect("there").mails.insert(2, other);
    assert_eq!(done(&world, &keeping()), counts(1, 0, 0, 0));
}

#[test]
fn folders_are_read_and_named() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 2);
    mails(&world, "Projects/2024", 2);
    let address = EmailAddress::new("anna@own.example");
    let mode = FetchMode::Mailbox { address: address.clone() };
    let config = FetchConfig { mode, after: AfterFetch::Keep, ..FetchConfig::default() };
    assert_eq!(done(&world, &config), counts(4, 0, 0, 0));
    let sources = world.sources.lock().expect("not poisoned").clone();
    let places: Vec<(String, u32)> = sources
        .iter()
        .map(|source| match source {
            Source::Fetched(fetched) => {
                assert_eq!(fetched.mailbox.as_ref(), Some(&address));
                assert_eq!(fetched.flags, ["\\Seen"]);
                assert!(fetched.received_at.is_some());
                (fetched.folder.clone(), fetched.uid)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [("INBOX", 1), ("INBOX", 2), ("Projects/2024", 1), ("Projects/2024", 2)];
    assert_eq!(places, expected.map(|(folder, uid)| (folder.to_owned(), uid)));
}

#[test]
fn moved_mail_is_not_read_in_its_new_folder() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 3);
    let mode = FetchMode::Mailbox { address: EmailAddress::new("anna@own.example") };
    let after = AfterFetch::Move { folder: "Archived".to_owned() };
    let config = FetchConfig { mode, after, ..FetchConfig::default() };
    assert_eq!(done(&world, &config), counts(3, 0, 0, 0));
    assert_eq!(world.server.left("Archived").len(), 3);
    assert_eq!(done(&world, &config), counts(0, 0, 0, 0));
}

#[test]
fn the_newest_come_first_where_that_is_wanted() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 3);
    let config = FetchConfig { order: FetchOrder::NewestFirst, ..keeping() };
    done(&world, &config);
    let fetched = world.server.locked().fetched.clone();
    assert_eq!(fetched, [3, 2, 1].map(MailKey::Uid));
}

#[test]
fn reconciliation_names_what_is_missing_and_reads_it() {
    let world = World::new(MailboxKind::Imap);
    mails(&world, "INBOX", 4);
    let (target, tally, compared) =
        (world.target(keeping()), Tally::default(), Compared::default());
    reconcile_mailbox(&world.parts, &target, &tally, &compared).expect("compares");
    let sums = compared.sums();
    // This catalog never sees a commit: all are missing, and one was archived under another name.
    assert_eq!((sums.listed, sums.present, sums.missing), (4, 0, 4));
    assert_eq!(sums.named.len(), 4);
    assert!(sums.named.iter().all(|it| it.outcome == "archived" && it.folder == "INBOX"));
    assert_eq!(tally.live().counts, counts(4, 0, 0, 0));
    let again = Compared::default();
    reconcile_mailbox(&world.parts, &target, &Tally::default(), &again).expect("compares");
    assert!(again.sums().named.iter().all(|it| it.outcome == "known"));
}
