//! An archive with two tenants, their people and a few mails, on real engines in a temporary folder.

mod mails;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use catalog::{
    Account, Batch, Catalog, Directory, DirectoryConfig, DirectorySecurity, Grantee, Handover,
    NewQuarantine, SecretBox, Session, Tenant,
};
use discovery::{Discovery, Draw, MatterDesk, Takeout, VaultArchive};
use identity::directory::DirectoryDesk;
use identity::{By, Identity, NewGrant, SystemRandom};
use index::SearchIndex;
use model::*;
use policy::AccountRole;
use store::{MasterKey, Octets, Vault, VaultOptions, compose_quarantine};
use tower::ServiceExt;

pub use mails::{LETTER, NewMail, letter_report, participant};

use super::desk::Desk;
use crate::dto;
use crate::*;

pub const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
pub const A: TenantId = TenantId::from_bytes([0xa; 16]);
pub const B: TenantId = TenantId::from_bytes([0xb; 16]);
/// Nobody's; operators try what they may on it.
pub const C: TenantId = TenantId::from_bytes([0xc; 16]);

/// Who may ask. Anna wrote the mail to Bert, with a blind copy to Cora.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Nobody,
    /// The sender.
    Anna,
    /// The recipient.
    Bert,
    /// The blind-copy recipient.
    Cora,
    /// Another user of the tenant.
    Otto,
    Auditor,
    Administrator,
    Operator,
    /// A user of another tenant, who owns an address of the same name there.
    Foreigner,
    ForeignAdministrator,
}

pub struct World {
    _dir: tempfile::TempDir,
    pub app: Router,
    pub state: AppState,
    pub catalog: Arc<dyn Catalog>,
    pub index: Arc<dyn SearchIndex>,
    pub vault: Arc<Vault>,
    pub desk: Arc<Desk>,
    tokens: Mutex<u32>,
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Ids, one after the other.
fn ids() -> Draw {
    let last = AtomicU64::new(0x1d);
    Arc::new(move || {
        let mut id = [0x1d; 16];
        id[8..].copy_from_slice(&last.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Some(id)
    })
}

struct Figures;

impl StatusSource for Figures {
    fn status(&self, _: Option<TenantId>) -> Result<dto::Status, DeskError> {
        Ok(dto::Status {
            version: "0".into(),
            uptime_seconds: 1,
            intake: dto::IntakeStatus { accepted_total: 0, per_minute: Vec::new(), connections: 0 },
            spool: dto::SpoolStatus {
                depth: 0,
                bytes: 0,
                oldest_seconds: None,
                state: dto::SpoolState::Open,
            },
            archive: dto::ArchiveStatus {
                records: 0,
                reports: 0,
                merged: 0,
                quarantined: 0,
                stored_bytes: dto::StoredBytes::default(),
                raw_bytes: 0,
            },
            index: dto::IndexStatus { lag: 0, last_commit_at: None },
            certificates: Vec::new(),
            journal_addresses: Vec::new(),
        })
    }
}

/// What an HTTP call gave.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub octets: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.octets).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.octets).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// `404 not-found`: the status and the problem's code.
    pub fn outcome(&self) -> String {
        match self.header("content-type") {
            "application/problem+json" => {
                format!("{} {}", self.status.as_u16(), self.json()["code"].as_str().unwrap_or("?"))
            }
            _ => self.status.as_u16().to_string(),
        }
    }
}

impl World {
    pub fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    pub fn with_settings(settings: Settings) -> Self {
        Self::with(settings, |identity| identity)
    }

