use std::collections::HashMap;

use model::{RecordId, SurveyId, TenantId, Timestamp};
use policy::retain::{Exclusion, PolicySet, SetDraft};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Value, json};

use super::codes::{Json, json as text};
use super::fault::{Abort, Fault};
use super::{Sqlite, ledger, retained, tenant_row};
use crate::{
    By, CatalogError, ExclusionsRow, LABEL_CHARS_MAX, LABELLED_MAX, LabelChange, Labels,
    LedgerKind, NewLedgerEvent, POLICY_SET_BYTES_MAX, POLICY_VERSIONS_MAX, PolicySetRow,
    RetainedMail, RetainedNeeds, Retention, SURVEYS_KEPT, SurveyRow, SuspensionEnd, SuspensionRow,
    TAGS_MAX,
};

impl Retention for Sqlite {
    fn retention_sets(&self, tenant: TenantId) -> Result<Vec<PolicySetRow>, CatalogError> {
        self.read(|db| {
            let row = tenant_row(db, tenant)?;
            let rows: Vec<(u32, Json<SetDraft>, String, i64)> = db
                .prepare_cached(
                    "SELECT version, draft, made_by, made_at FROM retention_set
                     WHERE tenant = ?1 ORDER BY version",
                )?
                .query_map([row], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect::<Result<_, _>>()?;
            let mut sets = Vec::with_capacity(rows.len());
            for (version, Json(draft), made_by, made_at) in rows {
                let set = PolicySet::new(version, draft).map_err(CatalogError::Policies)?;
                sets.push(PolicySetRow { set, made_by, made_at: Timestamp::from_micros(made_at) });
            }
            Ok(sets)
        })
    }

    fn add_retention_set(
        &self,
        tenant: TenantId,
        draft: &SetDraft,
        by: By<'_>,
    ) -> Result<PolicySet, CatalogError> {
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            let last: u32 = db
                .prepare_cached(
                    "SELECT coalesce(max(version), 0) FROM retention_set WHERE tenant = ?1",
                )?
                .query_row([row], |row| row.get(0))?;
            if last >= POLICY_VERSIONS_MAX {
                return Err(CatalogError::Invalid("the number of versions").into());
            }
            let set = PolicySet::new(last + 1, draft.clone()).map_err(CatalogError::Policies)?;
            if text(set.draft()).len() > POLICY_SET_BYTES_MAX {
                return Err(CatalogError::Invalid("the version").into());
            }
            insert_set(db, row, &set, by.who, by.at)?;
            let facts = json!({ "set": set, "by": by.who });
            tell(db, tenant, by.at, facts)?;
            Ok(set)
        })
    }

    fn suspensions(&self, tenant: TenantId) -> Result<Vec<SuspensionRow>, CatalogError> {
        self.read(|db| {
            let row = tenant_row(db, tenant)?;
            let rows = db
                .prepare_cached(
                    "SELECT * FROM retention_suspension WHERE tenant = ?1
                     ORDER BY begun_at DESC, class",
                )?
                .query_map([row], suspension)?
                .collect::<Result<_, _>>()?;
            Ok(rows)
        })
    }

    fn suspend_class(
        &self,
        tenant: TenantId,
        class: &str,
        by: By<'_>,
    ) -> Result<bool, CatalogError> {
        let class = label_text(class)?.to_lowercase();
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            if !begin_suspension(db, row, &class, by)? {
                return Ok(false);
            }
            let facts = json!({ "suspended": class, "by": by.who, "reason": by.reason });
            tell(db, tenant, by.at, facts)?;
            Ok(true)
        })
    }

    fn resume_class(
        &self,
        tenant: TenantId,
        class: &str,
        by: By<'_>,
    ) -> Result<bool, CatalogError> {
        let class = label_text(class)?.to_lowercase();
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            if !end_suspension(db, row, &class, by)? {
                return Ok(false);
            }
            let facts = json!({ "resumed": class, "by": by.who, "reason": by.reason });
            tell(db, tenant, by.at, facts)?;
            Ok(true)
        })
    }

    fn labels(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Labels>, CatalogError> {
        self.read(|db| {
            let row = tenant_row(db, tenant)?;
            let mut all: HashMap<RecordId, Labels> = HashMap::new();
            let mut select = db.prepare_cached(
                "SELECT kind, value FROM record_label WHERE tenant = ?1 AND record = ?2
                 ORDER BY kind, value",
            )?;
            for record in records {
                let mut rows = select.query((row, record.as_bytes()))?;
                while let Some(found) = rows.next()? {
                    let kind: String = found.get(0)?;
                    retained::add_label(all.entry(*record).or_default(), &kind, found.get(1)?);
                }
            }
            Ok(all)
        })
    }

    fn label(
        &self,
        tenant: TenantId,
        records: &[RecordId],
        change: &LabelChange,
        by: By<'_>,
    ) -> Result<u64, CatalogError> {
        if records.len() > LABELLED_MAX {
            return Err(CatalogError::Invalid("the list of mails"));
        }
        let change = checked(change)?;
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            let mut changed: Vec<RecordId> = Vec::new();
            let mut exists =
                db.prepare_cached("SELECT 1 FROM record WHERE tenant = ?1 AND id = ?2")?;
            for record in records {
                if exists.exists((row, record.as_bytes()))? {
                    write_label(db, row, *record, &change, (by.who, by.at))?;
                    changed.push(*record);
                }
            }
            if !changed.is_empty() {
                let facts = json!({
                    "labelled": changed, "change": change, "by": by.who, "reason": by.reason,
                });
                tell(db, tenant, by.at, facts)?;
            }
            Ok(changed.len() as u64)
        })
    }

    fn exclusions(&self, tenant: TenantId) -> Result<ExclusionsRow, CatalogError> {
        self.read(|db| {
            let row = tenant_row(db, tenant)?;
            let found = db
                .prepare_cached(
                    "SELECT rules, changed_by, changed_at FROM exclusion WHERE tenant = ?1",
                )?
                .query_row([row], |row| {
                    let Json(rules) = row.get(0)?;
                    let at = Timestamp::from_micros(row.get(2)?);
                    Ok(ExclusionsRow { rules, changed: Some((row.get(1)?, at)) })
                })
                .optional()?;
            Ok(found.unwrap_or_default())
        })
    }

    fn set_exclusions(
        &self,
        tenant: TenantId,
        rules: &[Exclusion],
        by: By<'_>,
    ) -> Result<(), CatalogError> {
        if text(&rules).len() > POLICY_SET_BYTES_MAX {
            return Err(CatalogError::Invalid("the list of rules"));
        }
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            replace_exclusions(db, row, &text(&rules), (by.who, by.at))?;
            let facts = json!({ "notArchived": rules, "by": by.who, "reason": by.reason });
            tell(db, tenant, by.at, facts)
        })
    }

    fn retained_after(
        &self,
        tenant: TenantId,
        after_row: u64,
        limit: u32,
        needs: RetainedNeeds,
    ) -> Result<Vec<RetainedMail>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            Ok(retained::after(db, tenant, after_row, limit, needs)?)
        })
    }

    fn retained(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<Vec<RetainedMail>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            Ok(retained::of(db, tenant, records)?)
        })
    }

    fn ask_survey(&self, tenant: TenantId, survey: &SurveyRow) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            db.prepare_cached(
                "INSERT INTO retention_survey (tenant, id, draft, asked_by, asked_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((
                tenant,
                survey.id.as_bytes(),
                survey.draft.as_ref().map(text),
                &survey.asked_by,
                survey.asked_at.as_micros(),
            ))?;
            db.prepare_cached(
                "DELETE FROM retention_survey WHERE tenant = ?1 AND row NOT IN
                     (SELECT row FROM retention_survey WHERE tenant = ?1
                      ORDER BY row DESC LIMIT ?2)",
            )?
            .execute((tenant, SURVEYS_KEPT))?;
            Ok(())
        })
    }

    fn survey(&self, tenant: TenantId, id: SurveyId) -> Result<Option<SurveyRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            Ok(db
                .prepare_cached("SELECT * FROM retention_survey WHERE tenant = ?1 AND id = ?2")?
                .query_row((tenant, id.as_bytes()), survey)
                .optional()?)
        })
    }

    fn last_survey(&self, tenant: TenantId) -> Result<Option<SurveyRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            Ok(db
                .prepare_cached(
                    "SELECT * FROM retention_survey
                     WHERE tenant = ?1 AND draft IS NULL AND result IS NOT NULL
                     ORDER BY row DESC LIMIT 1",
                )?
                .query_row([tenant], survey)
                .optional()?)
        })
    }

    fn waiting_surveys(&self) -> Result<Vec<(TenantId, SurveyRow)>, CatalogError> {
        self.read(|db| {
            Ok(db
                .prepare_cached(
                    "SELECT t.id AS tenant_id, s.* FROM retention_survey s
                     JOIN tenant t ON t.row = s.tenant
                     WHERE s.ended_at IS NULL AND t.state IN ('active', 'suspended')
                     ORDER BY s.row",
                )?
                .query_map([], |row| {
                    Ok((TenantId::from_bytes(row.get("tenant_id")?), survey(row)?))
                })?
                .collect::<Result<_, _>>()?)
        })
    }

    fn end_survey(
        &self,
        id: SurveyId,
        at: Timestamp,
        outcome: Result<Value, String>,
    ) -> Result<(), CatalogError> {
        let (result, error) = match outcome {
            Ok(result) => (Some(text(&result)), None),
            Err(error) => (None, Some(error)),
        };
        self.write(|db, _| {
            db.prepare_cached(
                "UPDATE retention_survey SET ended_at = ?2, result = ?3, error = ?4 WHERE id = ?1",
            )?
            .execute((id.as_bytes(), at.as_micros(), result, error))?;
            Ok(())
        })
    }

    fn recover_retention(
        &self,
        tenant: TenantId,
        at: Timestamp,
        facts: &Value,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            recover(db, row, at, facts)
        })
    }
}

