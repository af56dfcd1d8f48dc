//! Mail that leaves the archive: everybody their own; officers see who took how much.

use catalog::{MailJobRow, MailJobState};
use discovery::{Asker, ExportFormat, ExportRequest, RestoreRequest, RestoreTarget, Which};
use model::AccountId;

use super::{Expected, NONE, OK, OUT, OWNERS, READERS, Route, get};
use crate::tests::world::{A, NOW, Who, World};

const BEGUN: &str = "202";
const GONE: &str = "204";
const ENDED: &str = "409 not-running";
const FOREIGN: &str = "403 not-an-own-address";

const EXPORTERS: Expected = [OUT, BEGUN, BEGUN, BEGUN, BEGUN, BEGUN, NONE, NONE, BEGUN, NONE];
/// Auditors change nothing, elsewhere neither.
const RESTORERS: Expected = [OUT, OK, OK, OK, OK, NONE, NONE, NONE, OK, NONE];
const SENDERS_BACK: Expected = [OUT, BEGUN, BEGUN, BEGUN, BEGUN, NONE, NONE, NONE, FOREIGN, NONE];
const NOBODY: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE];

/// What only the auditor asked for.
const fn auditors(answer: &'static str) -> Expected {
    [OUT, NONE, NONE, NONE, NONE, answer, NONE, NONE, NONE, NONE]
}

/// What only Anna asked for.
const fn annas(answer: &'static str) -> Expected {
    [OUT, answer, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE]
}

const fn change(method: &'static str, path: &'static str, expected: Expected) -> Route {
    Route { method, path, body: None, expected }
}

const fn post(path: &'static str, body: &'static str, expected: Expected) -> Route {
    Route { method: "POST", path, body: Some(body), expected }
}

pub const ROUTES: &[Route] = &[
    get("/api/v1/exports", READERS),
    post("/api/v1/exports", r#"{"mails":{"query":"Rechnung"},"reason":"tests"}"#, EXPORTERS),
    get("/api/v1/exports/{export}", auditors(OK)),
    get("/api/v1/exports/{export}/file", auditors(OK)),
    change("POST", "/api/v1/exports/{export}/cancel", auditors(ENDED)),
    change("DELETE", "/api/v1/exports/{export}", auditors(GONE)),
    get("/api/v1/restores", RESTORERS),
    post(
        "/api/v1/restores",
        r#"{"mails":{"query":"Rechnung"},"address":"{who}@a.example","reason":"tests"}"#,
        SENDERS_BACK,
    ),
    get("/api/v1/restores/{restore}", annas(OK)),
    change("POST", "/api/v1/restores/{restore}/cancel", annas(BEGUN)),
    get("/api/v1/records/{id}/evidence", OWNERS),
    // Nothing is sealed here.
    get("/api/v1/records/{id}/evidence/proof", NOBODY),
];

/// What an officer with all mail of the tenant gets, where it is not what an auditor gets.
pub fn officer(route: &Route) -> Option<&'static str> {
    Some(match (route.method, route.path) {
        // It is not the officer's own.
        ("GET", "/api/v1/exports/{export}/file") => NONE,
        ("GET", "/api/v1/restores" | "/api/v1/restores/{restore}") => OK,
        ("POST", "/api/v1/restores" | "/api/v1/restores/{restore}/cancel") => BEGUN,
        _ => return None,
    })
}

/// The addresses of one world's things.
pub struct Things {
    /// The auditor's, done.
    export: String,
    /// Anna's, waiting.
    restore: String,
}

fn asker<'a>(who: Who, by: &'a str) -> Asker<'a> {
    let account = Some(AccountId::from_bytes([who as u8; 16]));
    Asker { tenant: A, account, by, now: NOW }
}

impl Things {
    pub fn of(world: &World) -> Self {
        let takeout = &world.state.takeout;
        let which = Which::Query("Rechnung".to_owned());
        let export = ExportRequest {
            which: which.clone(),
            evidence: false,
            format: ExportFormat::Eml,
            zip: true,
            reason: "tests".to_owned(),
        };
        let export = takeout.ask_export(&asker(Who::Auditor, "auditor"), &export).expect("asked");
        let done = MailJobRow { state: MailJobState::Done, ..export };
        world.catalog.save_mail_job(&done).expect("saved");
        std::fs::create_dir_all(&takeout.folder).expect("a folder");
        std::fs::write(takeout.zip(done.id), b"PK").expect("a file");
        let target = RestoreTarget::Address { address: "anna@a.example".to_owned() };
        let restore = RestoreRequest { which, target, reason: String::new() };
        let restore = takeout.ask_restore(&asker(Who::Anna, "anna"), &restore, None);
        Self { export: done.id.to_string(), restore: restore.expect("asked").id.to_string() }
    }

    pub fn all(id: &str) -> Self {
        Self { export: id.to_owned(), restore: id.to_owned() }
    }

    pub fn path(&self, template: &str) -> String {
        template.replace("{export}", &self.export).replace("{restore}", &self.restore)
    }
}
