//! `figures FILE TENANTS MAILS`: fills an existing catalog with tenants and the figures of as many
//! mails, for benchmarks: counters, 400 days of history, mailboxes. Prints the sums, which a
//! dashboard must show. No mail is made.

use std::io::Write as _;

use rusqlite::{Connection, Transaction, params};

const DAYS: i64 = 400;
/// Hours of a day in which mail came.
const HOURS: [i64; 8] = [8, 9, 10, 11, 13, 14, 15, 16];
/// Tenants with mailboxes, and how many each has.
const WITH_MAILBOXES: i64 = 50;
const MAILBOXES: i64 = 500;
const MAIL_BYTES: i64 = 60_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("figures FILE TENANTS MAILS")?;
    let tenants: i64 = arguments.next().ok_or("how many tenants?")?.parse()?;
    let mails: i64 = arguments.next().ok_or("how many mails?")?.parse()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let today = i64::try_from(now / 86_400)?;
    let mut db = Connection::open(file)?;
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")?;
    let per_hour = (mails / tenants / DAYS / HOURS.len() as i64).max(1);
    let transaction = db.transaction()?;
    for number in 0..tenants {
        tenant(&transaction, number, today, per_hour)?;
    }
    totals(&transaction)?;
    transaction.commit()?;
    let sums: (i64, i64) = db.query_row(
        "SELECT sum(records), (SELECT count(*) FROM history_hour) FROM figures",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    writeln!(std::io::stdout(), "{} {}", sums.0, sums.1)?;
    Ok(())
}

fn id(kind: u8, number: i64) -> [u8; 16] {
    let mut id = [kind; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn tenant(db: &Transaction<'_>, number: i64, today: i64, per_hour: i64) -> rusqlite::Result<()> {
    let name = format!("Customer {number:04}");
    let created = (today - DAYS) * 86_400_000_000;
    db.prepare_cached(
        "INSERT INTO tenant (id, name, name_key, state, organisations, archive_domains, settings,
             created_at)
         VALUES (?1, ?2, ?3, 'active', '[]', '[\"bench.example\"]', '{}', ?4)",
    )?
    .execute(params![id(1, number), name, name.to_lowercase(), created])?;
    let tenant = db.last_insert_rowid();
    let source = id(2, number);
    let address = format!("journal-{number}@bench.example");
    db.prepare_cached(
        "INSERT INTO source (id, tenant, kind, name, address, address_key, rules, state, created_at)
         VALUES (?1, ?2, 'smtp', 'Journal', ?3, ?3,
             '{\"journal_reports\":true,\"rules\":[],\"own_domains\":[],\"organisations\":[]}',
             'active', ?4)",
    )?
    .execute(params![source, tenant, address, created])?;
    let mut hour = db.prepare_cached(
        "INSERT INTO history_hour (tenant, at, source, mails, bytes, quarantined, not_selected)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
    )?;
    let mut day = db.prepare_cached(
        "INSERT INTO history_day (tenant, at, source, mails, bytes, quarantined, not_selected)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
    )?;
    for back in (0..DAYS).rev() {
        for at in HOURS {
            let at = (today - back) * 24 + at;
            hour.execute(params![tenant, at, source, per_hour, per_hour * MAIL_BYTES])?;
        }
        let mails = per_hour * HOURS.len() as i64;
        day.execute(params![tenant, today - back, source, mails, mails * MAIL_BYTES])?;
    }
    let mails = per_hour * HOURS.len() as i64 * DAYS;
    db.prepare_cached(
        "INSERT INTO figures (tenant, records, deliveries, reports, raw_bytes, mail_bytes)
         VALUES (?1, ?2, ?2, ?2, ?3, ?3)",
    )?
    .execute(params![tenant, mails, mails * MAIL_BYTES])?;
    db.prepare_cached(
        "INSERT INTO source_figures (tenant, source, mails, bytes, reports, quarantined,
             not_selected, last_at, last_report_at)
         VALUES (?1, ?2, ?3, ?4, ?3, 0, 0, ?5, ?5)",
    )?
    .execute(params![tenant, source, mails, mails * MAIL_BYTES, today * 86_400_000_000])?;
    if number < WITH_MAILBOXES {
        mailboxes(db, tenant, number, mails, created)?;
    }
    Ok(())
}

fn mailboxes(
    db: &Transaction<'_>,
    tenant: i64,
    number: i64,
    mails: i64,
    created: i64,
) -> rusqlite::Result<()> {
    for one in 0..MAILBOXES {
        let key = format!("p{one:04}@c{number:04}.example");
        db.prepare_cached(
            "INSERT INTO account (id, tenant, user_name, user_key, first_name, last_name,
                 display_name, search_key, kind, role, archived, must_change_password, disabled,
                 created_at)
             VALUES (?1, ?2, ?3, ?3, '', '', ?3, ?3, 'person', 'user', 1, 0, 0, ?4)",
        )?
        .execute(params![id(3, number * MAILBOXES + one), tenant, key, created])?;
        let account = db.last_insert_rowid();
        db.prepare_cached(
            "INSERT INTO account_address (account, tenant, key) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![account, tenant, key])?;
        let share = mails / MAILBOXES + one;
        db.prepare_cached(
            "INSERT INTO address (tenant, key, text, mails, bytes) VALUES (?1, ?2, ?2, ?3, ?4)",
        )?
        .execute(params![tenant, key, share, share * MAIL_BYTES])?;
    }
    Ok(())
}

fn totals(db: &Transaction<'_>) -> rusqlite::Result<()> {
    for table in ["hour", "day"] {
        db.execute_batch(&format!(
            "INSERT OR REPLACE INTO total_{table}
             SELECT at, sum(mails), sum(bytes), sum(quarantined), sum(not_selected)
             FROM history_{table} GROUP BY at;"
        ))?;
    }
    Ok(())
}
