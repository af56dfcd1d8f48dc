//! `fuzz`: mutated input for every parser, deterministic by its seed. `cargo xtask fuzz` starts it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use model::Timestamp;
use testkit::Random;
use testkit::demo::{Company, Profile, Settings};

/// The longest input, so that a run does many.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// An input that takes more of the processor is a failure. Not by the clock on the wall: a machine
/// that does other things is none.
const INPUT_MILLIS_MAX: u64 = 5_000;
const MUTATIONS_MAX: usize = 8;

#[derive(Parser)]
struct Arguments {
    /// How long each target runs
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only targets whose name contains this
    #[arg(long)]
    target: Option<String>,
    /// Run this file once through the targets instead
    #[arg(long)]
    input: Option<PathBuf>,
    /// Where inputs that fail are written
    #[arg(long, default_value = "target/fuzz-failures")]
    failures: PathBuf,
}

struct Target {
    name: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces of the grammar, mixed in.
    words: &'static [&'static [u8]],
}

const MAIL_WORDS: &[&[u8]] = &[
    b"\r\n\r\n",
    b"\r\n",
    b"\n",
    b"--",
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"X-MS-Journal-Report:\r\n",
    b"Sender: a@b.example\r\n",
    b"Recipient: c@d.example, Expanded: l@d.example\r\n",
    b"=?utf-8?B?",
    b"?=",
    b"charset=utf-7",
    b"begin 644 a\r\n",
    b"\x78\x9f\x3e\x22",
    b"\0",
    b"\xff\xfe",
];

const SMTP_WORDS: &[&[u8]] = &[
    b"EHLO a\r\n",
    b"MAIL FROM:<a@b.example>\r\n",
    b"MAIL FROM:<> SIZE=9999999999\r\n",
    b"RCPT TO:<journal@archive.example>\r\n",
    b"DATA\r\n",
    b"BDAT 5\r\nabc\r\n",
    b"BDAT 0 LAST\r\n",
    b"RSET\r\n",
    b"STARTTLS\r\n",
    b".\r\n",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\r.\r",
    b"\r\n.\n",
    b"..",
];

/// What a POP3 server says.
const IMAP_WORDS: &[&[u8]] = &[
    b"* 1 FETCH (UID 7 RFC822.SIZE 3 BODY[] {3}\r\nabc)\r\n",
    b"* 1 FETCH (BODY[] {2147483648}\r\n",
    b"* LIST (\\Trash) \"/\" {3}\r\na b\r\n",
    b"* SEARCH 1 2 9\r\n",
    b"* ESEARCH (TAG \"a\") UID ALL 1:4294967295\r\n",
    b"* OK [UIDVALIDITY 7] x\r\n",
    b"* 9 EXPUNGE\r\n",
    b"* BYE [UNAVAILABLE] later\r\n",
    b"C4 OK done\r\n",
    b"C5 NO [TRYCREATE] no\r\n",
    b"+ \r\n",
    b"{99999999999999999999}\r\n",
    b"BODY[HEADER.FIELDS (DATE)] ",
    b"((((",
    b"NIL",
    b"\"",
    b"&AOQ-",
];

const POP3_WORDS: &[&[u8]] = &[
    b"+OK\r\n",
    b"+OK 1 a\r\n",
    b"-ERR [IN-USE]\r\n",
    b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n",
    b"1 10\r\n",
    b"2 2147483648\r\n",
    b".\r\n",
    b"\r\n.\r\n",
    b"..",
    b"SASL PLAIN XOAUTH2 OAUTHBEARER\r\n",
    b"PIPELINING\r\n",
    b"LOGIN-DELAY 99999999999999999999\r\n",
];

/// Headers of elements, lengths in several forms, an identifier.
const DER_WORDS: &[&[u8]] = &[
    b"\x30\x00",
    b"\x30\x80",
    b"\x30\x82\x01\x00",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x31\x00",
    b"\x02\x01\x01",
    b"\x04\x20",
    b"\x05\x00",
    b"\xa0\x00",
    b"\xa1\x00",
    b"\xa2\x02\x30\x00",
    b"\x18\x0f20261122034133Z",
    b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03",
];

