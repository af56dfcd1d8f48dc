use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use api::dto::{BackupSummary, NoticeLanguage, NotificationSettings};
use catalog::{
    Account, Catalog, ConditionRow, FetchSource, Notice, RunOutcome, Sighting, SourceKind,
    SourceState, Tenant, TenantState,
};
use intake::tls::TlsStore;
use model::{TenantId, Timestamp};
use pipeline::{IndexFigures, LineParts};
use policy::AccountRole;

use super::text;
use crate::census::Census;
use crate::machine;
use crate::operation::LAST_BACKUP;
use crate::sealing::SealingState;
use crate::settings::SettingsDesk;

/// Looks without the trouble after which it counts as over: a figure that swings round its limit
/// makes no stream of mails.
const CALM_LOOKS: u32 = 3;

/// Recipients of a tenant.
const RECIPIENTS_MAX: usize = 50;

/// People who are told of an access in one look.
const CONCERNED_MAX: u32 = 20;

/// An authority may be silent for so long before people are told, in seconds.
const EVIDENCE_PATIENCE: i64 = 1800;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub code: &'static str,
    pub tenant: Option<TenantId>,
    pub object: String,
    pub level: u32,
    pub facts: BTreeMap<String, String>,
    /// People are told when it has lasted so long, in seconds.
    pub patience: i64,
}

impl Found {
    fn server(code: &'static str, level: u32, patience: i64) -> Self {
        let (object, facts) = (String::new(), BTreeMap::new());
        Self { code, tenant: None, object, level, facts, patience }
    }

    fn fact(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.insert(name.to_owned(), value.to_string());
        self
    }

    fn is(&self, row: &ConditionRow) -> bool {
        (self.code, self.tenant, &self.object) == (row.code.as_str(), row.tenant, &row.object)
    }
}

/// Looks at the server once a minute and tells people what changed.
pub struct Watchman {
    pub folder: std::path::PathBuf,
    pub parts: LineParts,
    pub census: Arc<Census>,
    pub index_figures: Arc<IndexFigures>,
    pub tls: TlsStore,
    pub settings: Arc<SettingsDesk>,
    pub sealing: Arc<SealingState>,
    pub memory: Memory,
}

/// What a look must know of the looks before.
#[derive(Default)]
pub struct Memory {
    quarantined: HashMap<TenantId, VecDeque<(Timestamp, u64)>>,
    audit_failures: u64,
    audit_failed_at: Option<Timestamp>,
    pub(super) calm: HashMap<(String, Option<TenantId>, String), u32>,
}

impl Watchman {
    /// # Errors
    /// When the catalog cannot be read or written: the next look begins anew.
    pub fn look(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let found = self.found(now)?;
        let settings = self.settings.current();
        let host = crate::settings::smtp(&settings).host_name;
        let teller = Teller {
            catalog: &*self.parts.catalog,
            settings: &settings.notifications,
            host: &host,
        };
        update(&mut self.memory, &teller, found, now)?;
        tell_concerned(&teller, now)
    }

    fn found(&mut self, now: Timestamp) -> anyhow::Result<Vec<Found>> {
        let limits = self.settings.current().notifications;
        let mut found = self.server(&limits, now)?;
        for tenant in self.parts.catalog.tenants()? {
            if tenant.state != TenantState::Active {
                continue;
            }
            let scrub = self.parts.catalog.scrub_state(tenant.id)?;
            if !scrub.findings.is_empty() {
                let repaired = scrub.findings.iter().filter(|one| one.repaired).count();
                let mut one = Found::server("scrub-damaged", 1, 0)
                    .fact("findings", scrub.findings.len())
                    .fact("repaired", repaired);
                one.tenant = Some(tenant.id);
                found.push(one);
            }
            let figures = self.parts.catalog.figures(tenant.id)?;
            let grew = self.memory.grew(tenant.id, figures.quarantined, now);
            if limits.quarantine_per_hour_max > 0 && grew >= limits.quarantine_per_hour_max {
                let mut one = Found::server("quarantine-grew", 1, 0).fact("mails", grew);
                one.tenant = Some(tenant.id);
                found.push(one);
            }
            if limits.source_silent_hours_max > 0 {
                self.silent(tenant.id, &limits, now, &mut found)?;
            }
        }
        let lag = self.census.lag(None)?;
        if lag > limits.index_lag_max {
            found.push(Found::server("index-lag", 1, 300).fact("mails", lag));
        }
        self.directories(&mut found)?;
        self.evidence(&mut found);
        for (tenant, reason) in self.parts.vault.troubles() {
            let mut one = Found::server("vault-damaged", 1, 0).fact("reason", reason);
            one.tenant = Some(tenant);
            found.push(one);
        }
        self.fetched(&mut found)?;
        if let Ok(troubles) = self.index_figures.troubles.lock() {
            for (tenant, reason) in &*troubles {
                let mut one = Found::server("index-damaged", 1, 120).fact("reason", reason);
                one.tenant = Some(*tenant);
                found.push(one);
            }
        }
        Ok(found)
    }

