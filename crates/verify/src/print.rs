use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use serde::Serialize;

use crate::cores::on_all_cores;
use crate::findings::{
    BatchFindings, Check, DeliveryFindings, DisposedFindings, Evidence, ExportFindings,
    MailFindings, SealedFindings, SingleFindings,
};

/// Mails whose text is made before it is printed.
const MAILS_AT_ONCE: usize = 10_000;

pub fn export(found: &ExportFindings, json: bool) -> io::Result<()> {
    if json {
        return print_json(found);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    put(&mut out, |text| head(text, found))?;
    for mails in found.mails.chunks(MAILS_AT_ONCE) {
        for text in on_all_cores(mails.len(), |at| written(|text| mail(text, &mails[at]))) {
            out.write_all(text.as_bytes())?;
        }
    }
    put(&mut out, |text| end(text, found))?;
    out.flush()
}

pub fn single(found: &SingleFindings, json: bool) -> io::Result<()> {
    if json {
        return print_json(found);
    }
    let mut out = io::stdout().lock();
    put(&mut out, |text| group(text, found))?;
    out.flush()
}

pub fn sealed(found: &SealedFindings, json: bool) -> io::Result<()> {
    if json {
        return print_json(found);
    }
    let mut out = io::stdout().lock();
    put(&mut out, |text| {
        line(text, &format!("{} sealed by the archive", found.file), &found.proven)?;
        match found.sealed_at {
            Some(at) => writeln!(text, "  note: at {at} by the archive's own clock"),
            None => Ok(()),
        }
    })?;
    out.flush()
}

fn put(out: &mut impl io::Write, write: impl Fn(&mut String) -> fmt::Result) -> io::Result<()> {
    out.write_all(written(write).as_bytes())
}

fn written(write: impl Fn(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    // Writing into a String does not fail.
    let _ = write(&mut text);
    text
}

fn head(text: &mut String, found: &ExportFindings) -> fmt::Result {
    writeln!(
        text,
        "Export of tenant {} made at {} by {}, verified as of {}",
        found.tenant, found.exported_at, found.product, found.verified_at
    )?;
    line(text, "files", &found.files)?;
    line(text, "ledger unbroken", &found.ledger)?;
    line(text, "claims of the manifest", &found.complete)?;
    found.batches.iter().try_for_each(|found| batch(text, found))?;
    events(text, found)
}

/// How many there are of each kind; those that are not proven, and destroyed mails, one by one.
fn events(text: &mut String, found: &ExportFindings) -> fmt::Result {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &found.events {
        match event.note.proven {
            true => *kinds.entry(&event.kind).or_default() += 1,
            false => line(text, &format!("event {} ({})", event.seq, event.kind), &event.note)?,
        }
    }
    for (kind, count) in kinds {
        writeln!(text, "  {} {count} × {kind}", word(true))?;
    }
    for DisposedFindings { seq, certificate } in &found.disposed {
        writeln!(text, "  disposed   the mail of event {seq}, as event {certificate} certifies")?;
    }
    Ok(())
}

fn end(text: &mut String, found: &ExportFindings) -> fmt::Result {
    for remark in &found.remarks {
        writeln!(text, "note: {remark}")?;
    }
    let proven = found.mails.iter().filter(|mail| mail.proven).count();
    writeln!(text, "{proven} of {} mails are proven", found.mails.len())?;
    writeln!(text, "{}", verdict(found.proven))
}

fn group(text: &mut String, found: &SingleFindings) -> fmt::Result {
    writeln!(text, "{} as of {}", found.files.join(", "), found.verified_at)?;
    line(text, "time and authority", &found.time)?;
    if let Some(evidence) = &found.evidence {
        stamps(text, evidence)?;
        if !evidence.exact {
            writeln!(text, "  note: the record proves other objects beside these too")?;
        }
        for subject in &evidence.without_revocation_data {
            writeln!(text, "  note: the evidence carries no revocation data for {subject}")?;
        }
    }
    if let Some(check) = &found.ledger {
        let seqs: Vec<String> = found.seqs.iter().map(u64::to_string).collect();
        line(text, &format!("in the ledger as event {}", seqs.join(", ")), check)?;
    }
    if let Some(found) = &found.batch {
        batch(text, found)?;
    }
    writeln!(text, "{}", verdict(found.proven))
}

fn batch(text: &mut String, found: &BatchFindings) -> fmt::Result {
    writeln!(
        text,
        "{} batch {}: events {} to {}, {}",
        word(found.proven()),
        found.number,
        found.first_seq,
        found.last_seq,
        found.seal
    )?;
    for (name, check) in
        [("  file", &found.file), ("  seal", &found.sealed), ("  succession", &found.follows)]
    {
        if !check.proven || check.detail.is_some() {
            line(text, name, check)?;
        }
    }
    found.evidence.iter().chain(&found.second).try_for_each(|evidence| stamps(text, evidence))
}

fn mail(text: &mut String, found: &MailFindings) -> fmt::Result {
    writeln!(text, "{} mail {}", word(found.proven), found.record)?;
    found.deliveries.iter().try_for_each(|found| delivery(text, found))
}

fn delivery(text: &mut String, found: &DeliveryFindings) -> fmt::Result {
    write!(text, "  event {} in batch {}", found.seq, found.batch)?;
    match found.received_at {
        Some(at) => writeln!(text, ", received {at}")?,
        None => writeln!(text)?,
    }
    let checks = [
        ("  octets", Some(&found.octets)),
        ("  time and authority", Some(&found.time)),
        ("  ledger", Some(&found.ledger)),
        ("  recipients of the journal report", found.recipients.as_ref()),
    ];
    for (name, check) in checks {
        if let Some(check) = check {
            line(text, name, check)?;
        }
    }
    found.evidence.iter().chain(&found.second).try_for_each(|evidence| stamps(text, evidence))
}

fn stamps(text: &mut String, evidence: &Evidence) -> fmt::Result {
    for stamp in &evidence.stamps {
        let claim = match &stamp.qualified {
            Some(Check { proven: true, .. }) => ", qualified",
            _ if stamp.claims_qualified => ", claims to be qualified",
            _ => "",
        };
        writeln!(
            text,
            "    stamped {} by {} under {} ({}, chain {}, good until {}{claim})",
            stamp.at,
            stamp.authority,
            stamp.anchor,
            stamp.hash_algorithm,
            stamp.chain,
            stamp.valid_until
        )?;
        if let Some(check) = &stamp.qualified {
            line(text, "    listed as qualified", check)?;
        }
    }
    Ok(())
}

fn line(text: &mut String, name: &str, check: &Check) -> fmt::Result {
    match &check.detail {
        Some(detail) => writeln!(text, "  {} {name}: {detail}", word(check.proven)),
        None => writeln!(text, "  {} {name}", word(check.proven)),
    }
}

const fn word(proven: bool) -> &'static str {
    if proven { "proven    " } else { "NOT PROVEN" }
}

const fn verdict(proven: bool) -> &'static str {
    if proven { "Everything is proven." } else { "Not everything is proven." }
}

fn print_json(found: &impl Serialize) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, found)?;
    writeln!(out)?;
    out.flush()
}
