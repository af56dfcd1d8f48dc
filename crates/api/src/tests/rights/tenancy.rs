//! Tenants, their domains and settings, ways in, quarantine in bulk, jobs, the dashboard.

use catalog::{DomainRow, SourceKind, SourceRow, SourceState, Tenant};
use model::{EmailAddress, HeaderRules, SourceId};

use super::super::desk::job;
use super::super::world::{A, C, NOW, World};
use super::{ADMINISTRATORS, DECIDERS, Expected, FIGURES, NONE, OUT, Route, get};

const OPERATOR: usize = 7;
const FOREIGN_ADMINISTRATOR: usize = 9;

/// Only the operator gets `answer`.
const fn operator(answer: &'static str) -> Expected {
    let mut expected = [NONE; 10];
    expected[0] = OUT;
    expected[OPERATOR] = answer;
    expected
}

/// Administrators get `answer`, each for their own tenant.
const fn administrators(answer: &'static str) -> Expected {
    let mut expected = own(answer);
    expected[FOREIGN_ADMINISTRATOR] = answer;
    expected
}

/// Only the tenant's own administrator gets `answer`.
const fn own(answer: &'static str) -> Expected {
    let mut expected = [NONE; 10];
    expected[0] = OUT;
    expected[6] = answer;
    expected
}

/// The tenant's own administrator and the operator get `answer`.
const fn watchers(answer: &'static str) -> Expected {
    let mut expected = own(answer);
    expected[OPERATOR] = answer;
    expected
}

/// The other tenant has no archive domain.
const SOURCES: Expected = {
    let mut expected = own("201");
    expected[FOREIGN_ADMINISTRATOR] = "400 invalid";
    expected
};

const fn post(path: &'static str, body: &'static str, expected: Expected) -> Route {
    Route { method: "POST", path, body: Some(body), expected }
}

const fn patch(path: &'static str, body: &'static str, expected: Expected) -> Route {
    Route { method: "PATCH", path, body: Some(body), expected }
}

pub const ROUTES: &[Route] = &[
    post("/api/v1/quarantine/{id}/discard", r#"{"reason":"no business mail"}"#, DECIDERS),
    post("/api/v1/domains", r#"{"name":"a.example","rerun":true}"#, administrators("200")),
    get("/api/v1/domains", ADMINISTRATORS),
    Route { method: "DELETE", path: "/api/v1/domains/{domain}", body: None, expected: own("204") },
    post("/api/v1/quarantine/bulk", r#"{"action":"retry"}"#, administrators("202")),
    get("/api/v1/dashboard", FIGURES),
    get("/api/v1/jobs", FIGURES),
    get("/api/v1/jobs/{job}", watchers("200")),
    Route {
        method: "POST",
        path: "/api/v1/jobs/{job}/cancel",
        body: None,
        expected: watchers("202"),
    },
    get("/api/v1/sources", ADMINISTRATORS),
    post("/api/v1/sources", r#"{"name":"Second"}"#, SOURCES),
    patch("/api/v1/sources/{source}", r#"{"suspended":true}"#, own("200")),
    post("/api/v1/sources/{source}/rotate", r#"{"graceHours":24}"#, own("201")),
    get("/api/v1/tenant", ADMINISTRATORS),
    patch("/api/v1/tenant/settings", r#"{"fourEyes":true}"#, administrators("200")),
    get("/api/v1/tenants", operator("200")),
    post(
        "/api/v1/tenants",
        r#"{"name":"Delta","archiveDomain":"archive.example","administrator":"delta"}"#,
        operator("201"),
    ),
    get("/api/v1/tenants/{tenant}", operator("200")),
    patch("/api/v1/tenants/{tenant}", r#"{"quota":{"bytes":1000}}"#, operator("200")),
    post("/api/v1/tenants/{tenant}/suspend", r#"{"reason":"has not paid"}"#, operator("204")),
    post(
        "/api/v1/tenants/{tenant}/export",
        r#"{"folder":"gamma-2026","reason":"asked for it"}"#,
        operator("202"),
    ),
    post(
        "/api/v1/tenants/{tenant}/remove",
        r#"{"name":"Gamma","reason":"left us"}"#,
        operator("202"),
    ),
    post("/api/v1/tenants/{tenant}/resume", r#"{"reason":"has paid"}"#, operator("204")),
];

/// The addresses of one world's tenancy.
pub struct Things {
    pub tenant: String,
    pub source: String,
    pub domain: String,
    pub job: String,
}

impl Things {
    pub fn of(world: &World) -> Self {
        let catalog = &world.catalog;
        let tenant = Tenant {
            archive_domains: vec!["archive.example".to_owned()],
            ..catalog.tenant(A).expect("reads").expect("there")
        };
        catalog.update_tenant(&tenant).expect("updated");
        let source = SourceRow {
            id: SourceId::from_bytes([5; 16]),
            tenant: A,
            kind: SourceKind::Smtp,
            name: "Journal".to_owned(),
            address: Some(EmailAddress::new("journal-secret@archive.example")),
            rules: HeaderRules::default(),
            state: SourceState::Active,
            ends_at: None,
            successor: None,
            created_at: NOW,
        };
        catalog.add_source(&source).expect("added");
        let domain =
            DomainRow { name: "kept.example".to_owned(), subdomains: false, added_at: NOW };
        catalog.add_domain(A, &domain).expect("added");
        let job = job(A, "quarantine.retry");
        catalog.save_job(&job).expect("saved");
        Self {
            tenant: C.to_string(),
            source: source.id.to_string(),
            domain: domain.name,
            job: job.id.to_string(),
        }
    }

    pub fn all(id: &str) -> Self {
        let id = || id.to_owned();
        Self { tenant: id(), source: id(), domain: id(), job: id() }
    }

    pub fn path(&self, template: &str) -> String {
        template
            .replace("{tenant}", &self.tenant)
            .replace("{source}", &self.source)
            .replace("{domain}", &self.domain)
            .replace("{job}", &self.job)
    }
}