    fn server(
        &mut self,
        limits: &NotificationSettings,
        now: Timestamp,
    ) -> anyhow::Result<Vec<Found>> {
        let mut found = Vec::new();
        let reserve = self.parts.spool.limits().reserve_free_bytes;
        let disk = machine::disk(&self.folder, reserve);
        if disk.total_bytes > 0 && disk.free_bytes < limits.disk_free_bytes_min.max(reserve) {
            let level = if disk.free_bytes < reserve { 2 } else { 1 };
            let free = disk.free_bytes >> 20;
            found.push(Found::server("disk-low", level, 0).fact("freeMebibytes", free));
        }
        let spool = self.parts.spool.state();
        let depth = (spool.waiting + spool.claimed + spool.delayed) as u64;
        let oldest = self.parts.spool.oldest();
        let age = oldest.map_or(0, |at| (now.as_seconds() - at.as_seconds()).max(0));
        if depth > limits.queue_mails_max || age as u64 > limits.queue_seconds_max {
            let deep = Found::server("queue-deep", 1, 60);
            found.push(deep.fact("mails", depth).fact("oldestSeconds", age));
        }
        if spool.damaged > 0 {
            found.push(Found::server("spool-damaged", 1, 0).fact("places", spool.damaged));
        }
        let certificate = self.tls.facts();
        let left = certificate.not_after.as_seconds() - now.as_seconds();
        if let Some(level) = ending(left) {
            let mut one = Found::server("certificate-ending", level, 0);
            one.object.clone_from(&certificate.subject);
            found.push(
                one.fact("days", (left / DAY).max(0)).fact("notAfter", certificate.not_after),
            );
        }
        let failures = self.parts.catalog.audit_figures().failures;
        if failures > self.memory.audit_failures {
            self.memory.audit_failures = failures;
            self.memory.audit_failed_at = Some(now);
        }
        let recent = |at: Timestamp| now < at.saturating_add_seconds(HOUR);
        if self.memory.audit_failed_at.is_some_and(recent) {
            found.push(Found::server("audit-failed", 1, 0).fact("writes", failures));
        }
        let backup = self.parts.catalog.setting(LAST_BACKUP)?;
        let backup = backup.and_then(|text| serde_json::from_str::<BackupSummary>(&text).ok());
        if let Some(backup) = backup.filter(|backup| backup.outcome != "done") {
            found.push(Found::server("backup-failed", 1, 0).fact("at", backup.at));
        }
        Ok(found)
    }

    /// Ledgers that wait for a stamp, and stamps that end.
    fn evidence(&self, found: &mut Vec<Found>) {
        let unsealed = self.sealing.unsealed().into_iter().map(|it| ("evidence-waits", it));
        let unrenewed = self.sealing.unrenewed().into_iter().map(|it| ("evidence-ends", it));
        for (code, (tenant, trouble)) in unsealed.chain(unrenewed) {
            let mut one = Found::server(code, 1, EVIDENCE_PATIENCE).fact("reason", trouble.why);
            one.tenant = Some(tenant);
            found.push(one);
        }
    }

    /// Directories whose last run failed, or waits for a person.
    fn directories(&self, found: &mut Vec<Found>) -> anyhow::Result<()> {
        for directory in self.parts.catalog.directories(None)? {
            let runs = self.parts.catalog.directory_runs(directory.id, None, 1)?;
            let code = match runs.first().map(|run| run.outcome) {
                Some(RunOutcome::Failed) if directory.config.enabled => "directory-failed",
                Some(RunOutcome::HeldBack) if directory.config.enabled => "directory-held",
                _ => continue,
            };
            let detail = runs.first().map(|run| run.detail.clone()).unwrap_or_default();
            let mut one =
                Found::server(code, 1, 0).fact("directory", &directory.name).fact("reason", detail);
            one.tenant = Some(directory.tenant);
            one.object = directory.id.to_string();
            found.push(one);
        }
        Ok(())
    }

