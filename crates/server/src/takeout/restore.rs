//! Mail goes back to people: octet by octet, with nothing added to its headers.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{MailJobRow, StoredRecord};
use discovery::{ImapSecurity, RestoreRequest, RestoreTarget};
use intake::fetch::imap::{Folder, Session};
use intake::fetch::net::{Patience, Security, Server, Trust, parse_fingerprint};
use intake::fetch::run::{Target, imap_session, open, targets};
use intake::fetch::sasl::Credentials;
use intake::fetch::{FetchError, Probe};
use model::{RecordId, Source, SourceId};
use policy::Scope;
use serde_json::json;

use super::{Ended, Progress, Workshop};

/// Failures that are named; more are counted.
const NAMED_MAX: usize = 100;

/// Failures in a row after which the rest is not tried: the server takes nothing.
const IN_A_ROW_MAX: usize = 20;

/// Flags that a client may set (RFC 9051 §2.3.2); `\Recent` and `\Deleted` are not given back.
const FLAGS: [&str; 4] = ["\\Answered", "\\Draft", "\\Flagged", "\\Seen"];

/// Folders whose names at the server are remembered.
const FOLDERS_MAX: usize = 10_000;

/// The folder for mail that lay in none.
const INBOX: &str = "INBOX";

/// Where mail is put.
trait Place {
    /// Hands one mail over: it is the other side's on return.
    fn put(&mut self, stored: &StoredRecord, octets: &[u8]) -> Result<(), String>;
}

/// What came of the mails of one restore.
#[derive(Default)]
struct Sent {
    mails: u64,
    /// Sent before a crash, or not visible any more.
    skipped: u64,
    failed: u64,
    named: Vec<(RecordId, String)>,
    in_a_row: usize,
}

impl Workshop {
    pub(super) fn restore(
        &self,
        job: &MailJobRow,
        scope: &Scope,
        progress: &Progress<'_>,
    ) -> Ended {
        let Ok(request) = serde_json::from_value::<RestoreRequest>(job.request.clone()) else {
            return Ended::Failed("the order is not readable".to_owned());
        };
        let chain = |error: &discovery::Error| pipeline::Error::chain(error);
        let records = match self.discovery.select(scope, &request.which, job.created_at) {
            Ok(records) => records,
            Err(error) => return Ended::Failed(chain(&error)),
        };
        progress.total(records.len() as u64);
        let mut place = match self.place(job, request.target) {
            Ok(place) => place,
            Err(why) => return Ended::Failed(why),
        };
        let mut sent = Sent::default();
        for (at, record) in records.iter().enumerate() {
            if !progress.go_on(at as u64) {
                return Ended::Stopped;
            }
            if let Err(why) = self.send_back(job, scope, *record, &mut *place, &mut sent) {
                return Ended::Failed(why);
            }
            if sent.in_a_row >= IN_A_ROW_MAX {
                let why = sent.named.pop().map(|(_, why)| why).unwrap_or_default();
                return Ended::Failed(format!("{IN_A_ROW_MAX} mails in a row failed: {why}"));
            }
        }
        if sent.mails == 0 && sent.failed > 0 {
            let why = sent.named.pop().map(|(_, why)| why).unwrap_or_default();
            return Ended::Failed(why);
        }
        let failures: Vec<_> = sent
            .named
            .iter()
            .map(|(record, why)| json!({ "record": record, "why": why }))
            .collect();
        Ended::Done(json!({
            "mails": sent.mails, "skipped": sent.skipped, "failed": sent.failed,
            "failures": failures,
        }))
    }

    /// One mail; what the other side refuses is counted. A crash between its answer and our note
    /// sends the mail a second time: rather twice than not at all.
    ///
    /// # Errors
    /// When catalog or archive do not answer.
    fn send_back(
        &self,
        job: &MailJobRow,
        scope: &Scope,
        record: RecordId,
        place: &mut dyn Place,
        sent: &mut Sent,
    ) -> Result<(), String> {
        let failed = |error: catalog::CatalogError| pipeline::Error::chain(&error);
        if self.catalog.is_mail_done(job.id, record).map_err(failed)? {
            sent.mails += 1;
            return Ok(());
        }
        let put = match self.discovery.take(scope, record) {
            Ok(Some((stored, octets))) => place.put(&stored, &octets),
            Ok(None) => {
                sent.skipped += 1;
                return Ok(());
            }
            Err(error) => Err(pipeline::Error::chain(&error)),
        };
        match put {
            Ok(()) => {
                self.catalog.mails_done(job.id, &[record]).map_err(failed)?;
                sent.mails += 1;
                sent.in_a_row = 0;
            }
            Err(why) => {
                sent.failed += 1;
                sent.in_a_row += 1;
                if sent.named.len() < NAMED_MAX {
                    sent.named.push((record, why));
                }
            }
        }
        Ok(())
    }

