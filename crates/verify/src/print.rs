use serde::Serialize;

use crate::findings::{
    BatchFindings, Check, DeliveryFindings, Evidence, ExportFindings, SingleFindings,
};

pub fn export(found: &ExportFindings, json: bool) {
    if json {
        return print_json(found);
    }
    println!(
        "Export of tenant {} made at {} by {}, verified as of {}",
        found.tenant, found.exported_at, found.product, found.verified_at
    );
    line("files", &found.files);
    line("ledger unbroken", &found.ledger);
    line("claims of the manifest", &found.complete);
    for found in &found.batches {
        batch(found);
    }
    for mail in &found.mails {
        println!("{} mail {}", word(mail.proven), mail.record);
        mail.deliveries.iter().for_each(delivery);
    }
    for remark in &found.remarks {
        println!("note: {remark}");
    }
    let proven = found.mails.iter().filter(|mail| mail.proven).count();
    println!("{proven} of {} mails are proven", found.mails.len());
    println!("{}", verdict(found.proven));
}

pub fn single(found: &SingleFindings, json: bool) {
    if json {
        return print_json(found);
    }
    println!("{} as of {}", found.files.join(", "), found.verified_at);
    line("time and authority", &found.time);
    if let Some(evidence) = &found.evidence {
        stamps(evidence);
        if !evidence.exact {
            println!("  note: the record proves other objects beside these too");
        }
        for subject in &evidence.without_revocation_data {
            println!("  note: the evidence carries no revocation data for {subject}");
        }
    }
    if let Some(check) = &found.ledger {
        let seqs: Vec<String> = found.seqs.iter().map(u64::to_string).collect();
        line(&format!("in the ledger as event {}", seqs.join(", ")), check);
    }
    if let Some(found) = &found.batch {
        batch(found);
    }
    println!("{}", verdict(found.proven));
}

fn batch(found: &BatchFindings) {
    println!(
        "{} batch {}: events {} to {}, {}",
        word(found.proven()),
        found.number,
        found.first_seq,
        found.last_seq,
        found.seal
    );
    for (name, check) in
        [("file", &found.file), ("seal", &found.sealed), ("succession", &found.follows)]
    {
        if !check.proven || check.detail.is_some() {
            line(&format!("  {name}"), check);
        }
    }
    if let Some(evidence) = &found.evidence {
        stamps(evidence);
    }
}

fn delivery(found: &DeliveryFindings) {
    let received = found.received_at.map(|at| format!(", received {at}")).unwrap_or_default();
    println!("  event {} in batch {}{received}", found.seq, found.batch);
    let checks = [
        ("octets", Some(&found.octets)),
        ("time and authority", Some(&found.time)),
        ("ledger", Some(&found.ledger)),
        ("recipients of the journal report", found.recipients.as_ref()),
    ];
    for (name, check) in checks {
        if let Some(check) = check {
            line(&format!("  {name}"), check);
        }
    }
    if let Some(evidence) = &found.evidence {
        stamps(evidence);
    }
}

fn stamps(evidence: &Evidence) {
    for stamp in &evidence.stamps {
        let claim = if stamp.claims_qualified { ", claims to be qualified" } else { "" };
        println!(
            "    stamped {} by {} under {} ({}, chain {}, good until {}{claim})",
            stamp.at,
            stamp.authority,
            stamp.anchor,
            stamp.hash_algorithm,
            stamp.chain,
            stamp.valid_until
        );
    }
}

fn line(name: &str, check: &Check) {
    match &check.detail {
        Some(detail) => println!("  {} {name}: {detail}", word(check.proven)),
        None => println!("  {} {name}", word(check.proven)),
    }
}

const fn word(proven: bool) -> &'static str {
    if proven { "proven    " } else { "NOT PROVEN" }
}

const fn verdict(proven: bool) -> &'static str {
    if proven { "Everything is proven." } else { "Not everything is proven." }
}

fn print_json(found: &impl Serialize) {
    match serde_json::to_string_pretty(found) {
        Ok(text) => println!("{text}"),
        Err(error) => eprintln!("chancery-verify: {error}"),
    }
}
