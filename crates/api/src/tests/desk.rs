//! A desk that writes down what it is asked for.

use std::sync::Mutex;

use catalog::{JobRow, JobState};
use model::{JobId, QuarantineId, TenantId};

use super::world::{A, NOW};
use crate::dto;
use crate::*;

#[derive(Default)]
pub struct Desk {
    pub decisions: Mutex<Vec<String>>,
}

impl QuarantineDesk for Desk {
    fn retry(&self, _: TenantId, id: QuarantineId, by: &str) -> Result<(), DeskError> {
        self.decisions.lock().expect("not poisoned").push(format!("retry {id} {by}"));
        Ok(())
    }

    fn release(&self, _: TenantId, id: QuarantineId, by: &str, why: &str) -> Result<(), DeskError> {
        self.decisions.lock().expect("not poisoned").push(format!("release {id} {by} {why}"));
        Ok(())
    }

    fn discard(&self, _: TenantId, id: QuarantineId, by: &str, why: &str) -> Result<(), DeskError> {
        self.decisions.lock().expect("not poisoned").push(format!("discard {id} {by} {why}"));
        Ok(())
    }
}

impl Desk {
    fn note(&self, decision: String) -> JobRow {
        self.decisions.lock().expect("not poisoned").push(decision);
        job(A, "test")
    }
}

impl TenantDesk for Desk {
    fn changed(&self, _: TenantId) -> Result<(), DeskError> {
        Ok(())
    }

    fn space(&self, _: TenantId) -> Result<dto::StoredBytes, DeskError> {
        Ok(dto::StoredBytes::default())
    }

    fn export(&self, _: TenantId, folder: &str, by: &str) -> Result<JobRow, DeskError> {
        Ok(self.note(format!("export {folder} {by}")))
    }

    fn remove(&self, _: TenantId, by: &str, reason: &str) -> Result<JobRow, DeskError> {
        Ok(self.note(format!("remove {by} {reason}")))
    }

    fn bulk(
        &self,
        _: TenantId,
        action: dto::BulkAction,
        for_reason: Option<&str>,
        by: &str,
        _: &str,
    ) -> Result<JobRow, DeskError> {
        Ok(self.note(format!("bulk {action:?} {for_reason:?} {by}")))
    }

    fn progress(&self, job: JobRow) -> JobRow {
        job
    }

    fn cancel(&self, id: JobId) -> bool {
        self.note(format!("cancel {id}"));
        true
    }

    fn failures(&self, _: Option<TenantId>) -> Vec<dto::Failure> {
        Vec::new()
    }
}

/// A job that runs.
pub fn job(tenant: TenantId, kind: &str) -> JobRow {
    JobRow {
        id: JobId::from_bytes([6; 16]),
        tenant: Some(tenant),
        kind: kind.to_owned(),
        by: "administrator".to_owned(),
        begun_at: NOW,
        ended_at: None,
        state: JobState::Running,
        done: 1,
        total: 2,
        detail: serde_json::json!({}),
    }
}
