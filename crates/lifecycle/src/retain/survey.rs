//! What the policies come to, over all mail: for the calendar, and before a change.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Catalog, RetainedMail};
use jiff::civil::Date;
use model::{RecordId, TenantId, Timestamp};
use pipeline::Progress;
use policy::retain::{PolicySet, Undetermined, Verdict};
use serde::{Deserialize, Serialize};

use super::{CLASSIFIED_AT_ONCE, Classifier, RetentionParts};
use crate::Result;

/// Mail of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassFigures {
    pub class: String,
    pub mails: u64,
    pub bytes: u64,
    /// The first and the last day on which a period of it ends; none: never.
    pub first_end: Option<Date>,
    pub last_end: Option<Date>,
    pub suspended: bool,
}

/// Mail whose period ends in one month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthFigures {
    /// Such as `2031-12`.
    pub month: String,
    pub mails: u64,
    pub bytes: u64,
}

/// What one version of the policies says of all mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// 0: a draft.
    pub version: u32,
    pub at: Timestamp,
    pub mails: u64,
    pub bytes: u64,
    /// Of which nobody can say how long they are kept: they are.
    pub undetermined: u64,
    pub kept_for_ever: u64,
    /// The period is over: they may go.
    pub due: u64,
    pub due_bytes: u64,
    /// They should be gone.
    pub overdue: u64,
    /// Due or overdue, and on hold.
    pub due_held: u64,
    /// Due or overdue, and of a class that is suspended.
    pub due_suspended: u64,
    pub classes: Vec<ClassFigures>,
    /// When periods end, in the order of months; without what is kept for ever.
    pub months: Vec<MonthFigures>,
}

/// What a change of the policies would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What the version says that is in force; nothing when there is none.
    pub now: Survey,
    pub then: Survey,
    /// Mails whose class or dates differ.
    pub changed: u64,
    /// Of these, mails that may go earlier than now; those that are undetermined now among them.
    pub earlier: u64,
    pub later: u64,
    /// Mails that may go at once, and may not now.
    pub newly_due: u64,
    /// Of these, mails on hold: they stay.
    pub newly_due_held: u64,
    /// Mails that may go now, and may not then.
    pub no_longer_due: u64,
}

/// Looks at all mail of the tenant. A minute for some million mails; does not disturb intake.
///
/// # Errors
/// Of catalog and index.
pub fn survey(
    parts: &RetentionParts,
    tenant: TenantId,
    set: &PolicySet,
    progress: &dyn Progress,
) -> Result<Survey> {
    let mut count = Count::new(parts, tenant, set.version())?;
    let classifier = Classifier::new(parts, tenant, set, count.survey.at)?;
    each(parts, tenant, classifier.needs(), progress, |mails| {
        let verdicts = classifier.verdicts(mails)?;
        let held = count.held(parts, tenant, mails, &[&verdicts])?;
        for (mail, verdict) in mails.iter().zip(&verdicts) {
            count.add(mail, verdict, held.contains(&mail.record));
        }
        Ok(())
    })?;
    Ok(count.done())
}

/// Compares what is in force with a draft.
///
/// # Errors
/// Of catalog and index.
pub fn preview(
    parts: &RetentionParts,
    tenant: TenantId,
    now: Option<&PolicySet>,
    then: &PolicySet,
    progress: &dyn Progress,
) -> Result<Preview> {
    let mut preview = Preview::default();
    let mut before = Count::new(parts, tenant, now.map_or(0, PolicySet::version))?;
    let mut after = Count::new(parts, tenant, 0)?;
    let at = after.survey.at;
    let old = now.map(|set| Classifier::new(parts, tenant, set, at)).transpose()?;
    let new = Classifier::new(parts, tenant, then, at)?;
    let needs = old.as_ref().map_or(new.needs(), |old| either(old.needs(), new.needs()));
    each(parts, tenant, needs, progress, |mails| {
        let then = new.verdicts(mails)?;
        let now = match &old {
            Some(old) => old.verdicts(mails)?,
            None => mails.iter().map(|_| Err(Undetermined::NoPolicy)).collect(),
        };
        let held = after.held(parts, tenant, mails, &[&now, &then])?;
        for ((mail, now), then) in mails.iter().zip(&now).zip(&then) {
            let held = held.contains(&mail.record);
            before.add(mail, now, held);
            after.add(mail, then, held);
            preview.compare(now, then, held, at);
        }
        Ok(())
    })?;
    Ok(Preview { now: before.done(), then: after.done(), ..preview })
}

impl Preview {
    fn compare(
        &mut self,
        now: &Result<Verdict, Undetermined>,
        then: &Result<Verdict, Undetermined>,
        held: bool,
        at: Timestamp,
    ) {
        let facts = |of: &Result<Verdict, Undetermined>| {
            of.as_ref().ok().map(|it| (it.class.clone(), it.kept_through, it.gone_after))
        };
        if facts(now) == facts(then) {
            return;
        }
        self.changed += 1;
        // Nothing may go before this: undetermined is for ever.
        let end = |of: &Result<Verdict, Undetermined>| {
            of.as_ref().ok().and_then(|it| it.disposable_from).map_or(i64::MAX, |it| it.as_micros())
        };
        self.earlier += u64::from(end(then) < end(now));
        self.later += u64::from(end(then) > end(now));
        let (was, is) = (is_due(now, at), is_due(then, at));
        self.newly_due += u64::from(is && !was);
        self.newly_due_held += u64::from(is && !was && held);
        self.no_longer_due += u64::from(was && !is);
    }
}