    /// With an identity that knows more.
    pub fn with(settings: Settings, more: impl FnOnce(Identity) -> Identity) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let catalog =
            catalog::open(&format!("sqlite:{}", path("catalog.sqlite"))).expect("a catalog");
        let index: Arc<dyn SearchIndex> =
            index::open(&format!("tantivy:{}", path("index")), index::Options::default())
                .expect("an index")
                .into();
        let master =
            MasterKey::open_or_create(Path::new(&path("master.key")), Path::new(&path("vault")))
                .expect("a key");
        let vault = Vault::open(Path::new(&path("vault")), &master, VaultOptions::default())
            .expect("a vault");
        let vault = Arc::new(vault);
        for (tenant, name) in [(A, "Alpha"), (B, "Beta"), (C, "Gamma")] {
            vault.create_tenant(tenant, b"{}").expect("created");
            catalog.add_tenant(&Tenant::new(tenant, name, NOW)).expect("added");
        }
        let archive = Arc::new(VaultArchive { vault: vault.clone(), catalog: catalog.clone() });
        let desk = Arc::new(Desk::default());
        let state = AppState {
            identity: Arc::new(more(
                Identity::new(catalog.clone(), Arc::new(SystemRandom)).expect("identity"),
            )),
            catalog: catalog.clone(),
            discovery: Arc::new(Discovery::new(catalog.clone(), index.clone(), archive)),
            matters: Arc::new(MatterDesk {
                catalog: catalog.clone(),
                vault: vault.clone(),
                draw: ids(),
            }),
            takeout: Arc::new(Takeout {
                catalog: catalog.clone(),
                ledger: Arc::new(ledger::Ledger::new(vault.clone(), catalog.clone())),
                draw: ids(),
                secrets: Arc::new(SecretBox::new(&[7; 32]).expect("a key")),
                folder: dir.path().join("exports"),
            }),
            status: Arc::new(Figures),
            quarantine: desk.clone(),
            tenants: desk.clone(),
            clock: Arc::new(Now),
            settings: Arc::new(settings),
            trail: Trail::start(catalog.clone()).expect("a thread"),
            blocking: Blocking::default(),
            operation: Arc::new(super::operation::Calm),
            live_log: Arc::default(),
            http: Arc::default(),
            fetching: Arc::new(super::fetching::Calm),
            directories: Arc::new(DirectoryDesk::new(
                catalog.clone(),
                Arc::new(SecretBox::new(&[7; 32]).expect("a key")),
                Arc::new(SystemRandom),
                Arc::new(Now),
            )),
        };
        let app = router(state.clone());
        let world =
            Self { _dir: dir, app, state, catalog, index, vault, desk, tokens: Mutex::new(0) };
        world.add_people();
        world
    }

    fn add_people(&self) {
        use AccountRole::*;
        for (who, role, tenant, address) in [
            (Who::Anna, User, Some(A), Some("anna@a.example")),
            (Who::Bert, User, Some(A), Some("bert@a.example")),
            (Who::Cora, User, Some(A), Some("cora@a.example")),
            (Who::Otto, User, Some(A), Some("otto@a.example")),
            (Who::Auditor, Auditor, Some(A), None),
            (Who::Administrator, Administrator, Some(A), None),
            (Who::Operator, Operator, None, None),
            (Who::Foreigner, User, Some(B), Some("anna@a.example")),
            (Who::ForeignAdministrator, Administrator, Some(B), None),
        ] {
            let account = self.account(who, role, tenant);
            self.catalog.add_account(&account, None).expect("added");
            if let Some(address) = address {
                let address = EmailAddress::new(address);
                self.catalog
                    .give_address(account.id, &address, Handover::Everything, NOW)
                    .expect("given");
            }
            if role == Auditor {
                let whole = NewGrant {
                    grantee: Grantee::Account(account.id),
                    grant: policy::Grant {
                        opens: policy::Opens::Tenant,
                        kind: policy::GrantKind::Audit,
                        valid: policy::Span::ALWAYS,
                        mail: policy::Span::ALWAYS,
                    },
                    reason: "tests",
                };
                let by = By::server("tests");
                self.state.identity.grant(A, &whole, &by, NOW).expect("granted");
            }
        }
    }

    pub fn account(&self, who: Who, role: AccountRole, tenant: Option<TenantId>) -> Account {
        let id = AccountId::from_bytes([who as u8; 16]);
        Account {
            display_name: format!("{who:?}"),
            language: Some("de".into()),
            ..Account::new(id, tenant, &format!("{who:?}").to_lowercase(), role, NOW)
        }
    }

    /// A new session: the cookie's value and the CSRF token.
    pub fn sign_in(&self, who: Who) -> (String, String) {
        self.sign_in_at(who, NOW)
    }

