//! The process ends at every durable step, before and after it takes effect. After a restart the
//! archive equals an undisturbed one: nothing acknowledged is missing, nothing is doubled.

use std::collections::BTreeMap;

use model::Timestamp;
use testkit::demo::{Company, DemoReport, Profile, Settings};

use crate::archive::contents;
use crate::house::{House, Server, answer};

const REPORTS: usize = 24;

/// Points that need what this test does not do: many mails, much mail, erasing.
const NOT_REACHED: &[&str] = &[
    "store.dictionary.before",
    "store.dictionary.after",
    "store.seal.before",
    "store.seal.after",
    "store.erase.before",
    "store.erase.after",
];

/// One mail that does not fit into memory: it takes the way over a file of its own.
const LARGE_BYTES: usize = 3 << 20;

fn reports() -> Vec<DemoReport> {
    let settings =
        Settings { seed: 7, end: Timestamp::from_seconds(1_760_000_000), profile: Profile::Demo };
    Company::new(settings).reports(REPORTS).collect()
}

fn large_mail() -> Vec<u8> {
    let mut mail =
        b"From: a@musterbau.example\r\nTo: b@musterbau.example\r\nSubject: large\r\n\r\n".to_vec();
    while mail.len() < LARGE_BYTES {
        mail.extend_from_slice(format!("line {} of a large mail\r\n", mail.len()).as_bytes());
    }
    mail
}

#[test]
fn the_archive_after_a_crash_at_any_durable_step_equals_an_undisturbed_one() {
    let reports = reports();
    let large = large_mail();
    let mails: Vec<&[u8]> = reports
        .iter()
        .map(|report| report.octets.as_slice())
        .chain(std::iter::once(large.as_slice()))
        .collect();
    let undisturbed = run(&mails, None).0;
    let points = spool::CRASH_POINTS
        .iter()
        .chain(store::CRASH_POINTS)
        .chain(catalog::CRASH_POINTS)
        .chain(index::CRASH_POINTS)
        .chain(pipeline::CRASH_POINTS);
    for point in points {
        // Whether there is a third pass depends on how many mails came into one batch.
        for pass in [1, 3] {
            let wanted = format!("{point}#{pass}");
            let (archive, crashed) = run(&mails, Some(&wanted));
            let reached = crashed || pass > 1 || NOT_REACHED.contains(point);
            assert!(reached, "{point} was never reached");
            assert_eq!(archive, undisturbed, "after a crash at {wanted}");
        }
    }
}

/// Sends everything; whoever gets no `250` sends again after the restart, as a mail server does.
fn run(mails: &[&[u8]], crash_at: Option<&str>) -> (BTreeMap<String, String>, bool) {
    let house = House::new(&[]);
    let environment: Vec<(&str, &str)> =
        crash_at.map(|point| ("CHANCERY_CRASH_AT", point)).into_iter().collect();
    let mut acknowledged = vec![false; mails.len()];
    let mut crashed = true;
    if let Some(mut server) = house.start_with(&environment) {
        deliver(&house, &server, mails, &mut acknowledged);
        let settled = server.settle() && server.is_running();
        // Some steps come only when the server ends.
        crashed = !(settled && server.end());
    }
    let acknowledged_before = acknowledged.clone();
    let mut server = house.start();
    // What was acknowledged is there without being sent again.
    assert!(server.settle(), "the server runs");
    let mut auditor = server.client("auditor");
    for (mail, acknowledged) in mails.iter().zip(&acknowledged_before) {
        if *acknowledged {
            assert!(
                is_archived(&mut auditor, mail),
                "an acknowledged mail is missing at {crash_at:?}"
            );
        }
    }
    deliver(&house, &server, mails, &mut acknowledged);
    assert!(acknowledged.iter().all(|it| *it), "everything is accepted at {crash_at:?}");
    assert!(server.settle(), "the server runs");
    let archive = contents(&mut server.client("auditor"));
    server.stop();
    answer(&house.run(&["verify"]));
    (archive, crashed)
}

fn deliver(house: &House, server: &Server, mails: &[&[u8]], acknowledged: &mut [bool]) {
    let open: Vec<usize> = (0..mails.len()).filter(|index| !acknowledged[*index]).collect();
    let octets: Vec<&[u8]> = open.iter().map(|index| mails[*index]).collect();
    for (index, accepted) in open.into_iter().zip(server.send(&house.journal, &octets)) {
        acknowledged[index] = accepted;
    }
}

/// Whether the octets are there: as a mail, or as the journal report of one.
fn is_archived(auditor: &mut testkit::http::Client, octets: &[u8]) -> bool {
    let examined = mail::examine(octets, &model::HeaderRules::default(), None);
    let content = model::ContentId::of(examined.mail(octets));
    let query = format!("/api/v1/search?limit=1&q=id:{}", record_of(auditor, content));
    auditor.get_json(&query).is_ok_and(|answer| answer["total"] == 1)
}

fn record_of(auditor: &mut testkit::http::Client, content: model::ContentId) -> String {
    let session = auditor.get_json("/api/v1/session").expect("a session");
    let tenant = session["account"]["tenant"]["id"].as_str().and_then(|id| id.parse().ok());
    model::RecordId::of(tenant.expect("a tenant"), content).to_string()
}
