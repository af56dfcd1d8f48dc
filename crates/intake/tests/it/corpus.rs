use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use intake::files::{MboxReader, Reason, WalkSettings, walk};
use intake::smtp::SmtpSettings;
use model::ContentId;
use spool::SpoolLimits;

use crate::support::{Client, archive};

/// The shared samples, where there are any.
fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("CHANCERY_CORPUS");
    if corpus.is_none() {
        eprintln!("left out: CHANCERY_CORPUS names no folder of samples");
    }
    corpus.map(|path| PathBuf::from(path).join("corpus"))
}

/// Senders at the same time; their mails share the spool's syncs.
const SENDERS: usize = 16;

#[test]
fn every_hard_sample_arrives_octet_for_octet_by_bdat() {
    let Some(corpus) = corpus() else { return };
    let archive = archive(SmtpSettings::default(), SpoolLimits::default());
    let index = std::fs::read_to_string(corpus.join("hard/index.tsv")).unwrap();
    let paths: Vec<PathBuf> = index
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .map(|path| corpus.join("hard").join(path))
        .filter(|path| path.is_file())
        .collect();
    assert!(paths.len() > 2000, "{} samples only", paths.len());
    let mut sent: Vec<ContentId> = std::thread::scope(|scope| {
        let send = |paths| {
            let address = archive.address;
            scope.spawn(move || send_all(address, paths))
        };
        let senders: Vec<_> = paths.chunks(paths.len().div_ceil(SENDERS)).map(send).collect();
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let claimed = archive.spool.claim(100, 1 << 24, Duration::from_secs(600));
        assert!(!claimed.is_empty(), "only {} arrived", received.len());
        received.extend(claimed.iter().map(|claimed| ContentId::of(&claimed.submission.octets)));
    }
    sent.sort_unstable();
    received.sort_unstable();
    assert!(sent == received);
}

fn send_all(address: SocketAddr, paths: &[PathBuf]) -> Vec<ContentId> {
    let mut client = Client::connect(address);
    client.expect(&[("EHLO me", "250")]);
    let send = |path: &PathBuf| {
        let octets = std::fs::read(path).unwrap();
        client.send(b"MAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\n");
        client.send(format!("BDAT {} LAST\r\n", octets.len()).as_bytes());
        client.send(&octets);
        for _ in 0..3 {
            assert!(client.reply().starts_with("250"), "{}", path.display());
        }
        ContentId::of(&octets)
    };
    paths.iter().map(send).collect()
}

#[test]
fn a_walk_through_the_hard_samples_leaves_no_file_without_an_answer() {
    let Some(corpus) = corpus() else { return };
    let (mut found, mut unread) = (0, 0);
    for item in walk(vec![corpus.join("hard")], WalkSettings::default()) {
        match item {
            Ok(_) => found += 1,
            Err(error) => {
                assert!(!matches!(error.reason, Reason::Read(_)), "{error}");
                unread += 1;
            }
        }
    }
    eprintln!("{found} mails, {unread} other files");
    assert!(found > 2000);
}

#[test]
fn all_mails_of_the_list_archive_are_found() {
    let Some(corpus) = corpus() else { return };
    let file = std::fs::File::open(corpus.join("lists/lists.mboxrd.zst")).unwrap();
    let mut text = Vec::new();
    zstd::Decoder::new(file).unwrap().read_to_end(&mut text).unwrap();
    let mut reader = MboxReader::new(text.as_slice(), &WalkSettings::default());
    let mut mails = 0;
    while let Some(mail) = reader.next_mail() {
        mail.unwrap();
        mails += 1;
    }
    assert_eq!(mails, 9545);
}