    pub fn sign_in_at(&self, who: Who, now: Timestamp) -> (String, String) {
        let mut number = self.tokens.lock().expect("not poisoned");
        *number += 1;
        let token = format!("{:064x}", *number);
        let csrf = format!("csrf-{number}");
        let session = Session {
            token_hash: Digest::of(token.as_bytes()),
            account: AccountId::from_bytes([who as u8; 16]),
            csrf: csrf.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at: now.saturating_add_seconds(3600),
            ip: None,
            agent: String::new(),
            method: catalog::SignInMethod::Password,
            must_enrol: false,
            provider_session: None,
        };
        self.catalog.add_session(&session).expect("added");
        (token, csrf)
    }

    /// One call of a program, with a token of `who` that has these scopes.
    pub async fn call_by_token(
        &self,
        who: Who,
        scopes: &[policy::Permission],
        read_only: bool,
        (method, path, body): (&str, &str, Option<&str>),
    ) -> Answer {
        let number = {
            let mut number = self.tokens.lock().expect("not poisoned");
            *number += 1;
            *number
        };
        let text = format!("chy_{number:064x}");
        let account = AccountId::from_bytes([who as u8; 16]);
        // No account has many.
        self.catalog.remove_api_tokens(account).expect("removed");
        let token = catalog::ApiToken {
            id: ApiTokenId::from_bytes(u128::from(number).to_be_bytes()),
            token_hash: Digest::of(text.as_bytes()),
            account,
            name: "test".into(),
            prefix: "chy_".into(),
            scopes: scopes.to_vec(),
            read_only,
            created_at: NOW,
            expires_at: NOW.saturating_add_seconds(3600),
            last_used_at: None,
        };
        self.catalog.add_api_token(&token).expect("added");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "archive.example")
            .header(header::AUTHORIZATION, format!("Bearer {text}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.unwrap_or_default().to_owned()));
        self.send(request.expect("a request")).await
    }

    /// One call in a fresh session, as the user interface makes it.
    pub async fn call(&self, who: Who, method: &str, path: &str, body: Option<&str>) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header(header::HOST, "archive.example");
        if who != Who::Nobody {
            let (token, csrf) = self.sign_in(who);
            request = request
                .header(header::COOKIE, format!("other=1; chancery={token}"))
                .header("X-CSRF-Token", csrf);
        }
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_owned())),
            None => request.body(Body::empty()),
        };
        self.send(request.expect("a request")).await
    }

    pub async fn get(&self, who: Who, path: &str) -> Answer {
        self.call(who, "GET", path, None).await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let octets = axum::body::to_bytes(body, 1 << 30).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, octets }
    }

    /// A directory of Alpha behind a port where nobody listens.
    pub fn directory(&self) -> DirectoryId {
        let id = DirectoryId::from_bytes([0xd; 16]);
        let config = DirectoryConfig {
            hosts: vec!["127.0.0.1:1".into()],
            security: DirectorySecurity::Clear,
            people_bases: vec!["dc=a".into()],
            ..DirectoryConfig::default()
        };
        let directory = Directory {
            id,
            tenant: A,
            name: "Head office".into(),
            config,
            password: None,
            state: Default::default(),
            created_at: NOW,
        };
        self.catalog.add_directory(&directory).expect("added");
        id
    }

    pub fn quarantine(&self) -> QuarantineId {
        let content = ContentId::of(b"foreign");
        let id = QuarantineId::of(A, content);
        let composed =
            compose_quarantine(b"{}", Octets { octets: b"foreign", content, encoded_parts: &[] });
        let location = self.append(A, &composed.entry());
        let entry = NewQuarantine {
            id,
            content,
            reason_code: "foreign-organisation".into(),
            reason_detail: "evil.example".into(),
            originator_org: Some("evil.example".into()),
            received_at: NOW,
            size_bytes: 7,
            source: Source::Smtp { id: SourceId::from_bytes([5; 16]) },
            envelope: None,
            location,
        };
        let batch = Batch { at: NOW, quarantined: vec![entry], ..Batch::default() };
        self.catalog.commit(A, &batch).expect("committed");
        id
    }
}
