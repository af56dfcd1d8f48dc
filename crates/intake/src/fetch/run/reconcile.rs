//! Completeness: what the server lists, and the archive has not.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog::{Claimed, MISSING_NAMED_MAX, MailKey, MissingMail};

use super::mailbox::{Folder, Listed, Mailbox};
use super::reading::{self, Reading};
use super::{Parts, Tally, Target};
use crate::fetch::FetchError;

/// Mails that are described at once.
const DESCRIBED_MAX: usize = 1_000;

/// What the mailboxes of a source came to.
#[derive(Debug, Default)]
pub struct Compared {
    sums: Mutex<Sums>,
}

#[derive(Clone, Debug, Default)]
pub struct Sums {
    pub listed: u64,
    pub present: u64,
    pub missing: u64,
    /// The first [`MISSING_NAMED_MAX`].
    pub named: Vec<MissingMail>,
}

impl Compared {
    pub fn sums(&self) -> Sums {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares a mailbox with the archive without reading bodies, and reads what is missing. What is
/// read and turns out to be known was there under another number.
///
/// # Errors
/// Why it could not be compared to its end.
pub fn reconcile_mailbox(
    parts: &Parts,
    target: &Target,
    tally: &Tally,
    compared: &Compared,
) -> Result<(), FetchError> {
    let mut session = parts.opener.open(target)?;
    let mut reading = Reading::new(parts, target, tally)?;
    let done = reading.wanted(&mut *session).and_then(|folders| {
        folders.iter().try_for_each(|folder| {
            target.go_on()?;
            compare(&mut reading, &mut *session, folder, compared)
        })
    });
    reading.end();
    done?;
    session.quit().map(drop)
}

fn compare(
    reading: &mut Reading<'_>,
    session: &mut dyn Mailbox,
    folder: &Folder,
    compared: &Compared,
) -> Result<(), FetchError> {
    let (parts, target) = (reading.landing.parts, reading.landing.target);
    let opened = session.open(folder, false)?;
    reading.landing.enter(&folder.path, opened.uid_validity);
    let keys = session.list()?;
    for some in keys.pieces(DESCRIBED_MAX) {
        target.go_on()?;
        let listed = session.describe(&some)?;
        let claimed: Vec<Claimed> = listed
            .iter()
            .map(|one| Claimed {
                mailbox: target.owner.clone(),
                folder: folder.path.clone(),
                uid_validity: opened.uid_validity,
                key: one.key.clone(),
                message_id: one.message_id.clone(),
                size_bytes: one.size_bytes,
            })
            .collect();
        let source = &target.source.source;
        let found = parts
            .catalog
            .has_fetched(source.tenant, source.id, &claimed)
            .map_err(reading::broken)?;
        let present = found.iter().filter(|there| **there).count() as u64;
        let mut sums = compared.locked();
        sums.listed += listed.len() as u64;
        sums.present += present;
        sums.missing += listed.len() as u64 - present;
        drop(sums);
        let absent = listed.into_iter().zip(found).filter(|(_, there)| !there);
        let missing: Vec<Listed> = absent.map(|(one, _)| one).collect();
        let outcomes = bring(reading, session, &missing)?;
        let mut sums = compared.locked();
        for one in missing {
            if sums.named.len() >= MISSING_NAMED_MAX {
                break;
            }
            sums.named.push(MissingMail {
                mailbox: target.mailbox.clone(),
                folder: folder.path.clone(),
                outcome: outcomes.get(&one.key).copied().unwrap_or("gone").to_owned(),
                key: one.key,
                message_id: one.message_id,
                size_bytes: one.size_bytes,
                received_at: one.received_at,
            });
        }
    }
    Ok(())
}

/// Reads the missing mails, and says what became of each. Removes nothing: that is for the next
/// run.
fn bring(
    reading: &mut Reading<'_>,
    session: &mut dyn Mailbox,
    missing: &[Listed],
) -> Result<HashMap<MailKey, &'static str>, FetchError> {
    let keys: Vec<MailKey> = missing.iter().map(|one| one.key.clone()).collect();
    reading.landing.note_outcomes();
    reading.bring(session, &keys)?;
    Ok(reading.landing.take_outcomes())
}
