//! The evidence of one mail: how it is proven, and the proof itself.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use discovery::{MailEvidence, ProvenDelivery};
use model::RecordId;
use policy::Permission;
use serde_json::json;

use crate::body::Path;
use crate::caller::Ready;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;
use crate::{download, dto};

/// What stands in a proof as the program that wrote it.
const PRODUCT: &str = concat!("Chancery ", env!("CARGO_PKG_VERSION"));

/// How a mail is proven. Nothing is verified anew: that is what the proof is for.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/evidence",
    operation_id = "recordEvidence",
    params(("id" = String, Path, description = "the mail's id")),
    responses(
        (status = 200, description = "its evidence", body = dto::RecordEvidence),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such mail for this account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn record_evidence(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::RecordEvidence>, Problem> {
    let scope = caller.scope()?;
    let id: RecordId = id.parse().map_err(|_| Problem::not_found())?;
    let blocking = state.blocking.clone();
    let work = move || {
        let found = state.discovery.evidence(&state.takeout.ledger, &scope, id)?;
        let found = found.ok_or_else(Problem::not_found)?;
        let held = match caller.may(Permission::ManageHolds) {
            Ok(()) => Some(!state.catalog.holds_on(scope.tenant(), &[id])?.is_empty()),
            Err(_) => None,
        };
        Ok(Json(shown(found, held)))
    };
    blocking.read(work).await
}

/// The proof of a mail: a zip file that `chancery-verify` and `openssl ts` check.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}/evidence/proof",
    operation_id = "recordProof",
    params(("id" = String, Path, description = "the mail's id")),
    responses(
        (status = 200, description = "the zip file", body = String, content_type = "application/zip"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such mail for this account, not all of it is for this account, or it is not sealed yet", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn record_proof(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let scope = caller.scope()?;
    let id: RecordId = id.parse().map_err(|_| Problem::not_found())?;
    let blocking = state.blocking.clone();
    let work = move || {
        let when = (caller.now, PRODUCT);
        let proof = state.takeout.proof(&state.discovery, &scope, id, when)?;
        let proof = proof.ok_or_else(Problem::not_found)?;
        state.catalog.audit(&[caller.event(
            "mail.download",
            id.to_string(),
            json!({ "what": "proof" }),
        )])?;
        Ok(download::attachment(&proof.name, "application/zip", proof.octets))
    };
    blocking.read(work).await
}

fn shown(evidence: MailEvidence, held: Option<bool>) -> dto::RecordEvidence {
    let all: Vec<_> = evidence.deliveries.into_iter().map(delivery).collect();
    dto::RecordEvidence {
        state: all.iter().map(|it| it.state).min().unwrap_or(dto::EvidenceState::Waiting),
        proof_available: evidence.disclosed && all.iter().all(|it| it.batch.is_some()),
        deliveries: all,
        held,
    }
}

fn delivery(delivery: ProvenDelivery) -> dto::DeliveryEvidence {
    let standing = delivery.standing;
    let stamp = standing.as_ref().and_then(|standing| standing.stamp.as_ref());
    let second = standing.as_ref().and_then(|standing| standing.second.as_ref());
    let qualified = stamp.and_then(|stamp| stamp.qualified.as_ref());
    dto::DeliveryEvidence {
        seq: delivery.seq,
        received_at: written(delivery.received_at),
        state: match (&standing, stamp) {
            (None, _) => dto::EvidenceState::Waiting,
            (Some(_), None) => dto::EvidenceState::Sealed,
            (Some(_), Some(_)) => dto::EvidenceState::Stamped,
        },
        batch: standing.as_ref().map(|standing| standing.batch),
        sealed_at: standing.as_ref().map(|standing| written(standing.sealed_at)),
        stamped_at: stamp.map(|stamp| written(stamp.at)),
        authority: stamp.map(|stamp| stamp.authority.clone()),
        renewal_due: stamp.and_then(|stamp| stamp.valid_until).map(written),
        claims_qualified: stamp.is_some_and(|stamp| stamp.claims_qualified),
        qualified: qualified.map(|qualified| qualified.granted),
        qualified_by: qualified.map(|qualified| qualified.why.clone()),
        second_authority: second.map(|second| second.authority.clone()),
        stamps: stamp.map_or(0, |stamp| stamp.stamps as u64),
    }
}
