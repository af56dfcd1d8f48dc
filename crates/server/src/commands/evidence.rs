//! `chancery evidence`: how far the ledgers are sealed; also while the server runs.

use std::path::PathBuf;
use std::process::ExitCode;

use catalog::{SealedBatchRow, Tenant};
use serde::Serialize;

use super::{evidence_lists, print};
use crate::config::Config;
use crate::house::House;

/// Batches that are read at once.
const PAGE: u32 = 10_000;

#[derive(clap::Subcommand)]
pub enum Command {
    /// What is sealed, and what waits
    Status {
        /// Only this tenant
        #[arg(long)]
        tenant: Option<String>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// The sealed batches of a tenant's ledger
    Batches {
        /// Its name or id
        #[arg(long)]
        tenant: String,
        /// Only batches with greater numbers
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// What ends when, and when it is renewed
    Forecast {
        /// Only this tenant
        #[arg(long)]
        tenant: Option<String>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Completeness: what came in within a month and what became of it
    Report {
        /// Its name or id
        #[arg(long)]
        tenant: String,
        /// Such as 2026-11; without it the reports that were signed are listed
        #[arg(long)]
        month: Option<String>,
        /// Write the signed report of the month and its seal into this folder, for chancery-verify
        #[arg(long, value_name = "FOLDER", requires = "month")]
        output: Option<PathBuf>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// The qualified time-stamp services of a trusted list, and the SHA-256 to pin it with
    TrustedList {
        /// An XML file (ETSI TS 119 612) whose signature was checked
        file: PathBuf,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// The public key that local seals and reports are checked with
    Key {
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// How the reading of all octets stands; --now has the running server begin a pass
    Scrub {
        /// Only this tenant
        #[arg(long)]
        tenant: Option<String>,
        #[arg(long)]
        now: bool,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    tenant: String,
    name: String,
    /// Events of the ledger.
    events: u64,
    sealed_events: u64,
    batches: u64,
    /// Batches that only the archive's own key seals.
    local_batches: u64,
    last_sealed_at: Option<model::Timestamp>,
    /// When the first certificate under the stamps ends.
    renewal_due: Option<model::Timestamp>,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    if let Command::TrustedList { file, json } = &command {
        return evidence_lists::trusted_list(file, *json);
    }
    let house = House::open(config)?;
    let tenants = |named: &Option<String>| match named {
        Some(name) => Ok(vec![house.tenant_named(name)?]),
        None => Ok::<_, anyhow::Error>(house.catalog.tenants()?),
    };
    match command {
        Command::Status { tenant, json } => show_status(&house, &tenants(&tenant)?, json),
        Command::Batches { tenant, after, json } => {
            evidence_lists::batches(&house, &house.tenant_named(&tenant)?, after, json)
        }
        Command::Forecast { tenant, json } => {
            evidence_lists::forecast(config, &house, &tenants(&tenant)?, json)
        }
        Command::Key { json } => evidence_lists::key(&house, json),
        Command::TrustedList { file, json } => evidence_lists::trusted_list(&file, json),
        Command::Report { tenant, month, output, json } => {
            let tenant = house.tenant_named(&tenant)?;
            match (month, output) {
                (Some(month), Some(folder)) => {
                    evidence_lists::signed_report(&house, &tenant, &month, &folder, json)
                }
                (month, _) => evidence_lists::report(&house, &tenant, month.as_deref(), json),
            }
        }
        Command::Scrub { tenant, now, json } => {
            evidence_lists::scrub(&house, &tenants(&tenant)?, now, json)
        }
    }
}

fn show_status(house: &House, tenants: &[Tenant], json: bool) -> anyhow::Result<ExitCode> {
    let all: Vec<Status> =
        tenants.iter().map(|tenant| status(house, tenant)).collect::<Result<_, _>>()?;
    if json {
        print(&serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    for one in all {
        let time = |at: Option<model::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
        print(&format!(
            "{}\n  events          {:>12}\n  sealed          {:>12}\n  batches         {:>12}\n  \
             local seals     {:>12}\n  last sealed     {}\n  renewal due     {}",
            one.name,
            one.events,
            one.sealed_events,
            one.batches,
            one.local_batches,
            time(one.last_sealed_at),
            time(one.renewal_due)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn status(house: &House, tenant: &Tenant) -> anyhow::Result<Status> {
    let mut status = Status {
        tenant: tenant.id.to_string(),
        name: tenant.name.clone(),
        events: house.catalog.max_seq(tenant.id)?,
        ..Status::default()
    };
    loop {
        let batches = house.catalog.sealed_batches(tenant.id, status.batches, PAGE)?;
        if batches.is_empty() {
            return Ok(status);
        }
        batches.iter().for_each(|batch| status.add(batch));
    }
}

impl Status {
    fn add(&mut self, batch: &SealedBatchRow) {
        self.batches = batch.number;
        self.sealed_events = batch.last_seq;
        self.local_batches += u64::from(batch.stamped_at.is_none());
        self.last_sealed_at = Some(batch.sealed_at);
        self.renewal_due = match (self.renewal_due, batch.valid_until) {
            (Some(due), Some(until)) => Some(due.min(until)),
            (due, until) => due.or(until),
        };
    }
}