const QUERY_WORDS: &[&[u8]] = &[
    b"from:",
    b"to:",
    b"subject:",
    b"has:attachment",
    b"larger:10M",
    b"before:2024-02-30",
    b"AND ",
    b"OR ",
    b"NOT ",
    b"(",
    b")",
    b"\"",
    b"*",
    b"NEAR/3 ",
    b"~3",
    "\u{fc}".as_bytes(),
    b"-",
    b":",
];

/// Pieces of messages, filters and distinguished names.
const LDAP_WORDS: &[&[u8]] = &[
    &[0x30, 0x84, 0, 0, 0, 4],
    &[0x30, 0x80],
    &[0x31, 0x03, 0x04, 0x01, 0x61],
    b"(&(objectClass=*)(",
    b"(!(cn=a*b))",
    b":1.2.840.113556.1.4.1941:=",
    b"\\2a",
    b",OU=",
    b"\\,",
];

fn directory_seeds() -> Vec<Vec<u8>> {
    let entry = b"\x64\x19\x04\x06uid=a,\x30\x0f\x30\x0d\x04\x04mail\x31\x05\x04\x03a@b";
    vec![entry.to_vec(), b"(&(cn=a)(|(b>=1)(c=*d*)))".to_vec(), b"CN=a\\, b,DC=x".to_vec()]
}

fn targets() -> Vec<Target> {
    let none: fn() -> Vec<Vec<u8>> = || vec![vec![0; 64], b"CHANCERY".to_vec()];
    let target = |name, run, seeds, words| Target { name, run, seeds, words };
    vec![
        target("evidence-answer", evidence::fuzz::answer, evidence_seeds, DER_WORDS),
        target("evidence-batch", evidence::fuzz::batch, evidence_seeds, DER_WORDS),
        target("evidence-record", evidence::fuzz::record, evidence_seeds, DER_WORDS),
        target("evidence-token", evidence::fuzz::token, evidence_seeds, DER_WORDS),
        target("directory-answer", identity::directory::fuzz::answer, directory_seeds, LDAP_WORDS),
        target(
            "index-query",
            index::fuzz::query as fn(&[u8]),
            query_seeds as fn() -> _,
            QUERY_WORDS,
        ),
        target("intake-command-line", intake::fuzz::command_line, smtp_seeds, SMTP_WORDS),
        target(
            "intake-dot-decoding",
            |octets| with_piece(octets, intake::fuzz::dot_decoding),
            smtp_seeds,
            SMTP_WORDS,
        ),
        target(
            "intake-imap",
            |octets| with_piece(octets, intake::fuzz::imap_session),
            intake::fuzz::imap_seeds,
            IMAP_WORDS,
        ),
        target(
            "intake-mbox",
            intake::fuzz::mbox,
            mail_seeds,
            &[b"\nFrom a@b Mon Jan  1 00:00:00 2024\n", b"\n\n", b">From "],
        ),
        target(
            "intake-pop3",
            |octets| with_piece(octets, intake::fuzz::pop3_session),
            pop3_seeds,
            POP3_WORDS,
        ),
        target(
            "intake-smtp",
            |octets| with_piece(octets, intake::fuzz::smtp_session),
            smtp_seeds,
            SMTP_WORDS,
        ),
        target("mail-journal", mail::fuzz::journal, mail_seeds, MAIL_WORDS),
        target("mail-mime", mail::fuzz::mime, mail_seeds, MAIL_WORDS),
        target(
            "spool-entry",
            |octets| {
                spool::fuzz::entry_body(octets);
            },
            none,
            &[],
        ),
        target(
            "spool-segment",
            |octets| {
                spool::fuzz::segment(octets);
            },
            none,
            &[],
        ),
        target(
            "spool-settle-log",
            |octets| {
                spool::fuzz::settle_log(octets);
            },
            none,
            &[],
        ),
        target(
            "store-base64",
            |octets| {
                store::fuzz::base64(octets);
            },
            mail_seeds,
            MAIL_WORDS,
        ),
        target(
            "store-bundle",
            |octets| {
                store::fuzz::bundle(octets);
            },
            none,
            &[],
        ),
        target(
            "store-key-table",
            |octets| {
                store::fuzz::key_table(octets);
            },
            none,
            &[],
        ),
        target(
            "store-pack",
            |octets| {
                store::fuzz::pack(octets);
            },
            none,
            &[],
        ),
    ]
}

