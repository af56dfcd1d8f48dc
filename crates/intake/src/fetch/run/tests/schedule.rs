use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use catalog::{
    AfterFetch, FetchConfig, FetchMailbox, FetchMode, FetchOutcome, FetchRun, ServiceAccess,
};
use model::SourceId;

use super::world::{NOON, SOURCE, TENANT, World, secrets};
use crate::fetch::run::{Awaited, FetchDesk, MailboxKind, Purpose};

/// Until the condition holds; the machine may be slow.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(100);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn runs(world: &World, id: SourceId) -> Vec<FetchRun> {
    world.parts.catalog.fetch_runs(id, None, 100).unwrap_or_default()
}

fn keeping() -> FetchConfig {
    FetchConfig { after: AfterFetch::Keep, ..FetchConfig::default() }
}

fn desk(world: &World) -> FetchDesk {
    FetchDesk::start(world.parts.clone(), secrets()).expect("starts")
}

#[test]
fn a_source_is_read_at_its_time_and_a_quiet_poll_leaves_no_row() {
    let world = World::new(MailboxKind::Imap);
    world.server.put("INBOX", b"Subject: first\r\n\r\n");
    world.source(SOURCE, keeping());
    let desk = desk(&world);
    until("the first run", || runs(&world, SOURCE).len() == 1);
    let run = runs(&world, SOURCE).remove(0);
    assert_eq!((run.outcome, run.counts.archived), (FetchOutcome::Done, 1));
    let polls = || desk.figures().polls.load(Ordering::SeqCst);
    until("it is free", || desk.status(SOURCE).expect("there").running.is_none());
    let before = polls();
    world.clock.pass(67);
    // The schedule sleeps by the real clock; whoever changes something wakes it.
    desk.changed(TENANT, SOURCE).expect("read");
    until("a quiet poll", || polls() > before);
    until("it is free", || desk.status(SOURCE).expect("there").running.is_none());
    assert_eq!(runs(&world, SOURCE).len(), 1);
    desk.ask(SOURCE, Purpose::Poll);
    until("a poll by a person leaves a row", || runs(&world, SOURCE).len() == 2);
    desk.stop();
}

#[test]
fn failures_are_told_rest_and_end() {
    let world = World::new(MailboxKind::Imap);
    world.server.put("INBOX", b"Subject: first\r\n\r\n");
    world.server.locked().mood.refuses_sign_in = true;
    world.source(SOURCE, keeping());
    let desk = desk(&world);
    until("the first failure", || runs(&world, SOURCE).len() == 1);
    until("it is free", || desk.status(SOURCE).expect("there").running.is_none());
    let state = desk.status(SOURCE).expect("there").state;
    assert_eq!((state.failures, state.error.as_deref()), (1, Some("sign-in-refused")));
    assert!(state.next_at >= Some(NOON.saturating_add_seconds(300)), "servers lock accounts");
    let kept = world.parts.catalog.fetch_source(TENANT, SOURCE).expect("reads").expect("there");
    assert_eq!(kept.state, state);
    world.server.locked().mood.refuses_sign_in = false;
    desk.ask(SOURCE, Purpose::Poll);
    until("recovery", || runs(&world, SOURCE).len() == 2);
    until("it is free", || desk.status(SOURCE).expect("there").running.is_none());
    let state = desk.status(SOURCE).expect("there").state;
    assert_eq!((state.failures, state.error), (0, None));
    desk.stop();
}

#[test]
fn a_paused_source_is_left_alone_and_a_reset_one_is_read_again() {
    let world = World::new(MailboxKind::Imap);
    world.server.put("INBOX", b"Subject: first\r\n\r\n");
    world.source(SOURCE, keeping());
    let desk = desk(&world);
    until("the first run", || runs(&world, SOURCE).len() == 1);
    assert!(desk.pause(SOURCE, true).expect("paused"));
    let polls = desk.figures().polls.load(Ordering::SeqCst);
    world.clock.pass(3600);
    desk.changed(TENANT, SOURCE).expect("read");
    assert_eq!(desk.status(SOURCE).expect("there").next_at, None);
    assert_eq!(desk.figures().polls.load(Ordering::SeqCst), polls);
    assert!(desk.reset(SOURCE, &[]).expect("forgotten"));
    assert!(desk.pause(SOURCE, false).expect("resumed"));
    until("read again", || runs(&world, SOURCE).len() == 2);
    assert_eq!(runs(&world, SOURCE)[0].counts.known, 1);
    assert!(!desk.reset(SourceId::from_bytes([9; 16]), &[]).expect("no source"));
    desk.stop();
}