pub(super) fn is_due(verdict: &Result<Verdict, Undetermined>, at: Timestamp) -> bool {
    let from = verdict.as_ref().ok().and_then(|it| it.disposable_from);
    from.is_some_and(|from| from <= at)
}

fn either(one: catalog::RetainedNeeds, two: catalog::RetainedNeeds) -> catalog::RetainedNeeds {
    catalog::RetainedNeeds {
        participants: one.participants || two.participants,
        deliveries: one.deliveries || two.deliveries,
        labels: one.labels || two.labels,
    }
}

/// Hands all mail of the tenant to `work`, some at a time; ends early when it is cancelled.
pub(super) fn each(
    parts: &RetentionParts,
    tenant: TenantId,
    needs: catalog::RetainedNeeds,
    progress: &dyn Progress,
    mut work: impl FnMut(&[RetainedMail]) -> Result<()>,
) -> Result<()> {
    progress.total(parts.catalog.figures(tenant)?.records);
    let (mut after, mut done) = (0, 0);
    while !progress.is_cancelled() {
        let mails = parts.catalog.retained_after(tenant, after, CLASSIFIED_AT_ONCE, needs)?;
        let Some(last) = mails.last() else { break };
        after = last.row;
        work(&mails)?;
        done += mails.len() as u64;
        progress.done(done);
    }
    Ok(())
}

/// Counts verdicts.
struct Count {
    survey: Survey,
    classes: BTreeMap<String, ClassFigures>,
    months: BTreeMap<(i16, i8), (u64, u64)>,
    suspended: BTreeSet<String>,
}

impl Count {
    fn new(parts: &RetentionParts, tenant: TenantId, version: u32) -> Result<Self> {
        Ok(Self {
            survey: Survey { version, at: parts.clock.now(), ..Survey::default() },
            classes: BTreeMap::new(),
            months: BTreeMap::new(),
            suspended: suspended(&*parts.catalog, tenant)?,
        })
    }

    /// Those mails that are due by one of the verdicts and on hold.
    fn held(
        &self,
        parts: &RetentionParts,
        tenant: TenantId,
        mails: &[RetainedMail],
        verdicts: &[&[Result<Verdict, Undetermined>]],
    ) -> Result<BTreeSet<RecordId>> {
        let due = |place: usize| {
            verdicts.iter().any(|of| of.get(place).is_some_and(|it| is_due(it, self.survey.at)))
        };
        let asked: Vec<RecordId> = mails
            .iter()
            .enumerate()
            .filter(|(place, _)| due(*place))
            .map(|(_, mail)| mail.record)
            .collect();
        if asked.is_empty() {
            return Ok(BTreeSet::new());
        }
        let held = parts.catalog.holds_on(tenant, &asked)?;
        Ok(held.into_iter().map(|(record, _)| record).collect())
    }

    fn add(&mut self, mail: &RetainedMail, verdict: &Result<Verdict, Undetermined>, held: bool) {
        let survey = &mut self.survey;
        let bytes = mail.size_bytes;
        survey.mails += 1;
        survey.bytes += bytes;
        let Ok(verdict) = verdict else {
            survey.undetermined += 1;
            return;
        };
        let suspended = self.suspended.contains(&verdict.class);
        let class = self.classes.entry(verdict.class.clone()).or_default();
        class.mails += 1;
        class.bytes += bytes;
        class.suspended = suspended;
        let Some(end) = verdict.kept_through else {
            survey.kept_for_ever += 1;
            return;
        };
        class.first_end = Some(class.first_end.map_or(end, |first| first.min(end)));
        class.last_end = Some(class.last_end.map_or(end, |last| last.max(end)));
        let month = self.months.entry((end.year(), end.month())).or_default();
        month.0 += 1;
        month.1 += bytes;
        if verdict.disposable_from.is_some_and(|from| from <= survey.at) {
            survey.due += 1;
            survey.due_bytes += bytes;
            survey.due_held += u64::from(held);
            survey.due_suspended += u64::from(suspended);
        }
        survey.overdue += u64::from(verdict.overdue_from.is_some_and(|from| from <= survey.at));
    }

    fn done(self) -> Survey {
        let classes = self.classes.into_iter();
        let months = self.months.into_iter();
        Survey {
            classes: classes.map(|(class, figures)| ClassFigures { class, ..figures }).collect(),
            months: months
                .map(|((year, month), (mails, bytes))| MonthFigures {
                    month: format!("{year:04}-{month:02}"),
                    mails,
                    bytes,
                })
                .collect(),
            ..self.survey
        }
    }
}

/// The classes of which nothing is disposed at present.
pub(super) fn suspended(catalog: &dyn Catalog, tenant: TenantId) -> Result<BTreeSet<String>> {
    let all = catalog.suspensions(tenant)?;
    Ok(all.into_iter().filter(|one| one.ended.is_none()).map(|one| one.class).collect())
}