/// The first octet says in which pieces the rest arrives.
fn with_piece(octets: &[u8], run: fn(&[u8], usize)) {
    if let Some((&piece, rest)) = octets.split_first() {
        run(rest, usize::from(piece).max(1));
    }
}

fn mail_seeds() -> Vec<Vec<u8>> {
    let company = Company::new(Settings {
        seed: 3,
        end: Timestamp::from_seconds(1_790_000_000),
        profile: Profile::Demo,
    });
    let mut seeds: Vec<Vec<u8>> = company
        .reports(200)
        .map(|report| report.octets)
        .filter(|octets| octets.len() < INPUT_BYTES_MAX)
        .take(60)
        .collect();
    collect(Path::new("fixtures"), &mut seeds);
    seeds
}

/// Records of the fixtures, and the token, certificates and structures within them.
fn evidence_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    collect(Path::new("fixtures/evidence"), &mut seeds);
    let records: Vec<Vec<u8>> =
        seeds.iter().filter(|seed| seed.starts_with(b"\x30\x82")).cloned().collect();
    for record in records.iter().take(4) {
        // Each element of some size is a seed of its own: tokens, certificates, signers.
        let starts = record.windows(2).enumerate().filter(|(_, it)| *it == b"\x30\x82");
        for (at, _) in starts {
            let Some(length) = record.get(at + 2..at + 4) else { continue };
            let end = at + 4 + usize::from(length[0]) * 256 + usize::from(length[1]);
            seeds.extend(record.get(at..end).map(<[u8]>::to_vec));
        }
    }
    seeds.push(evidence::fuzz::batch_seed());
    seeds
}

fn smtp_seeds() -> Vec<Vec<u8>> {
    let envelope = "EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<journal@archive.example>\r\n";
    vec![
        format!("\u{7}{envelope}DATA\r\nSubject: a\r\n\r\n..b\r\n.\r\nQUIT\r\n").into_bytes(),
        format!("\u{1}{envelope}BDAT 4\r\nabcdBDAT 2 LAST\r\nefRSET\r\nNOOP\r\n").into_bytes(),
        format!("\u{40}{envelope}DATA\r\na\n.\nb\r.\rc\r\n.\r\n{envelope}DATA\r\n.\r\n")
            .into_bytes(),
    ]
}

fn pop3_seeds() -> Vec<Vec<u8>> {
    let inside = "+OK\r\n1 10\r\n2 9\r\n.\r\n+OK\r\n1 a\r\n2 b\r\n.\r\n+OK\r\nSubject: a\r\n\r\n..b\r\n\
                  .\r\n-ERR no\r\n+OK 2 b\r\n+OK 1 a\r\n+OK\r\n+OK\r\n+OK\r\n";
    let sasl = "SASL PLAIN XOAUTH2 OAUTHBEARER\r\nPIPELINING\r\n.\r\n+ \r\n+OK\r\n";
    vec![
        format!("\u{3}+OK hello\r\n-ERR what\r\n+OK\r\n+OK\r\n{inside}").into_bytes(),
        format!("\u{40}+OK\r\n+OK\r\n{sasl}{inside}").into_bytes(),
    ]
}

fn query_seeds() -> Vec<Vec<u8>> {
    [
        "rechnung",
        "from:anna (angebot OR \"neues angebot\") -storno",
        "subject:übergabe has:attachment larger:10M before:2025-01-31",
        "with:a@b.example rech* NOT intern",
        "attachment:\"Angebot AN-24.pdf\" after:2024 on:2024-05",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

/// All files below `folder` that are small enough.
fn collect(folder: &Path, into: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, into);
        } else if let Ok(octets) = std::fs::read(&path)
            && octets.len() < INPUT_BYTES_MAX
        {
            into.push(octets);
        }
    }
}

