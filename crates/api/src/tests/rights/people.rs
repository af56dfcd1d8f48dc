//! Accounts, groups, grants, access requests, the audit log.

use catalog::{AccessRequest, Group, RequestState};
use identity::By;
use model::{AccessRequestId, AccountId, GroupId};
use policy::{Grant, GrantKind, Opens, Span};

use super::super::world::{A, NOW, Who, World};
use super::{ADMINISTRATORS, Expected, NONE, OUT, READERS, Route, get};

const AUDITOR: usize = 5;
const FOREIGN_ADMINISTRATOR: usize = 9;

/// Only the tenant's own administrator gets `answer`.
const fn own(answer: &'static str) -> Expected {
    let mut expected = [NONE; 10];
    expected[0] = OUT;
    expected[6] = answer;
    expected
}

/// Administrators get `answer`, each for their own tenant.
const fn administrators(answer: &'static str) -> Expected {
    let mut expected = own(answer);
    expected[FOREIGN_ADMINISTRATOR] = answer;
    expected
}

/// Only the auditor gets `answer`.
const fn auditor(answer: &'static str) -> Expected {
    let mut expected = [NONE; 10];
    expected[0] = OUT;
    expected[AUDITOR] = answer;
    expected
}

/// The auditor, and the operator for the server's own log.
const LOG_READERS: Expected = {
    let mut expected = auditor("200");
    expected[7] = "200";
    expected
};

/// Nobody here: these are for officers.
const OFFICERS: Expected = {
    let mut expected = [NONE; 10];
    expected[0] = OUT;
    expected
};

const fn call(
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    expected: Expected,
) -> Route {
    Route { method, path, body, expected }
}

const fn post(path: &'static str, body: &'static str, expected: Expected) -> Route {
    call("POST", path, Some(body), expected)
}

const REASON: &str = r#"{"reason":"asked for"}"#;

pub const ROUTES: &[Route] = &[
    get("/api/v1/accounts", ADMINISTRATORS),
    post("/api/v1/accounts", r#"{"userName":"new-{who}"}"#, administrators("201")),
    post("/api/v1/accounts/selection", r#"{"archived":true}"#, administrators("200")),
    get("/api/v1/accounts/{id}", own("200")),
    call("PATCH", "/api/v1/accounts/{id}", Some(r#"{"firstName":"Otto"}"#), own("200")),
    post("/api/v1/accounts/{id}/addresses", r#"{"address":"o@a.example"}"#, own("200")),
    call("DELETE", "/api/v1/accounts/{id}/addresses/{address}", None, own("204")),
    get("/api/v1/accounts/export", ADMINISTRATORS),
    post("/api/v1/accounts/import/preview", "new,,Neu,Mann,", administrators("200")),
    // Nobody has seen a preview.
    post("/api/v1/accounts/import", "new,,Neu,Mann,", administrators("409 plan-changed")),
    get("/api/v1/audit", LOG_READERS),
    get("/api/v1/audit/export", LOG_READERS),
    get("/api/v1/groups", ADMINISTRATORS),
    post("/api/v1/groups", r#"{"name":"Sales"}"#, administrators("201")),
    get("/api/v1/groups/{group}", own("200")),
    call("PATCH", "/api/v1/groups/{group}", Some(r#"{"name":"Purchase"}"#), own("200")),
    call("DELETE", "/api/v1/groups/{group}", None, own("204")),
    get("/api/v1/grants", ADMINISTRATORS),
    post(
        "/api/v1/grants",
        // Otto sees Bert's mail.
        r#"{"account":"04040404040404040404040404040404",
            "mailbox":"02020202020202020202020202020202","kind":"deputy","reason":"holidays"}"#,
        own("201"),
    ),
    post("/api/v1/grants/{grant}/revoke", REASON, own("204")),
    get("/api/v1/access-requests", auditor("200")),
    post(
        "/api/v1/access-requests",
        r#"{"wholeTenant":true,"reason":"an accusation","until":"2026-10-01T00:00:00Z"}"#,
        auditor("201"),
    ),
    get("/api/v1/access-requests/{request}", auditor("200")),
    post("/api/v1/access-requests/{request}/approve", REASON, OFFICERS),
    post("/api/v1/access-requests/{request}/reject", REASON, OFFICERS),
    post("/api/v1/access-requests/{request}/revoke", REASON, auditor("200")),
    get("/api/v1/mailboxes", READERS),
];

/// After it the account may do nothing but change its password.
pub const LAST: &[Route] =
    &[call("POST", "/api/v1/accounts/{id}/password-reset", None, own("200"))];

/// The addresses of one world's people.
pub struct Things {
    pub group: String,
    pub grant: String,
    pub request: String,
    pub address: String,
}

impl Things {
    pub fn of(world: &World) -> Self {
        let id = |who: Who| AccountId::from_bytes([who as u8; 16]);
        let group = Group {
            id: GroupId::from_bytes([5; 16]),
            tenant: A,
            name: "Vertrieb".to_owned(),
            origin: None,
            created_at: NOW,
        };
        world.catalog.add_group(&group).expect("added");
        let opened = identity::NewGrant {
            grantee: catalog::Grantee::Account(id(Who::Bert)),
            grant: Grant {
                opens: Opens::Mailbox(id(Who::Cora)),
                kind: GrantKind::Deputy,
                valid: Span::ALWAYS,
                // Nothing of what the other tests archive.
                mail: Span { from: None, until: Some(model::Timestamp::from_seconds(0)) },
            },
            reason: "holidays",
        };
        let by = By::server("tests");
        let grant = world.state.identity.grant(A, &opened, &by, NOW).expect("granted");
        let request = AccessRequest {
            id: AccessRequestId::from_bytes([5; 16]),
            tenant: A,
            requester: id(Who::Auditor),
            opens: vec![Opens::Mailbox(id(Who::Anna))],
            mail: Span::ALWAYS,
            reason: "an accusation".to_owned(),
            asked_at: NOW,
            until: NOW.saturating_add_seconds(3600),
            state: RequestState::Asked,
            decisions: Vec::new(),
        };
        world.catalog.add_access_request(&request).expect("added");
        Self {
            group: group.id.to_string(),
            grant: grant.id.to_string(),
            request: request.id.to_string(),
            address: "otto@a.example".to_owned(),
        }
    }

    pub fn all(id: &str) -> Self {
        let id = || id.to_owned();
        Self { group: id(), grant: id(), request: id(), address: id() }
    }

    pub fn path(&self, template: &str) -> String {
        if template.ends_with("/accounts/import") {
            return format!("{template}?digest={}", "0".repeat(64));
        }
        template
            .replace("{group}", &self.group)
            .replace("{grant}", &self.grant)
            .replace("{request}", &self.request)
            .replace("{address}", &self.address)
    }
}

/// Makes somebody the compliance officer of the tenant, with all its mail.
pub fn appoint_officer(world: &World, who: Who) {
    let officer = world.account(who, policy::AccountRole::Officer, Some(A));
    world.catalog.update_account(&officer).expect("updated");
    let whole = identity::NewGrant {
        grantee: catalog::Grantee::Account(officer.id),
        grant: Grant {
            opens: Opens::Tenant,
            kind: GrantKind::Audit,
            valid: Span::ALWAYS,
            mail: Span::ALWAYS,
        },
        reason: "tests",
    };
    world.state.identity.grant(A, &whole, &By::server("tests"), NOW).expect("granted");
}