fn tell(db: &Connection, tenant: TenantId, at: Timestamp, facts: Value) -> Result<(), Abort> {
    let event = NewLedgerEvent::new(LedgerKind::RetentionChanged, at, facts);
    ledger::append(db, tenant, &[event]).map(drop)
}

fn insert_set(
    db: &Connection,
    tenant: i64,
    set: &PolicySet,
    by: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO retention_set (tenant, version, draft, made_by, made_at)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?
    .execute((tenant, set.version(), text(set.draft()), by, at.as_micros()))?;
    Ok(())
}

fn begin_suspension(db: &Connection, tenant: i64, class: &str, by: By<'_>) -> Result<bool, Fault> {
    let begun = db
        .prepare_cached(
            "INSERT INTO retention_suspension (tenant, class, begun_at, begun_by, reason)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute((tenant, class, by.at.as_micros(), by.who, by.reason))?;
    Ok(begun > 0)
}

fn end_suspension(db: &Connection, tenant: i64, class: &str, by: By<'_>) -> Result<bool, Fault> {
    let ended = db
        .prepare_cached(
            "UPDATE retention_suspension SET ended_at = ?3, ended_by = ?4, end_reason = ?5
             WHERE tenant = ?1 AND class = ?2 AND ended_at IS NULL AND begun_at <= ?3",
        )?
        .execute((tenant, class, by.at.as_micros(), by.who, by.reason))?;
    Ok(ended > 0)
}

fn replace_exclusions(
    db: &Connection,
    tenant: i64,
    rules: &str,
    (by, at): (&str, Timestamp),
) -> Result<(), Abort> {
    db.prepare_cached(
        "INSERT INTO exclusion (tenant, rules, changed_by, changed_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant) DO UPDATE SET rules = excluded.rules,
             changed_by = excluded.changed_by, changed_at = excluded.changed_at",
    )?
    .execute((tenant, rules, by, at.as_micros()))?;
    Ok(())
}

fn suspension(row: &Row<'_>) -> Result<SuspensionRow, Fault> {
    let ended: Option<i64> = row.get("ended_at")?;
    let ended = match ended {
        None => None,
        Some(at) => Some(SuspensionEnd {
            at: Timestamp::from_micros(at),
            by: row.get("ended_by")?,
            reason: row.get("end_reason")?,
        }),
    };
    Ok(SuspensionRow {
        class: row.get("class")?,
        begun_at: Timestamp::from_micros(row.get("begun_at")?),
        begun_by: row.get("begun_by")?,
        reason: row.get("reason")?,
        ended,
    })
}

fn survey(row: &Row<'_>) -> Result<SurveyRow, Fault> {
    Ok(SurveyRow {
        id: SurveyId::from_bytes(row.get("id")?),
        draft: row.get::<_, Option<Json<_>>>("draft")?.map(|json| json.0),
        asked_by: row.get("asked_by")?,
        asked_at: Timestamp::from_micros(row.get("asked_at")?),
        ended_at: row.get::<_, Option<_>>("ended_at")?.map(Timestamp::from_micros),
        result: row.get::<_, Option<Json<_>>>("result")?.map(|json| json.0),
        error: row.get("error")?,
    })
}

fn label_text(text: &str) -> Result<&str, CatalogError> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= LABEL_CHARS_MAX;
    if fits { Ok(text) } else { Err(CatalogError::Invalid("the class or tag")) }
}