#[test]
fn many_mailboxes_of_one_server_are_read_by_few_sessions() {
    let world = World::new(MailboxKind::Imap);
    for number in 0..50 {
        world.server.put("INBOX", format!("Subject: {number}\r\n\r\n").as_bytes());
    }
    let mailbox =
        |number| FetchMailbox { user: format!("user{number}@own.example"), address: None };
    let mode = FetchMode::Mailboxes {
        by: ServiceAccess::MasterUser { separator: "*".to_owned() },
        mailboxes: (0..40).map(mailbox).collect(),
        every_account: false,
    };
    world.source(SOURCE, FetchConfig { mode, ..keeping() });
    let desk = desk(&world);
    until("the run", || runs(&world, SOURCE).len() == 1);
    let run = runs(&world, SOURCE).remove(0);
    assert_eq!((run.outcome, run.mailboxes_failed), (FetchOutcome::Done, 0));
    // Every mailbox shows the same folder here.
    assert_eq!((run.counts.seen, run.counts.archived), (2_000, 50));
    assert!(run.counts.adds_up());
    let most = world.server.locked().sessions_most;
    assert!((1..=4).contains(&most), "{most} sessions at once");
    desk.stop();
}

#[test]
fn the_end_of_the_server_ends_a_run_and_the_next_one_goes_on() {
    let world = World::new(MailboxKind::Imap);
    for number in 0..3_000 {
        world.server.put("INBOX", format!("Subject: {number}\r\n\r\n").as_bytes());
    }
    world.source(SOURCE, keeping());
    let first = desk(&world);
    until("it has begun", || world.archived() > 0);
    first.stop();
    let second = Arc::new(desk(&world));
    until("the rest", || world.archived() == 3_000);
    until("it is free", || second.status(SOURCE).expect("there").running.is_none());
    assert!(runs(&world, SOURCE).iter().all(|run| run.counts.adds_up()));
    second.stop();
}

#[test]
fn waiting_for_mail_is_renewed_and_begins_where_the_last_run_ended() {
    let world = World::new(MailboxKind::Imap);
    world.server.put("INBOX", b"Subject: first\r\n\r\n");
    // Two waits end without news; one comes too late for mail 7, of which the next run finds
    // nothing, so that it is waited for once only; then there is news; then nothing is offered.
    let awaits = [
        Awaited::Nothing,
        Awaited::Nothing,
        Awaited::Missed(7),
        Awaited::Missed(7),
        Awaited::News,
        Awaited::NotOffered,
    ];
    world.server.locked().mood.awaits.extend(awaits);
    world.source(SOURCE, FetchConfig { idle: true, every_minutes: 600, ..keeping() });
    let desk = desk(&world);
    until("all waits", || world.server.locked().mood.awaits.is_empty());
    let polls = || desk.figures().polls.load(Ordering::SeqCst);
    until("the run that the news began", || polls() == 3);
    let waited = world.server.locked().waited.clone();
    assert_eq!(waited, [Some(2), Some(2), Some(2), Some(2), Some(7), Some(2)]);
    desk.stop();
}

#[test]
fn a_removed_source_ends() {
    let world = World::new(MailboxKind::Imap);
    world.source(SOURCE, keeping());
    let desk = desk(&world);
    until("the first poll", || desk.figures().polls.load(Ordering::SeqCst) > 0);
    world.parts.catalog.remove_fetch_source(TENANT, SOURCE, &[]).expect("removed");
    desk.changed(TENANT, SOURCE).expect("read");
    assert!(desk.status(SOURCE).is_none());
    assert!(!desk.ask(SOURCE, Purpose::Poll));
    desk.stop();
}
