use catalog::{JobRow, JobState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::search::written;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobsAnswer {
    /// Newest first.
    pub jobs: Vec<Job>,
}

/// Long work.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub id: String,
    /// Such as `quarantine.retry`, `tenant.export`, `tenant.remove`.
    pub kind: String,
    pub tenant: Option<String>,
    /// The user name of who began it.
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<String>,
    /// `running`, `done`, `failed`, `cancelled` or `interrupted`.
    pub state: &'static str,
    pub done: u64,
    /// 0 while it is not known.
    pub total: u64,
    /// What it works on and what came of it.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.kind,
            tenant: row.tenant.map(|tenant| tenant.to_string()),
            by: row.by,
            begun_at: written(row.begun_at),
            ended_at: row.ended_at.map(written),
            state: match row.state {
                JobState::Cancelled => "cancelled",
                JobState::Done => "done",
                JobState::Failed => "failed",
                JobState::Interrupted => "interrupted",
                JobState::Running => "running",
            },
            done: row.done,
            total: row.total,
            detail: row.detail,
        }
    }
}
