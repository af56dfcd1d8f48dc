//! What is remembered of a mailbox, and what becomes of its mails at the server.

use std::time::Instant;

use catalog::{AfterFetch, FetchProgress, MailKey, UidSpans};
use fail::fail_point;

use super::{Pass, Reading, SAVE_MAILS, broken, number};
use crate::fetch::FetchError;
use crate::fetch::run::mailbox::Mailbox;

impl Reading<'_> {
    pub(super) fn save_left(&mut self) -> Result<(), FetchError> {
        let progress = std::mem::take(&mut self.landing.progress);
        if is_empty(&progress) {
            return Ok(());
        }
        let target = self.landing.target;
        let catalog = &self.landing.parts.catalog;
        catalog
            .put_fetch_progress(target.source.source.id, &target.mailbox, &progress)
            .map_err(broken)
    }

    pub(super) fn save_and_remove(
        &mut self,
        session: &mut dyn Mailbox,
        pass: &mut Pass,
    ) -> Result<(), FetchError> {
        let archived: Vec<MailKey> = self.landing.archived.keys().cloned().collect();
        self.save(pass)?;
        if !self.changes() {
            return Ok(());
        }
        self.remove(session, pass, &archived)
    }

    /// Writes down what the archive has, durably: only then it may go from its server.
    pub(super) fn save(&mut self, pass: &mut Pass) -> Result<(), FetchError> {
        pass.saved_at = Instant::now();
        let archived = std::mem::take(&mut self.landing.archived);
        let mut progress = std::mem::take(&mut self.landing.progress);
        if pass.maildrop {
            if let Some(known) = &mut self.uidls {
                for (key, bytes) in archived {
                    // Names with a space are ours: the server has none.
                    if let MailKey::Uidl(uidl) = key
                        && !uidl.starts_with(' ')
                    {
                        known.insert(uidl.clone(), bytes);
                        progress.uidls.push((uidl, bytes));
                    }
                }
            }
        } else {
            let numbers = pass.listed.iter().filter_map(|key| number(&key));
            let done = UidSpans::among(numbers, |uid| {
                pass.state.done.contains(uid) || archived.contains_key(&MailKey::Uid(uid))
            });
            pass.state.done = done;
            progress.folder = Some(pass.state.clone());
        }
        if is_empty(&progress) {
            return Ok(());
        }
        let target = self.landing.target;
        fail_point!("fetch.state.before");
        let catalog = &self.landing.parts.catalog;
        catalog
            .put_fetch_progress(target.source.source.id, &target.mailbox, &progress)
            .map_err(broken)?;
        fail_point!("fetch.state.after");
        Ok(())
    }

    pub(super) fn remove(
        &mut self,
        session: &mut dyn Mailbox,
        pass: &mut Pass,
        keys: &[MailKey],
    ) -> Result<(), FetchError> {
        for keys in keys.chunks(SAVE_MAILS) {
            fail_point!("fetch.remove.before");
            match &self.landing.target.source.config.after {
                AfterFetch::Delete => session.remove(keys)?,
                AfterFetch::Keep => {}
                AfterFetch::Move { folder } => session.move_to(keys, folder)?,
            }
            fail_point!("fetch.remove.after");
            pass.removed += keys.len();
            if pass.maildrop && self.changes() {
                self.doomed.extend_from_slice(keys);
            }
        }
        Ok(())
    }
}

fn is_empty(progress: &FetchProgress) -> bool {
    progress.folder.is_none()
        && progress.uidls.is_empty()
        && progress.uidls_gone.is_empty()
        && progress.left.is_empty()
        && progress.left_over.is_empty()
}