    /// Sources whose last run failed, and mails that stay on their server.
    fn fetched(&self, found: &mut Vec<Found>) -> anyhow::Result<()> {
        for source in self.parts.catalog.fetch_sources(None)? {
            if !source.config.enabled || source.state.paused {
                continue;
            }
            if source.state.failures == 0 {
                if source.state.damaged > 0 {
                    found.push(of_source("fetch-corrupt-mail", &source));
                }
                continue;
            }
            let code = match source.state.error.as_deref() {
                Some("no-connection") => "fetch-no-connection",
                Some("sign-in-refused") => "fetch-sign-in-refused",
                Some("corrupt-mail") => "fetch-corrupt-mail",
                Some("tls-mismatch") => "fetch-tls-mismatch",
                _ => "fetch-failed",
            };
            found.push(of_source(code, &source));
        }
        Ok(())
    }

    /// Sources that brought reports before and none for long.
    fn silent(
        &self,
        tenant: TenantId,
        limits: &NotificationSettings,
        now: Timestamp,
        found: &mut Vec<Found>,
    ) -> anyhow::Result<()> {
        let hours_max = i64::try_from(limits.source_silent_hours_max).unwrap_or(i64::MAX / HOUR);
        for source in self.parts.catalog.sources(tenant)? {
            if source.kind != SourceKind::Smtp || source.state != SourceState::Active {
                continue;
            }
            let last = self.parts.catalog.sighted(source.id, Sighting::Report)?;
            let silent = last.map_or(0, |at| now.as_seconds() - at.as_seconds());
            if silent > hours_max.saturating_mul(HOUR) {
                let mut one = Found::server("source-silent", 1, 0)
                    .fact("source", source.name)
                    .fact("hours", silent / HOUR);
                one.tenant = Some(tenant);
                one.object = source.id.to_string();
                found.push(one);
            }
        }
        Ok(())
    }
}

fn of_source(code: &'static str, source: &FetchSource) -> Found {
    let mut one = Found::server(code, 1, 0)
        .fact("source", &source.source.name)
        .fact("server", &source.config.server)
        .fact("mails", source.state.damaged)
        .fact("reason", &source.state.detail);
    one.tenant = Some(source.source.tenant);
    one.object = source.source.id.to_string();
    one
}

/// 30, 7 and 1 day before the end, and at the end.
pub(super) fn ending(left_seconds: i64) -> Option<u32> {
    match left_seconds {
        ..=0 => Some(4),
        left if left <= DAY => Some(3),
        left if left <= 7 * DAY => Some(2),
        left if left <= 30 * DAY => Some(1),
        _ => None,
    }
}

impl Memory {
    /// By how many the quarantine grew within the last hour.
    fn grew(&mut self, tenant: TenantId, quarantined: u64, now: Timestamp) -> u64 {
        let past = self.quarantined.entry(tenant).or_default();
        let begin = now.saturating_add_seconds(-HOUR);
        while past.front().is_some_and(|(at, _)| *at < begin) {
            past.pop_front();
        }
        past.push_back((now, quarantined));
        let least = past.iter().map(|(_, count)| *count).min().unwrap_or(quarantined);
        quarantined - least
    }
}

/// Compares what is found with what people know, and tells them the difference.
pub(super) fn update(
    memory: &mut Memory,
    teller: &Teller<'_>,
    found: Vec<Found>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let known = teller.catalog.conditions()?;
    for row in &known {
        let key = (row.code.clone(), row.tenant, row.object.clone());
        if found.iter().any(|one| one.is(row)) {
            memory.calm.remove(&key);
            continue;
        }
        let calm = memory.calm.entry(key.clone()).or_default();
        *calm += 1;
        if *calm >= CALM_LOOKS || !row.told {
            let notices = if row.told { teller.notices(row, true)? } else { Vec::new() };
            teller.catalog.end_condition(row, &notices, now)?;
            memory.calm.remove(&key);
            tracing::info!(condition = row.code, "over");
        }
    }
    for one in found {
        let row = known.iter().find(|row| one.is(row));
        let mut condition = ConditionRow {
            code: one.code.to_owned(),
            tenant: one.tenant,
            object: one.object.clone(),
            level: one.level,
            since: row.map_or(now, |row| row.since),
            told: row.is_some_and(|row| row.told && row.level >= one.level),
            facts: one.facts,
        };
        let lasts = now.as_seconds() - condition.since.as_seconds();
        let tell = !condition.told && lasts >= one.patience;
        let level = row.map_or(0, |row| row.level).max(one.level);
        if tell {
            condition.told = true;
            let tenant = condition.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
            tracing::warn!(tenant.id = tenant, condition = one.code, level, "trouble");
        }
        let notices = if tell { teller.notices(&condition, false)? } else { Vec::new() };
        condition.level = level;
        if row != Some(&condition) {
            teller.catalog.put_condition(&condition, &notices, now)?;
        }
    }
    Ok(())
}

