//! How long mail is kept: an officer's to set, an administrator's and an auditor's to see.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{By, Catalog, LabelChange, PolicySetRow, SurveyRow, SuspensionRow};
use model::{RecordId, SurveyId, Timestamp};
use policy::Permission;
use policy::retain::{
    Exclusion, Exclusions, PolicySet, ReadyLanguage, SetDraft, Zone, in_force, ready_sets,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::quarantine::reason_of;
use crate::body::{Body, Path, Query};
use crate::caller::{Caller, Ready};
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// What whoever leaves mail out of the archive must have read.
pub const WARNING: &str = "What is not archived cannot be proven, found or given back later. Where \
    the law demands that business letters, vouchers or communications are kept (in Germany HGB §257, \
    AO §147 with GoBD; in the USA 17 CFR §240.17a-4), leaving them out is a breach by whoever \
    decides it. Leave out only mailboxes whose mail the law protects, such as those of the works \
    council or the company doctor, and write down on which ground. Rules are about mailboxes, not \
    about mails: a mail that also concerns another person of the house is archived for that person.";

/// Versions of the policies and suspended classes.
#[utoipa::path(
    get,
    path = "/api/v1/retention/policies",
    operation_id = "retentionPolicies",
    responses(
        (status = 200, description = "the versions", body = dto::RetentionAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not see retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn retention_policies(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::RetentionAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let rows = catalog.retention_sets(tenant)?;
        let sets: Vec<PolicySet> = rows.iter().map(|row| row.set.clone()).collect();
        let current = in_force(&sets, caller.now).map(PolicySet::version);
        let versions = rows.iter().rev().map(|row| version(row, current));
        let suspensions = catalog.suspensions(tenant)?.into_iter().map(suspension).collect();
        Ok(Json(dto::RetentionAnswer {
            versions: versions.collect::<Result<_, _>>()?,
            zones: Zone::names().map(str::to_owned).collect(),
            suspensions,
        }))
    };
    state.blocking.read(work).await
}

/// Makes the next version. Nothing is destroyed by it: that takes a disposal run.
#[utoipa::path(
    post,
    path = "/api/v1/retention/policies",
    operation_id = "makeRetentionVersion",
    request_body = dto::RetentionDraft,
    responses(
        (status = 201, description = "the version", body = dto::RetentionVersion),
        (status = 400, description = "a policy cannot be used", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not set retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn make_version(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(draft): Body<dto::RetentionDraft>,
) -> Result<(StatusCode, Json<dto::RetentionVersion>), Problem> {
    let tenant = caller.tenant_for(Permission::SetRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let draft = checked(&draft)?;
        let before = catalog.retention_sets(tenant)?;
        let before = before.last().map(|row| json!(row.set));
        let by = by(&caller, &draft.reason);
        let set = catalog.add_retention_set(tenant, &draft, by)?;
        let detail = json!({ "before": before, "after": set });
        let object = set.version().to_string();
        catalog.audit(&[caller.event("retention.version", object, detail)])?;
        let rows = catalog.retention_sets(tenant)?;
        let sets: Vec<PolicySet> = rows.iter().map(|row| row.set.clone()).collect();
        let current = in_force(&sets, caller.now).map(PolicySet::version);
        let row = rows.iter().find(|row| row.set.version() == set.version());
        let row = row.ok_or_else(Problem::not_found)?;
        Ok((StatusCode::CREATED, Json(version(row, current)?)))
    };
    state.blocking.read(work).await
}

/// Sets to begin with, named in the language that is asked for, else in the account's.
#[utoipa::path(
    get,
    path = "/api/v1/retention/ready-sets",
    operation_id = "readyRetentionSets",
    params(dto::ReadySetsParams),
    responses(
        (status = 200, description = "the sets", body = dto::ReadyRetentionSets),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not see retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn ready_retention_sets(
    Ready(caller): Ready,
    Query(params): Query<dto::ReadySetsParams>,
) -> Result<Json<dto::ReadyRetentionSets>, Problem> {
    caller.tenant_for(Permission::ReadRetention)?;
    let shown = |set: policy::retain::ReadySet| {
        Ok::<_, Problem>(dto::ReadyRetentionSet {
            id: set.id.to_owned(),
            title: set.title.to_owned(),
            note: set.note.to_owned(),
            policies: told(&set.policies)?,
        })
    };
    let language = params.language.or_else(|| caller.current.account.language.clone());
    let language = ReadyLanguage::of(language.as_deref().unwrap_or_default());
    let sets = ready_sets(language).into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Json(dto::ReadyRetentionSets { sets }))
}

/// Asks what the policies come to over all mail, or what a draft would. Made within seconds to
/// minutes; look at it with its id.
#[utoipa::path(
    post,
    path = "/api/v1/retention/surveys",
    operation_id = "askRetentionSurvey",
    request_body = dto::AskSurvey,
    responses(
        (status = 202, description = "it is being made", body = dto::RetentionSurvey),
        (status = 400, description = "the draft cannot be used", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not set retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn ask_survey(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::AskSurvey>,
) -> Result<(StatusCode, Json<dto::RetentionSurvey>), Problem> {
    let tenant = caller.tenant_for(Permission::SetRetention)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let row = SurveyRow {
            id: SurveyId::from_bytes(state.identity.draw_id()),
            draft: asked.draft.as_ref().map(checked).transpose()?,
            asked_by: caller.current.account.user_name.clone(),
            asked_at: caller.now,
            ended_at: None,
            result: None,
            error: None,
        };
        state.catalog.ask_survey(tenant, &row)?;
        let detail = json!({ "preview": row.draft.is_some() });
        let event = caller.event("retention.survey", row.id.to_string(), detail);
        state.catalog.audit(&[event])?;
        Ok((StatusCode::ACCEPTED, Json(survey(row))))
    };
    blocking.read(work).await
}

/// A survey, or how it stands.
#[utoipa::path(
    get,
    path = "/api/v1/retention/surveys/{survey}",
    operation_id = "retentionSurvey",
    params(("survey" = String, Path, description = "the survey's id")),
    responses(
        (status = 200, description = "the survey", body = dto::RetentionSurvey),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such survey", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn retention_survey(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::RetentionSurvey>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let id = id.parse().map_err(|_| Problem::not_found())?;
        let row = catalog.survey(tenant, id)?.ok_or_else(Problem::not_found)?;
        Ok(Json(survey(row)))
    };
    state.blocking.read(work).await
}

/// What ends when: the last survey of the policies in force.
#[utoipa::path(
    get,
    path = "/api/v1/retention/calendar",
    operation_id = "retentionCalendar",
    responses(
        (status = 200, description = "the calendar", body = dto::RetentionCalendar),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not see retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn retention_calendar(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::RetentionCalendar>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let survey = catalog.last_survey(tenant)?.map(survey);
        Ok(Json(dto::RetentionCalendar { survey }))
    };
    state.blocking.read(work).await
}

/// Suspends the disposal of a whole class ("tax hold").
#[utoipa::path(
    post,
    path = "/api/v1/retention/suspensions",
    operation_id = "suspendClass",
    request_body = dto::ClassAndReason,
    responses(
        (status = 200, description = "it is suspended", body = dto::RetentionChanged),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not set retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn suspend_class(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::ClassAndReason>,
) -> Result<Json<dto::RetentionChanged>, Problem> {
    suspend(state, caller, asked, true).await
}

/// Ends a suspension.
#[utoipa::path(
    post,
    path = "/api/v1/retention/suspensions/end",
    operation_id = "resumeClass",
    request_body = dto::ClassAndReason,
    responses(
        (status = 200, description = "it is no longer suspended", body = dto::RetentionChanged),
        (status = 400, description = "a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not set retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn resume_class(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::ClassAndReason>,
) -> Result<Json<dto::RetentionChanged>, Problem> {
    suspend(state, caller, asked, false).await
}

async fn suspend(
    state: AppState,
    caller: Caller,
    asked: dto::ClassAndReason,
    begin: bool,
) -> Result<Json<dto::RetentionChanged>, Problem> {
    let tenant = caller.tenant_for(Permission::SetRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let reason = reason_of(&asked.reason)?;
        let by = by(&caller, &reason);
        let (changed, action) = match begin {
            true => (catalog.suspend_class(tenant, &asked.class, by)?, "retention.suspend"),
            false => (catalog.resume_class(tenant, &asked.class, by)?, "retention.resume"),
        };
        if changed {
            let mut event = caller.event(action, asked.class, json!({}));
            event.reason = Some(reason);
            catalog.audit(&[event])?;
        }
        Ok(Json(dto::RetentionChanged { changed }))
    };
    state.blocking.read(work).await
}

/// What is not archived.
#[utoipa::path(
    get,
    path = "/api/v1/retention/exclusions",
    operation_id = "retentionExclusions",
    responses(
        (status = 200, description = "the rules and the warning", body = dto::ExclusionsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not see retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn exclusions(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::ExclusionsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ReadRetention)?;
    let catalog = state.catalog.clone();
    let work = move || excluded(&*catalog, tenant).map(Json);
    state.blocking.read(work).await
}

/// Replaces the rules of what is not archived; they count for mail that comes from now on.
#[utoipa::path(
    put,
    path = "/api/v1/retention/exclusions",
    operation_id = "setRetentionExclusions",
    request_body = dto::SetExclusions,
    responses(
        (status = 200, description = "the rules", body = dto::ExclusionsAnswer),
        (status = 400, description = "a rule cannot be used, or the warning was not accepted", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not set retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn set_exclusions(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::SetExclusions>,
) -> Result<Json<dto::ExclusionsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::SetRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let reason = reason_of(&asked.reason)?;
        if !asked.warning_accepted {
            return Err(Problem::bad_request("warning-not-accepted", WARNING));
        }
        let rules: Vec<Exclusion> = understood(&asked.rules)?;
        let rules = Exclusions::new(rules, Zone::default())
            .map_err(|error| Problem::bad_request("exclusions", error.to_string()))?;
        let before = catalog.exclusions(tenant)?.rules;
        catalog.set_exclusions(tenant, rules.rules(), by(&caller, &reason))?;
        let detail = json!({ "before": before, "after": rules.rules(), "warningAccepted": true });
        let mut event = caller.event("retention.exclusions", String::new(), detail);
        event.reason = Some(reason);
        catalog.audit(&[event])?;
        excluded(&*catalog, tenant).map(Json)
    };
    state.blocking.read(work).await
}

/// Gives mails a class or a tag, or takes it.
#[utoipa::path(
    post,
    path = "/api/v1/retention/labels",
    operation_id = "labelMails",
    request_body = dto::SetLabels,
    responses(
        (status = 200, description = "done", body = dto::LabelsAnswer),
        (status = 400, description = "nothing is to be changed, or a reason is missing", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account does not set retention", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn label_mails(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(asked): Body<dto::SetLabels>,
) -> Result<Json<dto::LabelsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::SetRetention)?;
    let catalog = state.catalog.clone();
    let work = move || {
        let reason = reason_of(&asked.reason)?;
        let records = records_of(&asked.records)?;
        let class = asked.class.map(|class| {
            LabelChange::Class(Some(class.trim().to_owned()).filter(|class| !class.is_empty()))
        });
        let changes: Vec<LabelChange> = class
            .into_iter()
            .chain(asked.add_tag.map(LabelChange::AddTag))
            .chain(asked.remove_tag.map(LabelChange::RemoveTag))
            .collect();
        if changes.is_empty() {
            return Err(Problem::bad_request("labels", "name a class or a tag"));
        }
        let mut changed = 0;
        for change in &changes {
            changed = catalog.label(tenant, &records, change, by(&caller, &reason))?;
        }
        let detail = json!({ "records": records, "changes": changes });
        let mut event = caller.event("retention.label", String::new(), detail);
        event.reason = Some(reason);
        catalog.audit(&[event])?;
        Ok(Json(dto::LabelsAnswer { changed }))
    };
    state.blocking.read(work).await
}

pub fn records_of(texts: &[String]) -> Result<Vec<RecordId>, Problem> {
    let invalid = |_| Problem::bad_request("records", "a list of ids of mails is needed");
    texts.iter().map(|text| text.parse().map_err(invalid)).collect()
}

fn by<'a>(caller: &'a Caller, reason: &'a str) -> By<'a> {
    By { who: &caller.current.account.user_name, at: caller.now, reason }
}

fn checked(draft: &dto::RetentionDraft) -> Result<SetDraft, Problem> {
    let draft: SetDraft = understood(draft)?;
    PolicySet::new(0, draft.clone())
        .map_err(|error| Problem::bad_request("retention-policies", error.to_string()))?;
    Ok(draft)
}

/// What the API calls it as the policies know it: both have the same JSON.
fn understood<T: DeserializeOwned>(given: &impl Serialize) -> Result<T, Problem> {
    let invalid =
        |error: serde_json::Error| Problem::bad_request("retention-policies", error.to_string());
    serde_json::from_value(serde_json::to_value(given).map_err(invalid)?).map_err(invalid)
}

/// The other way round.
fn told<T: DeserializeOwned>(known: &impl Serialize) -> Result<T, Problem> {
    let json = serde_json::to_value(known).map_err(|error| Problem::internal(&error))?;
    serde_json::from_value(json).map_err(|error| Problem::internal(&error))
}

fn version(row: &PolicySetRow, current: Option<u32>) -> Result<dto::RetentionVersion, Problem> {
    Ok(dto::RetentionVersion {
        version: row.set.version(),
        in_force: current == Some(row.set.version()),
        made_by: row.made_by.clone(),
        made_at: written(row.made_at),
        draft: told(row.set.draft())?,
    })
}

fn suspension(row: SuspensionRow) -> dto::RetentionSuspension {
    let (ended_at, ended_by, end_reason) = match row.ended {
        Some(end) => (Some(written(end.at)), Some(end.by), Some(end.reason)),
        None => (None, None, None),
    };
    dto::RetentionSuspension {
        class: row.class,
        reason: row.reason,
        begun_by: row.begun_by,
        begun_at: written(row.begun_at),
        ended_by,
        ended_at,
        end_reason,
    }
}

fn survey(row: SurveyRow) -> dto::RetentionSurvey {
    dto::RetentionSurvey {
        id: row.id.to_string(),
        state: match (&row.result, &row.error) {
            (Some(_), _) => "done",
            (None, Some(_)) => "failed",
            (None, None) => "waiting",
        },
        is_preview: row.draft.is_some(),
        asked_by: row.asked_by,
        asked_at: written(row.asked_at),
        ended_at: row.ended_at.map(written),
        result: row.result,
        error: row.error,
    }
}

fn excluded(
    catalog: &dyn Catalog,
    tenant: model::TenantId,
) -> Result<dto::ExclusionsAnswer, Problem> {
    let row = catalog.exclusions(tenant)?;
    let (changed_by, changed_at): (Option<String>, Option<Timestamp>) = row.changed.unzip();
    Ok(dto::ExclusionsAnswer {
        rules: told(&row.rules)?,
        changed_by,
        changed_at: changed_at.map(written),
        warning: WARNING.to_owned(),
    })
}
