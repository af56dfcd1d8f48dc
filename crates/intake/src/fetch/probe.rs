use std::time::Instant;

use serde::Serialize;

use super::FetchError;
use super::net::CertificateReport;

/// Steps that are kept; more than one way to a server can be tried.
const STEPS_MAX: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    Done,
    Failed,
    Warning,
}

/// One step on the way to the mails, and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Stable: `name`, `tcp`, `tls`, `greeting`, `start-tls`, `security`, `token`, `sign-in`,
    /// `folders`, `messages`.
    pub name: &'static str,
    pub state: StepState,
    /// For people, in English; no secrets.
    pub detail: String,
    /// The code of the error's kind; empty otherwise.
    pub code: &'static str,
    /// The code of what the administrator must do, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
    pub millis: u64,
    /// What the server showed, believed or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Box<CertificateReport>>,
}

/// What was tried so far, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Probe {
    pub steps: Vec<Step>,
}

impl Probe {
    /// Whether no step failed that was not made good by a later one: the last did not fail.
    pub fn succeeded(&self) -> bool {
        self.steps.last().is_some_and(|step| step.state != StepState::Failed)
    }

    /// Does `work`, whose text is for people, and notes how it went.
    pub fn run<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<(T, String), FetchError>,
    ) -> Result<T, FetchError> {
        let begun = Instant::now();
        match work() {
            Ok((value, detail)) => {
                self.push(name, StepState::Done, detail, begun);
                Ok(value)
            }
            Err(error) => {
                self.fail(name, &error, begun);
                Err(error)
            }
        }
    }

    /// Notes something that works but should not be so.
    pub fn warn(&mut self, name: &'static str, detail: &str) {
        self.push(name, StepState::Warning, detail.to_owned(), Instant::now());
    }

    pub(crate) fn push(
        &mut self,
        name: &'static str,
        state: StepState,
        detail: String,
        begun: Instant,
    ) -> Option<&mut Step> {
        if self.steps.len() >= STEPS_MAX {
            return None;
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (code, remedy, certificate) = ("", None, None);
        self.steps.push(Step { name, state, detail, code, remedy, millis, certificate });
        self.steps.last_mut()
    }

    pub(crate) fn fail(&mut self, name: &'static str, error: &FetchError, begun: Instant) {
        if let Some(step) = self.push(name, StepState::Failed, error.to_string(), begun) {
            step.code = error.kind().code();
            step.remedy = error.remedy().map(|remedy| remedy.code());
        }
    }
}