/// Tells people whose mail an approved request opened to somebody else. Who has no address is noted
/// as told: there is no way to reach them.
pub(super) fn tell_concerned(teller: &Teller<'_>, now: Timestamp) -> anyhow::Result<()> {
    if teller.settings.smarthost.host.is_empty() {
        return Ok(());
    }
    let all = teller.catalog.to_be_told(CONCERNED_MAX)?;
    for one in &all {
        let (Some(tenant), Some(account), Some(request)) = (
            teller.catalog.tenant(one.tenant)?,
            teller.catalog.account(one.account)?,
            teller.catalog.access_request(one.tenant, one.request)?,
        ) else {
            continue;
        };
        let Some(to) = teller.address_of(&account)? else { continue };
        let language = teller.language(account.language.as_deref(), Some(&tenant));
        let words = text::Words { host: teller.host, tenant: Some(&tenant.name), language };
        let (subject, body) = words.access(request.until);
        teller.catalog.enqueue_notices(&[Notice { recipient: to, subject, body }], now)?;
    }
    // A crash before this tells them a second time.
    Ok(teller.catalog.told(&all, now)?)
}

/// Writes the mails about a condition.
pub(super) struct Teller<'a> {
    pub catalog: &'a dyn Catalog,
    pub settings: &'a NotificationSettings,
    pub host: &'a str,
}

impl Teller<'_> {
    fn notices(&self, condition: &ConditionRow, over: bool) -> anyhow::Result<Vec<Notice>> {
        if self.settings.smarthost.host.is_empty() {
            return Ok(Vec::new());
        }
        let tenant = match condition.tenant {
            Some(id) => self.catalog.tenant(id)?,
            None => None,
        };
        let mut notices = Vec::new();
        for (recipient, language) in self.recipients(tenant.as_ref())? {
            let name = tenant.as_ref().map(|tenant| tenant.name.as_str());
            let words = text::Words { host: self.host, tenant: name, language };
            let (subject, body) = words.write(condition, over);
            notices.push(Notice { recipient, subject, body });
        }
        Ok(notices)
    }

    /// Operators' addresses, then those that the tenant names, else its administrators'; each once.
    fn recipients(&self, tenant: Option<&Tenant>) -> anyhow::Result<Vec<(String, NoticeLanguage)>> {
        let mut all: Vec<(String, NoticeLanguage)> =
            self.settings.to.iter().map(|to| (to.clone(), self.settings.language)).collect();
        let Some(tenant) = tenant else { return Ok(all) };
        let mut more: Vec<(String, NoticeLanguage)> = Vec::new();
        for address in &tenant.settings.notifications {
            more.push((address.clone(), self.language(None, Some(tenant))));
        }
        if more.is_empty() {
            for account in self.catalog.accounts(Some(tenant.id))? {
                if account.role != AccountRole::Administrator || account.disabled {
                    continue;
                }
                let language = self.language(account.language.as_deref(), Some(tenant));
                more.extend(self.address_of(&account)?.map(|address| (address, language)));
            }
        }
        for one in more.into_iter().take(RECIPIENTS_MAX) {
            if !all.iter().any(|(to, _)| *to == one.0) {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// An address that the account owns today.
    fn address_of(&self, account: &Account) -> anyhow::Result<Option<String>> {
        let addresses = self.catalog.addresses(account.id)?;
        let now = addresses.into_iter().find(|address| address.until.is_none());
        Ok(now.map(|address| address.key))
    }

    /// The person's, else the tenant's, else the server's.
    fn language(&self, own: Option<&str>, tenant: Option<&Tenant>) -> NoticeLanguage {
        let tenants = tenant.and_then(|tenant| tenant.settings.language.as_deref());
        match own.or(tenants) {
            Some("de") => NoticeLanguage::De,
            Some(_) => NoticeLanguage::En,
            None => self.settings.language,
        }
    }
}