    fn place(&self, job: &MailJobRow, target: RestoreTarget) -> Result<Box<dyn Place>, String> {
        match target {
            RestoreTarget::Address { address } => {
                if !self.smarthost.is_there() {
                    return Err("no smarthost is named in the settings".to_owned());
                }
                Ok(Box::new(ByMail { smarthost: self.smarthost.clone(), address }))
            }
            RestoreTarget::Imap { host, port, security, user, folder, pinned } => {
                let password = self.takeout.password(job);
                let password = password.ok_or("the password is not readable any more")?;
                let trust = match pinned {
                    Some(pinned) => Trust::Pinned(
                        parse_fingerprint(&pinned).ok_or("the pinned certificate is none")?,
                    ),
                    None => Trust::System,
                };
                let security = match security {
                    ImapSecurity::None => Security::Clear,
                    ImapSecurity::Starttls => Security::StartTls,
                    ImapSecurity::Tls => Security::ImplicitTls,
                };
                let server = Server { host, port: Some(port), security, allow_clear: false, trust };
                let password = password.into();
                let credentials = Credentials::Password { user, password, act_as: None };
                let patience = self.patience();
                mailbox(folder, move || {
                    Session::open(&server, &patience, &credentials, &mut Probe::default())
                })
            }
            RestoreTarget::Source { source, mailbox: name, folder } => {
                let target = self.of_source(job, source, &name)?;
                let (tokens, patience) = (Arc::clone(&self.tokens), self.patience());
                mailbox(folder, move || imap_session(&target, &tokens, &patience))
            }
        }
    }

    fn patience(&self) -> Patience {
        Patience { stop: Arc::clone(&self.stop), ..Patience::default() }
    }

    /// One of the mailboxes that the source reads, and no other that its account might open.
    fn of_source(&self, job: &MailJobRow, id: SourceId, mailbox: &str) -> Result<Target, String> {
        let failed = |error: catalog::CatalogError| pipeline::Error::chain(&error);
        let source = self.catalog.fetch_source(job.tenant, id).map_err(failed)?;
        let source = Arc::new(source.ok_or("the source is gone")?);
        let secrets = open(&self.takeout.secrets, id, &source.secrets);
        let secrets = Arc::new(secrets.map_err(|error| error.to_string())?);
        let all = targets(&*self.catalog, &source, &secrets, &self.stop).map_err(failed)?;
        let named = all.into_iter().find(|it| it.mailbox.eq_ignore_ascii_case(mailbox));
        named.ok_or_else(|| "the source has no such mailbox".to_owned())
    }
}

/// Signs in once, so that a mailbox that does not open fails the whole order.
fn mailbox(
    folder: Option<String>,
    sign_in: impl Fn() -> Result<Session, FetchError> + 'static,
) -> Result<Box<dyn Place>, String> {
    let (session, folders) = (None, HashMap::new());
    let mut place = Mailbox { sign_in: Box::new(sign_in), folder, session, folders };
    place.open().map_err(|error| error.to_string())?;
    Ok(Box::new(place))
}

/// Through the smarthost.
struct ByMail {
    smarthost: crate::notify::Smarthost,
    address: String,
}

impl Place for ByMail {
    fn put(&mut self, _: &StoredRecord, octets: &[u8]) -> Result<(), String> {
        self.smarthost.pass_on(&self.address, octets)
    }
}

/// Signs in to a mailbox.
type SignIn = Box<dyn Fn() -> Result<Session, FetchError>>;

/// A mailbox on its server.
struct Mailbox {
    sign_in: SignIn,
    folder: Option<String>,
    session: Option<Session>,
    /// By the paths at which mail lay, as this server names them.
    folders: HashMap<String, Folder>,
}

impl Mailbox {
    fn open(&mut self) -> Result<&mut Session, FetchError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => (self.sign_in)()?,
        };
        Ok(self.session.insert(session))
    }

    fn at(&mut self, path: &str) -> Result<Folder, FetchError> {
        if let Some(known) = self.folders.get(path) {
            return Ok(known.clone());
        }
        let found = self.open()?.folder_at(path)?;
        // Mail of one restore lay in few folders; the list may be made anew at any time.
        if self.folders.len() >= FOLDERS_MAX {
            self.folders.clear();
        }
        self.folders.insert(path.to_owned(), found.clone());
        Ok(found)
    }
}

impl Place for Mailbox {
    fn put(&mut self, stored: &StoredRecord, octets: &[u8]) -> Result<(), String> {
        let lay = stored.deliveries.iter().find_map(|delivery| match &delivery.source {
            Source::Fetched(fetched) => Some(fetched),
            Source::Import { .. } | Source::Smtp { .. } => None,
        });
        let flags: Vec<String> = lay
            .map(|lay| lay.flags.iter().filter(|flag| is_given_back(flag)).cloned().collect())
            .unwrap_or_default();
        let date = lay.and_then(|lay| lay.received_at).unwrap_or(stored.list.date);
        let folder = self.folder.clone().or_else(|| lay.map(|lay| lay.folder.clone()));
        let folder = folder.unwrap_or_else(|| INBOX.to_owned());
        let put = self
            .at(&folder)
            .and_then(|folder| self.open()?.append(&folder, &flags, Some(date), octets));
        put.map(|_| ()).map_err(|error| {
            if !error.leaves_session_usable() {
                self.session = None;
            }
            error.to_string()
        })
    }
}

fn is_given_back(flag: &str) -> bool {
    FLAGS.iter().any(|known| known.eq_ignore_ascii_case(flag))
        || (!flag.starts_with('\\') && !flag.is_empty())
}
