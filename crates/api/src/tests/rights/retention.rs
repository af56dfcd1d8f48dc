//! Retention is seen by administrators, auditors and officers; officers set it and dispose of mail.

use catalog::{DisposalDetail, DisposalRun, DisposalState, DisposedRow, LeftOut, SurveyRow};
use model::{AccountId, DisposalRunId, RecordId, SurveyId};
use policy::retain::Ground;

use super::{Expected, NONE, OK, OUT, Route, get};
use crate::tests::world::{A, NOW, World};

/// Officers stand beside the table.
const OFFICERS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE];
const SEEN: Expected = [OUT, NONE, NONE, NONE, NONE, OK, OK, NONE, NONE, OK];
/// Of this tenant.
const SEEN_HERE: Expected = [OUT, NONE, NONE, NONE, NONE, OK, OK, NONE, NONE, NONE];

const VERSION: &str = r#"{"zone":"Europe/Berlin","validFrom":"2000-01-01","reason":"first",
    "policies":[{"name":"letters","class":"letters","begins":"at-year-end","keep":{"years":6}}]}"#;
const CLASS: &str = r#"{"class":"letters","reason":"an audit"}"#;
const RULES: &str = r#"{"rules":[{"name":"council","addresses":["council@"],"reason":"law"}],
    "warningAccepted":true,"reason":"works agreement"}"#;
const LABELS: &str = r#"{"records":[],"addTag":"seen","reason":"sorted"}"#;
const RUN: &str = r#"{"classes":["letters"],"reason":"the year is over"}"#;
const ERASURE: &str = r#"{"records":["00000000000000000000000000000000"],"ground":"court-order",
    "reference":"3 O 1/26","reason":"judgement"}"#;
const REASON: &str = r#"{"reason":"looked through"}"#;

const fn change(method: &'static str, path: &'static str, body: &'static str) -> Route {
    Route { method, path, body: Some(body), expected: OFFICERS }
}

pub const ROUTES: &[Route] = &[
    get("/api/v1/retention/policies", SEEN),
    change("POST", "/api/v1/retention/policies", VERSION),
    get("/api/v1/retention/ready-sets", SEEN),
    change("POST", "/api/v1/retention/surveys", "{}"),
    get("/api/v1/retention/surveys/{survey}", SEEN_HERE),
    get("/api/v1/retention/calendar", SEEN),
    change("POST", "/api/v1/retention/suspensions", CLASS),
    change("POST", "/api/v1/retention/suspensions/end", CLASS),
    get("/api/v1/retention/exclusions", SEEN),
    change("PUT", "/api/v1/retention/exclusions", RULES),
    change("POST", "/api/v1/retention/labels", LABELS),
    get("/api/v1/disposal/runs", OFFICERS),
    change("POST", "/api/v1/disposal/runs", RUN),
    change("POST", "/api/v1/disposal/erasures", ERASURE),
    get("/api/v1/disposal/runs/{run}", OFFICERS),
    get("/api/v1/disposal/runs/{run}/items", OFFICERS),
    get("/api/v1/disposal/runs/{run}/items.csv", OFFICERS),
    get("/api/v1/disposal/runs/{run}/summary", OFFICERS),
    get("/api/v1/disposal/runs/{run}/certificates/{record}", OFFICERS),
    // The first of two approvals that an erasure takes.
    change("POST", "/api/v1/disposal/runs/{run}/approve", REASON),
    change("POST", "/api/v1/disposal/runs/{run}/reject", REASON),
];

/// What an officer gets.
pub fn officer(route: &Route) -> Option<&'static str> {
    let own = ROUTES.iter().any(|own| (own.method, own.path) == (route.method, route.path));
    own.then_some(match (route.method, route.path) {
        ("POST", "/api/v1/retention/policies") => "201",
        ("POST", "/api/v1/retention/surveys" | "/api/v1/disposal/runs") => "202",
        ("POST", "/api/v1/disposal/erasures") => "400 records",
        _ => OK,
    })
}

/// The addresses of one world's things.
pub struct Things {
    run: String,
    gone: String,
    survey: String,
}

impl Things {
    pub fn of(world: &World) -> Self {
        let run = DisposalRun {
            id: DisposalRunId::from_bytes([0xd1; 16]),
            state: DisposalState::Proposed,
            detail: DisposalDetail {
                ground: Ground::CourtOrder { reference: "1".into(), reason: "2".into() },
                classes: Vec::new(),
                version: None,
                reason: "2".into(),
                proposed_by: AccountId::from_bytes([0xee; 16]),
                proposer: "tests".into(),
                proposed_at: NOW,
                left_out: LeftOut::default(),
                approvals: Vec::new(),
                refusal: None,
                ended_at: None,
            },
            items: 0,
            bytes: 0,
            disposed: 0,
            kept: 0,
        };
        world.catalog.add_disposal_run(A, &run).expect("added");
        let survey = SurveyRow {
            id: SurveyId::from_bytes([0xd2; 16]),
            draft: None,
            asked_by: "tests".into(),
            asked_at: NOW,
            ended_at: None,
            result: None,
            error: None,
        };
        world.catalog.ask_survey(A, &survey).expect("asked");
        let gone = RecordId::from_bytes([0xd3; 16]);
        let ground = "period-over".to_owned();
        let row = DisposedRow { record: gone, seq: 1, at: NOW, ground, run: run.id };
        world.catalog.recover_disposed(A, &row).expect("written");
        Self { run: run.id.to_string(), gone: gone.to_string(), survey: survey.id.to_string() }
    }

    /// The same text in the place of every id.
    pub fn all(text: &str) -> Self {
        Self { run: text.to_owned(), gone: text.to_owned(), survey: text.to_owned() }
    }

    pub fn path(&self, template: &str) -> String {
        match template.contains("/retention/") || template.contains("/disposal/") {
            true => template
                .replace("{run}", &self.run)
                .replace("{record}", &self.gone)
                .replace("{survey}", &self.survey),
            false => template.to_owned(),
        }
    }
}
