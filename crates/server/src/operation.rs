//! What the API shows and changes of the running server.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use crate::census::Census;
use api::dto;
use api::{DeskError, HttpFigures, LiveLog, Operation, SettingsChange, SettingsError};
use intake::smtp::IntakeFigures;
use intake::tls::TlsStore;
use model::{TenantId, Timestamp};
use pipeline::{IndexFigures, LineParts};

use crate::connect::Connect;
use crate::fetching::ServerFetch;
use crate::machine::{self, Process};
use crate::metrics::LineFigures;
use crate::notify::Smarthost;
use crate::sealing::SealingState;
use crate::settings::SettingsDesk;

/// The catalog's key for the summary of the last backup.
pub const LAST_BACKUP: &str = "server.backup.last";

/// Everything that the server knows of itself.
pub struct ServerOperation {
    pub folder: PathBuf,
    pub begun: Instant,
    pub started_at: Timestamp,
    pub census: Arc<Census>,
    pub parts: LineParts,
    pub index_figures: Arc<IndexFigures>,
    pub sealing: Arc<SealingState>,
    pub intake: Arc<IntakeFigures>,
    pub line: Arc<LineFigures>,
    pub http: Arc<HttpFigures>,
    pub live_log: Arc<LiveLog>,
    pub tls: TlsStore,
    pub settings: Arc<SettingsDesk>,
    pub connect: Connect,
    pub smarthost: Smarthost,
    pub listeners: Mutex<Vec<dto::Listener>>,
    pub fetch: Arc<OnceLock<Arc<ServerFetch>>>,
}

impl ServerOperation {
    fn disk(&self) -> dto::Disk {
        machine::disk(&self.folder, self.parts.spool.limits().reserve_free_bytes)
    }

    fn part(&self, part: &str, trouble: Option<String>) -> dto::PartReadiness {
        dto::PartReadiness {
            part: part.to_owned(),
            ready: trouble.is_none(),
            reason: trouble.unwrap_or_default(),
        }
    }

    fn index_trouble(&self) -> Option<String> {
        let troubles = self.index_figures.troubles.lock();
        let count = troubles.map_or(0, |troubles| troubles.len());
        (count > 0).then(|| format!("the index of {count} tenants cannot be written"))
    }
}

impl Operation for ServerOperation {
    fn readiness(&self) -> dto::Readiness {
        let disk = self.disk();
        let catalog = self.parts.catalog.setting(LAST_BACKUP).err();
        // Whether it can be looked at: what all tenants take would need a look into each folder.
        let vault = std::fs::read_dir(self.folder.join("vault")).err();
        let full = match self.parts.spool.state().full {
            Some(spool::Fullness::Spool { .. }) => Some("the spool is full".to_owned()),
            // Named by the disk.
            Some(spool::Fullness::Disk { .. }) | None => None,
        };
        let low = disk.total_bytes > 0 && disk.free_bytes < disk.reserve_bytes;
        let parts = vec![
            self.part("catalog", catalog.map(|error| error.to_string())),
            self.part("disk", low.then(|| "less free space than the reserve".to_owned())),
            self.part("index", self.index_trouble()),
            self.part("spool", full),
            self.part("vault", vault.map(|_| "the vault cannot be read".to_owned())),
        ];
        dto::Readiness { ready: parts.iter().all(|part| part.ready), parts }
    }

    fn may_read_metrics(&self, peer: Option<IpAddr>, token: Option<&str>) -> bool {
        self.settings.may_read_metrics(peer, token)
    }

    fn metrics(&self) -> Result<String, DeskError> {
        self.page().map_err(failed)
    }

    fn system(&self) -> Result<dto::SystemStatus, DeskError> {
        let process = Process::read();
        let certificate = self.tls.facts();
        let last_backup =
            self.parts.catalog.setting(LAST_BACKUP).map_err(|it| failed(it.into()))?;
        Ok(dto::SystemStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            catalog_schema: catalog::SCHEMA_VERSION,
            operating_system: machine::operating_system(),
            host_name: crate::settings::smtp(&self.settings.current()).host_name,
            process_id: std::process::id(),
            started_at: self.started_at,
            uptime_seconds: self.begun.elapsed().as_secs(),
            listeners: self.listeners.lock().map(|it| it.clone()).unwrap_or_default(),
            data_folder: self.folder.display().to_string(),
            disk: self.disk(),
            open_files: process.open_files,
            open_files_max: process.open_files_max,
            memory_bytes: process.memory_bytes,
            threads: process.threads,
            processors: machine::processors(),
            readiness: self.readiness(),
            last_backup: last_backup.and_then(|text| serde_json::from_str(&text).ok()),
            certificates: vec![dto::Certificate {
                subject: certificate.subject,
                not_after: certificate.not_after,
                self_signed: certificate.self_signed,
            }],
            restart_needed: self.settings.restart_needed(),
        })
    }

    fn settings(&self) -> Result<dto::SettingsAnswer, DeskError> {
        self.settings.answer()
    }

    fn change_settings(&self, patch: serde_json::Value) -> Result<SettingsChange, SettingsError> {
        self.settings.change(patch)
    }

    fn notifications(&self) -> Result<dto::NotificationsAnswer, DeskError> {
        let catalog = &self.parts.catalog;
        let rows = catalog.conditions().map_err(|error| failed(error.into()))?;
        let (waiting, last_error) =
            catalog.waiting_notices().map_err(|error| failed(error.into()))?;
        let conditions = rows.into_iter().map(|row| dto::Condition {
            code: row.code,
            tenant: row.tenant.map(|tenant| tenant.to_string()),
            object: row.object,
            since: row.since,
            facts: row.facts,
        });
        Ok(dto::NotificationsAnswer { conditions: conditions.collect(), waiting, last_error })
    }

    fn send_test_mail(&self, to: &str, language: dto::NoticeLanguage) -> Result<(), String> {
        self.smarthost.send_test(to, language)
    }

    fn connect_microsoft365(
        &self,
        tenant: TenantId,
    ) -> Result<Option<dto::ConnectMicrosoft365>, DeskError> {
        self.connect.show(tenant, &self.settings.current()).map_err(failed)
    }

    fn check_microsoft365(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Option<dto::ConnectMicrosoft365>, DeskError> {
        let listeners = self.listeners.lock().map(|it| it.clone()).unwrap_or_default();
        let smtp = listeners.iter().filter(|listener| listener.protocol == "smtp");
        let ports: Vec<u16> = smtp
            .filter_map(|listener| listener.address.parse::<SocketAddr>().ok())
            .map(|address| address.port())
            .collect();
        self.connect.check(&ports, &self.settings.current(), now);
        self.connect.show(tenant, &self.settings.current()).map_err(failed)
    }
}

fn failed(error: anyhow::Error) -> DeskError {
    DeskError::Failed(error.into())
}