/// The change with its text as it is kept.
fn checked(change: &LabelChange) -> Result<LabelChange, CatalogError> {
    Ok(match change {
        LabelChange::AddTag(tag) => LabelChange::AddTag(label_text(tag)?.to_owned()),
        LabelChange::RemoveTag(tag) => LabelChange::RemoveTag(label_text(tag)?.to_owned()),
        LabelChange::Class(None) => LabelChange::Class(None),
        LabelChange::Class(Some(class)) => {
            LabelChange::Class(Some(label_text(class)?.to_lowercase()))
        }
    })
}

fn write_label(
    db: &Connection,
    tenant: i64,
    record: RecordId,
    change: &LabelChange,
    (by, at): (&str, Timestamp),
) -> Result<(), Abort> {
    let record = record.as_bytes();
    let remove = |kind: &str, value: Option<&str>| {
        db.prepare_cached(
            "DELETE FROM record_label WHERE tenant = ?1 AND record = ?2 AND kind = ?3
                 AND value = coalesce(?4, value)",
        )?
        .execute((tenant, record, kind, value))
    };
    let (kind, value) = match change {
        LabelChange::RemoveTag(tag) => {
            remove("tag", Some(tag))?;
            return Ok(());
        }
        LabelChange::Class(class) => {
            remove("class", None)?;
            let Some(class) = class else { return Ok(()) };
            ("class", class)
        }
        LabelChange::AddTag(tag) => {
            let tags: i64 = db
                .prepare_cached(
                    "SELECT count(*) FROM record_label
                     WHERE tenant = ?1 AND record = ?2 AND kind = 'tag'",
                )?
                .query_row((tenant, record), |row| row.get(0))?;
            if tags >= TAGS_MAX as i64 {
                return Err(CatalogError::Invalid("the number of tags").into());
            }
            ("tag", tag)
        }
    };
    db.prepare_cached(
        "INSERT INTO record_label (tenant, record, kind, value, said_by, said_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )?
    .execute((tenant, record, kind, value, by, at.as_micros()))?;
    Ok(())
}

/// What [`tell`] was given, the other way round. Facts that are not understood are passed over.
fn recover(db: &Connection, tenant: i64, at: Timestamp, facts: &Value) -> Result<(), Abort> {
    let said = |name: &str| facts[name].as_str().unwrap_or_default();
    let by = By { who: said("by"), at, reason: said("reason") };
    if let Some(version) = facts["set"]["version"].as_u64() {
        let draft = serde_json::from_value::<SetDraft>(facts["set"].clone());
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        if let Ok(set) =
            draft.map_err(drop).and_then(|it| PolicySet::new(version, it).map_err(drop))
        {
            insert_set(db, tenant, &set, by.who, at)?;
        }
    }
    if let Some(class) = facts["suspended"].as_str() {
        begin_suspension(db, tenant, class, by)?;
    }
    if let Some(class) = facts["resumed"].as_str() {
        end_suspension(db, tenant, class, by)?;
    }
    if facts["notArchived"].is_array() {
        let rules = serde_json::from_value::<Vec<Exclusion>>(facts["notArchived"].clone());
        if let Ok(rules) = rules {
            replace_exclusions(db, tenant, &text(&rules), (by.who, at))?;
        }
    }
    let records = serde_json::from_value::<Vec<RecordId>>(facts["labelled"].clone());
    let change = serde_json::from_value::<LabelChange>(facts["change"].clone());
    if let (Ok(records), Ok(change)) = (records, change) {
        for record in records {
            write_label(db, tenant, record, &change, (by.who, at))?;
        }
    }
    Ok(())
}