fn mutate(seeds: &[Vec<u8>], words: &[&[u8]], random: &mut Random) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(MUTATIONS_MAX) {
        let at = random.below(input.len() + 1);
        let length = random.below(64).min(input.len() - at);
        match random.below(9) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.below(256) as u8,
            2 => drop(input.drain(at..at + length)),
            3 => {
                let piece = input[at..at + length].to_vec();
                input.splice(at..at, piece);
            }
            4 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                let to = (from + random.below(512)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            5 => input.truncate(at),
            6 => {
                let count = 1 + random.below(8);
                let octets = random.octets(count);
                input.splice(at..at, octets);
            }
            7 => {
                let piece = input[at..at + length].repeat(1 + random.below(40));
                input.splice(at..at, piece);
            }
            _ if !words.is_empty() => {
                let word = words[random.below(words.len())];
                input.splice(at..at, word.iter().copied());
            }
            _ => {}
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

/// The number of the present input, from 1; 0 while there is none.
static PRESENT: AtomicU64 = AtomicU64::new(0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    std::thread::spawn(watch);
    let wanted = |target: &Target| {
        arguments.target.as_ref().is_none_or(|part| target.name.contains(part.as_str()))
    };
    let (mut failed, mut inputs) = (0, 0);
    for target in targets().iter().filter(|target| wanted(target)) {
        if let Some(path) = &arguments.input {
            (target.run)(&std::fs::read(path)?);
            eprintln!("{:<22} returned", target.name);
            continue;
        }
        failed += u32::from(!attack(target, &arguments, &mut inputs)?);
    }
    if failed > 0 {
        return Err(format!("{failed} targets failed").into());
    }
    Ok(())
}

fn attack(
    target: &Target,
    arguments: &Arguments,
    inputs: &mut u64,
) -> Result<bool, Box<dyn std::error::Error>> {
    let seeds = (target.seeds)();
    let mut random = Random::fork(arguments.seed, target.name.len() as u64);
    let deadline = Instant::now() + Duration::from_secs(arguments.seconds);
    let (mut runs, mut octets) = (0u64, 0u64);
    while Instant::now() < deadline {
        let input = mutate(&seeds, target.words, &mut random);
        *inputs += 1;
        PRESENT.store(*inputs, Ordering::Relaxed);
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        PRESENT.store(0, Ordering::Relaxed);
        if outcome.is_err() {
            std::fs::create_dir_all(&arguments.failures)?;
            let name = format!("{}-{}-{runs}", target.name, arguments.seed);
            let path = arguments.failures.join(name);
            std::fs::write(&path, &input)?;
            eprintln!(
                "{} FAILED after {runs} inputs (seed {}); the input is {}",
                target.name,
                arguments.seed,
                path.display()
            );
            return Ok(false);
        }
        runs += 1;
        octets += input.len() as u64;
    }
    eprintln!("{:<22} {runs:>9} inputs, {:>8.1} MB", target.name, octets as f64 / 1e6);
    Ok(true)
}

/// Ends the process when one input takes too long: it cannot be interrupted otherwise.
fn watch() {
    let (mut seen, mut spent_before) = (0, 0);
    loop {
        std::thread::sleep(Duration::from_millis(250));
        let (present, spent) = (PRESENT.load(Ordering::Relaxed), spent_millis());
        if present != seen {
            (seen, spent_before) = (present, spent);
        } else if present > 0 && spent > spent_before + INPUT_MILLIS_MAX {
            eprintln!("an input takes longer than {INPUT_MILLIS_MAX} ms: run again with the seed");
            std::process::exit(1);
        }
    }
}

/// What this process has taken of the processor (proc(5): user and system time in hundredths).
fn spent_millis() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold anything; behind it stand numbers.
    let numbers = stat.rsplit(')').next().unwrap_or_default();
    let ticks = numbers.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}
