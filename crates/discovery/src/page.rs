use std::collections::HashMap;

use catalog::{Delivery, ParticipantRow, RecordDetail, StoredRecord};
use mail::{AttachmentBody, Display};
use model::{ContentId, RecordId};
use policy::Scope;

use crate::html::{Images, Sanitised, percent_decoded, sanitise};
use crate::{Discovery, Result, disclosure};

/// Pictures of a mail that are put into its HTML as `data:` addresses: all together, in bytes.
pub const EMBEDDED_BYTES_MAX: usize = 8 << 20;

/// Different pictures of one mail that are looked up; each costs a pass over the mail.
pub const PICTURES_MAX: usize = 100;

/// A mail as a person with the right to see it gets it.
#[derive(Debug)]
pub struct MailPage {
    pub detail: RecordDetail,
    /// Of the decrypted copy where there is one.
    pub display: Display,
    /// What the HTML would load from elsewhere.
    pub remote: u32,
    /// Whether there is HTML that can be shown.
    pub has_html: bool,
    /// Who took part, as far as the reader may know.
    pub participants: Vec<ParticipantRow>,
    /// Whether the reader may have the journal reports.
    pub reports: bool,
    /// Whether the reader may know the SMTP envelope.
    pub envelope: bool,
}

/// The HTML of a mail for a sandboxed frame.
#[derive(Debug)]
pub struct MailHtml {
    /// A fragment.
    pub html: String,
    pub remote: u32,
}

/// Octets to be downloaded.
#[derive(Debug)]
pub struct Download {
    /// A file name without path and control characters; never empty.
    pub name: String,
    pub octets: Vec<u8>,
}

/// Everything below reads one record. `None`: it does not exist for this scope.
impl Discovery {
    pub fn open(&self, scope: &Scope, id: RecordId) -> Result<Option<MailPage>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let octets = self.readable(scope, &detail.stored)?;
        let display = mail::display(&octets);
        let html = display.html.as_deref().and_then(|html| clean(html, id, false));
        let named: Vec<_> = display.to.iter().chain(&display.cc).cloned().collect();
        let participants =
            disclosure::participants(scope, &detail.stored, &named).into_iter().cloned().collect();
        Ok(Some(MailPage {
            remote: html.as_ref().map_or(0, |html| html.remote),
            has_html: html.is_some(),
            participants,
            reports: disclosure::reports(scope, &detail.stored),
            envelope: disclosure::envelope(scope, &detail.stored),
            display,
            detail,
        }))
    }

    /// The HTML body, made harmless; `None` also when the mail has none or it is too long.
    /// `remote`: images from `https:` addresses stay.
    pub fn html(&self, scope: &Scope, id: RecordId, remote: bool) -> Result<Option<MailHtml>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let octets = self.readable(scope, &detail.stored)?;
        let display = mail::display(&octets);
        let Some(cleaned) = display.html.as_deref().and_then(|html| clean(html, id, remote)) else {
            return Ok(None);
        };
        let html = embed_pictures(cleaned.html, &cid_prefix(id), &display, &octets);
        Ok(Some(MailHtml { html, remote: cleaned.remote }))
    }

    /// The mail, byte for byte.
    pub fn mail_octets(&self, scope: &Scope, id: RecordId) -> Result<Option<Download>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let octets = self.archive.mail(scope.tenant(), &detail.stored)?;
        Ok(Some(Download { name: eml_name(&detail.stored.list.subject), octets }))
    }

    /// A journal report, byte for byte; only for senders and auditors.
    pub fn report_octets(
        &self,
        scope: &Scope,
        id: RecordId,
        report: ContentId,
    ) -> Result<Option<Download>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let stored = &detail.stored;
        if !disclosure::reports(scope, stored) {
            return Ok(None);
        }
        let is_it = |delivery: &&Delivery| {
            delivery.report.as_ref().is_some_and(|row| row.content == report)
        };
        let Some(delivery) = stored.deliveries.iter().find(is_it) else { return Ok(None) };
        let octets = self.archive.report(scope.tenant(), stored, delivery)?;
        let name = format!("journal-report-{}.eml", &report.0.to_hex()[..12]);
        Ok(octets.map(|octets| Download { name, octets }))
    }

    /// The attachment at `index` of [`MailPage::display`].
    pub fn attachment(
        &self,
        scope: &Scope,
        id: RecordId,
        index: usize,
    ) -> Result<Option<AttachmentBody>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        Ok(mail::attachment(&self.readable(scope, &detail.stored)?, index))
    }

    /// The part with this Content-ID (without angle brackets, not percent-encoded).
    pub fn cid(&self, scope: &Scope, id: RecordId, cid: &str) -> Result<Option<AttachmentBody>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let octets = self.readable(scope, &detail.stored)?;
        let index = mail::display(&octets).content_ids.get(cid).copied();
        Ok(index.and_then(|index| mail::attachment(&octets, index)))
    }

    /// What a person reads: the decrypted copy where there is one.
    fn readable(&self, scope: &Scope, record: &StoredRecord) -> Result<Vec<u8>> {
        if record.decrypted.is_some()
            && let Some(octets) = self.archive.decrypted(scope.tenant(), record)?
        {
            return Ok(octets);
        }
        self.archive.mail(scope.tenant(), record)
    }
}

