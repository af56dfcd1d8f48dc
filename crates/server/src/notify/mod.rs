//! Notifications by mail: what is wrong is told once, and that it is over as well.

mod conditions;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use api::dto::{NoticeLanguage, SmarthostSecurity};
use catalog::{Catalog, Notice};
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use model::Clock as _;

pub use conditions::{Memory, Watchman};

use crate::clock::SystemClock;
use crate::settings::SettingsDesk;

/// How long the smarthost may take for one answer.
const ANSWER: Duration = Duration::from_secs(20);

/// Mails of one round; the rest waits for the next.
const ROUND_MAX: u32 = 20;

/// Waits between attempts, in seconds; the last one repeats.
const RETRY_SECONDS: [i64; 5] = [60, 300, 900, 3600, 4 * 3600];

/// Attempts after which a notice is given up: about a week.
const ATTEMPTS_MAX: u32 = 45;

/// The mail server that takes notifications.
#[derive(Clone)]
pub struct Smarthost {
    pub settings: Arc<SettingsDesk>,
}

impl Smarthost {
    /// Whether one is named.
    pub fn is_there(&self) -> bool {
        !self.settings.current().notifications.smarthost.host.is_empty()
    }

    /// # Errors
    /// What the smarthost said, or why it was not reached.
    pub fn send_test(&self, to: &str, language: NoticeLanguage) -> Result<(), String> {
        let host = crate::settings::smtp(&self.settings.current()).host_name;
        let (subject, body) = text::test(&host, language);
        self.send(&Notice { recipient: to.to_owned(), subject, body })
    }

    /// Hands one mail over; it is the smarthost's on return.
    pub fn send(&self, notice: &Notice) -> Result<(), String> {
        let settings = self.settings.current().notifications;
        if settings.smarthost.host.is_empty() {
            return Err("no smarthost is named in the settings".to_owned());
        }
        let from: Mailbox = settings.from.parse().map_err(|_| "the sender is no address")?;
        let to: Mailbox =
            notice.recipient.parse().map_err(|_| "the recipient is no address".to_owned())?;
        let message = Message::builder()
            .from(from)
            .to(to)
            .subject(notice.subject.clone())
            // RFC 3834 §5: nobody answers a machine.
            .header(AutoSubmitted)
            .header(lettre::message::header::ContentType::TEXT_PLAIN)
            .body(notice.body.clone())
            .map_err(|error| error.to_string())?;
        let transport = self.transport(&settings.smarthost)?;
        transport.send(&message).map(|_| ()).map_err(|error| pipeline::Error::chain(&error))
    }

    /// Hands a mail that exists over, for one recipient: octet by octet, but for the line ends and
    /// dots that SMTP asks for (RFC 5321 §4.5.2). It is the smarthost's on return.
    ///
    /// # Errors
    /// What the smarthost said, or why it was not reached.
    pub fn pass_on(&self, to: &str, octets: &[u8]) -> Result<(), String> {
        let settings = self.settings.current().notifications;
        if settings.smarthost.host.is_empty() {
            return Err("no smarthost is named in the settings".to_owned());
        }
        let from: Mailbox = settings.from.parse().map_err(|_| "the sender is no address")?;
        let to: lettre::Address = to.parse().map_err(|_| "the recipient is no address")?;
        let envelope = lettre::address::Envelope::new(Some(from.email), vec![to])
            .map_err(|error| error.to_string())?;
        let transport = self.transport(&settings.smarthost)?;
        // The library ends the last line itself.
        let octets = octets.strip_suffix(b"\r\n").unwrap_or(octets);
        let sent = transport.send_raw(&envelope, octets);
        sent.map(|_| ()).map_err(|error| pipeline::Error::chain(&error))
    }

    fn transport(&self, smarthost: &api::dto::SmarthostSettings) -> Result<SmtpTransport, String> {
        let host = &smarthost.host;
        let parameters =
            || TlsParameters::new(host.clone()).map_err(|error| pipeline::Error::chain(&error));
        let tls = match smarthost.security {
            SmarthostSecurity::None => Tls::None,
            SmarthostSecurity::Starttls => Tls::Required(parameters()?),
            SmarthostSecurity::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = SmtpTransport::builder_dangerous(host)
            .port(smarthost.port)
            .tls(tls)
            .timeout(Some(ANSWER));
        if !smarthost.user.is_empty() {
            let password = self.settings.password().map_err(|error| format!("{error:#}"))?;
            let password = password.unwrap_or_default();
            builder = builder.credentials(Credentials::new(smarthost.user.clone(), password));
        }
        Ok(builder.build())
    }

    /// Sends what is due; what the smarthost does not take waits and is tried again.
    pub fn deliver(&self, catalog: &dyn Catalog) {
        if !self.is_there() {
            return;
        }
        let now = SystemClock.now();
        let due = match catalog.due_notices(now, ROUND_MAX) {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "notifications wait for the catalog");
                return;
            }
        };
        for row in due {
            let kept = match self.send(&row.notice) {
                Ok(()) => catalog.remove_notice(row.row),
                Err(_) if row.attempts + 1 >= ATTEMPTS_MAX => {
                    tracing::error!(attempts = row.attempts, "a notification is given up");
                    catalog.remove_notice(row.row)
                }
                Err(error) => {
                    // What the smarthost says may name the recipient: it is shown to operators
                    // and not logged.
                    tracing::warn!(attempts = row.attempts, "the smarthost does not take mail");
                    let place = (row.attempts as usize).min(RETRY_SECONDS.len() - 1);
                    let next = now.saturating_add_seconds(RETRY_SECONDS[place]);
                    catalog.defer_notice(row.row, &error, next)
                }
            };
            if let Err(error) = kept {
                // The mail may go out a second time.
                tracing::warn!(%error, "it is not noted what became of a notification");
                return;
            }
        }
    }
}

#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
