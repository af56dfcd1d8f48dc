//! What a disposal run was about by policy, and the certificates of deletion that it left.

use axum::Json;
use axum::extract::State;
use lifecycle::retain;
use model::RecordId;
use policy::Permission;

use super::disposal::find;
use crate::body::Path;
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// What a run is about by policy, and its certificates of deletion.
#[utoipa::path(
    get,
    path = "/api/v1/disposal/runs/{run}/summary",
    operation_id = "disposalSummary",
    params(("run" = String, Path, description = "the run's id")),
    responses(
        (status = 200, description = "the summary", body = dto::DisposalSummary),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such run", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn disposal_summary(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::DisposalSummary>, Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let (catalog, ledger) = (&*state.catalog, &*state.takeout.ledger);
        let run = find(catalog, tenant, &id)?;
        let certificates = match catalog.certificates(tenant, run.id)? {
            None => None,
            Some(found) => {
                let standing = ledger.standing(tenant, found.last_seq);
                let standing = standing.map_err(|error| Problem::internal(&error))?;
                Some(dto::DisposalCertificates {
                    count: found.count,
                    first_seq: found.first_seq,
                    last_seq: found.last_seq,
                    seal: standing.map(|it| {
                        let (at, authority) = it.stamp.map(|it| (it.at, it.authority)).unzip();
                        seal(it.batch, it.sealed_at, at, authority)
                    }),
                })
            }
        };
        let shares = catalog.disposal_shares(tenant, run.id)?.into_iter().map(share).collect();
        Ok(Json(dto::DisposalSummary { shares, certificates }))
    };
    blocking.read(work).await
}

/// The certificate of deletion of one mail that a run destroyed.
#[utoipa::path(
    get,
    path = "/api/v1/disposal/runs/{run}/certificates/{record}",
    operation_id = "disposalCertificate",
    params(
        ("run" = String, Path, description = "the run's id"),
        ("record" = String, Path, description = "the id that the mail had"),
    ),
    responses(
        (status = 200, description = "the certificate", body = dto::DisposalCertificate),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "the run destroyed no such mail", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn disposal_certificate(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path((run, record)): Path<(String, String)>,
) -> Result<Json<dto::DisposalCertificate>, Problem> {
    let tenant = caller.tenant_for(Permission::ProposeDisposal)?;
    let record: RecordId = record.parse().map_err(|_| Problem::not_found())?;
    let blocking = state.blocking.clone();
    let work = move || {
        let (catalog, ledger) = (&*state.catalog, &*state.takeout.ledger);
        let run = find(catalog, tenant, &run)?;
        let found = retain::certificate(catalog, ledger, tenant, record)?;
        let found = found.filter(|found| found.row.run == run.id).ok_or_else(Problem::not_found)?;
        let note = found.note.and_then(|octets| String::from_utf8(octets).ok());
        let facts = note.as_deref().and_then(|note| {
            let mut note: serde_json::Value = serde_json::from_str(note).ok()?;
            Some(note["facts"].take())
        });
        Ok(Json(dto::DisposalCertificate {
            record: record.to_string(),
            run: run.id.to_string(),
            seq: found.row.seq,
            at: written(found.row.at),
            ground: found.row.ground,
            facts,
            note,
            seal: found.standing.map(|it| {
                let (at, authority) = it.stamp.map(|it| (it.at, it.authority)).unzip();
                seal(it.batch, it.sealed_at, at, authority)
            }),
        }))
    };
    blocking.read(work).await
}

fn seal(
    batch: u64,
    sealed_at: model::Timestamp,
    stamped_at: Option<model::Timestamp>,
    authority: Option<String>,
) -> dto::CertificateSeal {
    let stamped_at = stamped_at.map(written);
    dto::CertificateSeal { batch, sealed_at: written(sealed_at), stamped_at, authority }
}

fn share(share: catalog::DisposalShare) -> dto::DisposalShare {
    dto::DisposalShare {
        policy: share.policy,
        class: share.class,
        mails: share.mails,
        bytes: share.bytes,
        disposed: share.disposed,
        kept: share.kept,
        received_first: written(share.received_first),
        received_last: written(share.received_last),
    }
}