fn cid_prefix(id: RecordId) -> String {
    format!("/api/v1/records/{id}/cid/")
}

fn clean(html: &str, id: RecordId, remote: bool) -> Option<Sanitised> {
    sanitise(html, Images { cid_prefix: &cid_prefix(id), remote })
}

/// Media types that a browser shows as a picture and runs nothing of.
pub const PICTURES: &[&str] =
    &["image/bmp", "image/gif", "image/jpeg", "image/jpg", "image/png", "image/webp"];

/// Puts the pictures into the document: a sandboxed frame has no cookie to fetch them with.
fn embed_pictures(html: String, prefix: &str, display: &Display, octets: &[u8]) -> String {
    let mark = format!("src=\"{prefix}");
    if !html.contains(&mark) {
        return html;
    }
    let mut output = String::with_capacity(html.len());
    let mut pictures: HashMap<&str, Option<AttachmentBody>> = HashMap::new();
    let mut embedded = 0;
    let mut rest = html.as_str();
    while let Some(at) = rest.find(&mark) {
        let value = &rest[at + mark.len()..];
        // The serialiser closes every value that it opens.
        let (cid, behind) = value.split_at(value.find('"').unwrap_or(value.len()));
        output.push_str(&rest[..at]);
        let known = pictures.len() < PICTURES_MAX || pictures.contains_key(cid);
        let look_up = || picture(display, octets, &percent_decoded(cid));
        let found = if known { pictures.entry(cid).or_insert_with(look_up).as_ref() } else { None };
        match found {
            Some(picture) if embedded + picture.octets.len() <= EMBEDDED_BYTES_MAX => {
                embedded += picture.octets.len();
                output.push_str(&format!("src=\"data:{};base64,", picture.media_type));
                base64(&mut output, &picture.octets);
            }
            _ => output.push_str("src=\"data:,"),
        }
        rest = behind;
    }
    output.push_str(rest);
    output
}

fn picture(display: &Display, octets: &[u8], cid: &str) -> Option<AttachmentBody> {
    let index = display.content_ids.get(cid)?;
    let named = display.attachments.iter().find(|attachment| attachment.index == *index)?;
    PICTURES.contains(&named.attachment.media_type.as_str()).then_some(())?;
    mail::attachment(octets, *index).filter(|body| PICTURES.contains(&body.media_type.as_str()))
}

/// RFC 4648 §4.
fn base64(output: &mut String, octets: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    output.reserve(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sextet = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
            output.push(if at <= group.len() { char::from(sextet) } else { '=' });
        }
    }
}

/// The subject as a file name: letters, digits and harmless signs, at most 80 characters.
pub(crate) fn eml_name(subject: &str) -> String {
    let plain: String = subject
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { '_' })
        .take(80)
        .collect();
    let plain = plain.trim_matches([' ', '.', '_']);
    if plain.is_empty() { "mail.eml".to_owned() } else { format!("{plain}.eml") }
}
