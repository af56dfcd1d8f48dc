//! Matters, holds, what goes out of the archive: officers.

use discovery::MatterDraft;

use super::{Expected, NONE, OK, OUT, Route, get};
use crate::tests::world::{A, NOW, World};

const CREATED: &str = "201";

/// Officers stand beside the table.
const OFFICERS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE];

const REASON: &str = r#"{"reason":"the court asks"}"#;
const DRAFT: &str =
    r#"{"name":"{who}","custodians":["anna@a.example"],"query":"Rechnung","reason":"a suit"}"#;

const fn change(method: &'static str, path: &'static str, body: &'static str) -> Route {
    Route { method, path, body: Some(body), expected: OFFICERS }
}

pub const ROUTES: &[Route] = &[
    get("/api/v1/matters", OFFICERS),
    change("POST", "/api/v1/matters", DRAFT),
    change("POST", "/api/v1/matters/preview", r#"{"query":"Rechnung"}"#),
    get("/api/v1/matters/{matter}", OFFICERS),
    change("PUT", "/api/v1/matters/{matter}", r#"{"name":"Changed","reason":"more is known"}"#),
    get("/api/v1/matters/{matter}/records", OFFICERS),
    get("/api/v1/holds", OFFICERS),
    change("POST", "/api/v1/holds/{hold}/release", REASON),
    change("POST", "/api/v1/matters/{matter}/holds", REASON),
    // Of the hold that was just placed.
    change("POST", "/api/v1/matters/{matter}/close", REASON),
];

/// What an officer with all mail of the tenant gets.
pub fn officer(route: &Route) -> Option<&'static str> {
    let own = ROUTES.iter().any(|own| (own.method, own.path) == (route.method, route.path));
    own.then_some(match (route.method, route.path) {
        ("POST", "/api/v1/matters" | "/api/v1/matters/{matter}/holds") => CREATED,
        ("POST", "/api/v1/matters/{matter}/close") => "409 held",
        _ => OK,
    })
}

/// The addresses of one world's things.
pub struct Things {
    matter: String,
    hold: String,
}

impl Things {
    pub fn of(world: &World) -> Self {
        let desk = &world.state.matters;
        let (name, reason) = ("Suit".to_owned(), "a suit".to_owned());
        let draft = MatterDraft { name, reason, ..MatterDraft::default() };
        let matter = desk.open(A, draft, "tests", NOW).expect("opened");
        let hold = desk.place(A, matter.id, "tests", "tests", NOW).expect("placed");
        Self { matter: matter.id.to_string(), hold: hold.facts.id.to_string() }
    }

    pub fn all(id: &str) -> Self {
        Self { matter: id.to_owned(), hold: id.to_owned() }
    }

    pub fn path(&self, template: &str) -> String {
        template.replace("{matter}", &self.matter).replace("{hold}", &self.hold)
    }
}
