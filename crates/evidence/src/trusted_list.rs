//! Trusted lists (ETSI TS 119 612): which authorities were granted the status of a qualified
//! time-stamp service, and when.
//!
//! The signature of the list is not verified here (it would need canonical XML and another chain of
//! trust); who supplies a list has checked it elsewhere and names the SHA-256 of the very file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Digest, Timestamp};
use roxmltree::{Document, Node, ParsingOptions};

use crate::certificate::Certificate;
use crate::record::check_size;
use crate::{EvidenceError, Result};

/// The longest list that is read, in bytes; the longest of 2026 has some 10 MB.
pub const LIST_BYTES_MAX: usize = 64 << 20;
/// Elements, attributes and texts of a list.
const NODES_MAX: u32 = 4_000_000;
/// Qualified time-stamp services of one list.
const SERVICES_MAX: usize = 10_000;
/// States of one service, and certificates that it is known by.
const STATES_MAX: usize = 1_000;

const NAMESPACE: &str = "http://uri.etsi.org/02231/v2#";
const TYPE: &str = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric";
const QTST: &str = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST";
const STATUS: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/";
const GRANTED: &str = "granted";
const WHAT: &str = "a trusted list";

/// The qualified time-stamp services of one country.
#[derive(Clone, Debug)]
pub struct TrustedList {
    /// Such as `DE`.
    pub territory: String,
    pub issued_at: Timestamp,
    /// A newer one replaces it until then; `None`: it is the last one.
    pub next_update: Option<Timestamp>,
    /// Of the file.
    pub digest: Digest,
    pub services: Vec<QualifiedService>,
}

/// A service that is, or was, a qualified time-stamp service.
#[derive(Clone, Debug)]
pub struct QualifiedService {
    /// The trust service provider.
    pub provider: String,
    pub name: String,
    /// Subject and public key, both in DER, of each certificate that stands for it: that of the
    /// signer, or of the authority that certifies its signers (TS 119 612 §5.5.3).
    identities: Vec<(Vec<u8>, Vec<u8>)>,
    /// The newest first.
    pub states: Vec<ServiceState>,
}

/// What a service was since a moment, until the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceState {
    pub since: Timestamp,
    /// Whether it was a qualified time-stamp service.
    pub qualified: bool,
    /// Such as `granted` or `withdrawn`.
    pub status: String,
}

/// That a service was granted the qualified status when it made a stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub provider: String,
    pub service: String,
    pub since: Timestamp,
    pub territory: String,
    pub list_issued_at: Timestamp,
}

impl TrustedList {
    /// Reads a list whose file has the digest `pinned`.
    ///
    /// # Errors
    /// Another digest; XML with a document type, or anything but a list of this form (versions 5 and
    /// 6, of one country); more than 64 MB, or more services than a country has.
    pub fn parse(octets: &[u8], pinned: Digest) -> Result<Self> {
        check_size(octets.len(), LIST_BYTES_MAX, WHAT)?;
        let digest = Digest::of(octets);
        if digest != pinned {
            return flaw(format!("its SHA-256 is {}, another than the given one", digest.to_hex()));
        }
        let text = std::str::from_utf8(octets).map_err(|_| unfit("it is not UTF-8"))?;
        let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text.trim_start_matches('\u{feff}'), options)
            .map_err(|error| unfit(&format!("it is not readable XML: {error}")))?;
        let root = document.root_element();
        if !is(root, "TrustServiceStatusList") {
            return flaw("it is another XML document".into());
        }
        let scheme = only(root, "SchemeInformation")?;
        if !matches!(text_of(scheme, "TSLVersionIdentifier")?, "5" | "6") {
            return flaw("its version is neither 5 nor 6".into());
        }
        if text_of(scheme, "TSLType")? != TYPE {
            return flaw("it is not the list of a country".into());
        }
        let mut services = Vec::new();
        if let Some(providers) = optional(root, "TrustServiceProviderList")? {
            for provider in children(providers, "TrustServiceProvider") {
                read_provider(provider, &mut services)?;
            }
        }
        Ok(Self {
            territory: text_of(scheme, "SchemeTerritory")?.to_owned(),
            issued_at: time_of(scheme, "ListIssueDateTime")?,
            next_update: match optional(only(scheme, "NextUpdate")?, "dateTime")? {
                Some(_) => Some(time_of(only(scheme, "NextUpdate")?, "dateTime")?),
                None => None,
            },
            digest,
            services,
        })
    }

    /// Whether the authority that one of these certificates (in DER) stands for was a granted,
    /// qualified service at `at`. The certificates are those of the chain that was verified.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn granted<'a>(
        &self,
        chain: impl IntoIterator<Item = &'a [u8]>,
        at: Timestamp,
    ) -> Result<Granted, String> {
        let chain: Vec<(&[u8], &[u8])> = chain
            .into_iter()
            .filter_map(|der| Certificate::parse(der).ok().map(|it| (it.subject, it.public_key)))
            .collect();
        let known = |service: &&QualifiedService| {
            service.identities.iter().any(|(subject, key)| chain.contains(&(subject, key)))
        };
        let territory = &self.territory;
        let mut why =
            format!("the list of {territory} has no qualified service with its certificate");
        for service in self.services.iter().filter(known) {
            match service.granted_at(at) {
                Ok(since) => return self.check_age(at).map(|()| self.found(service, since)),
                Err(other) => why = other,
            }
        }
        Err(why)
    }

    fn check_age(&self, at: Timestamp) -> Result<(), String> {
        match self.next_update.filter(|next| at > *next) {
            Some(next) => Err(format!(
                "the list of {} was to be replaced on {next}, before the stamp was made",
                self.territory
            )),
            None => Ok(()),
        }
    }

    fn found(&self, service: &QualifiedService, since: Timestamp) -> Granted {
        Granted {
            provider: service.provider.clone(),
            service: service.name.clone(),
            since,
            territory: self.territory.clone(),
            list_issued_at: self.issued_at,
        }
    }
}

impl QualifiedService {
    fn granted_at(&self, at: Timestamp) -> Result<Timestamp, String> {
        let name = &self.name;
        let Some(state) = self.states.iter().find(|state| state.since <= at) else {
            return Err(format!("the list says nothing of {name:?} at that time"));
        };
        match state.qualified && state.status == GRANTED {
            true => Ok(state.since),
            false if state.qualified => {
                Err(format!("{name:?} was {} since {}", state.status, state.since))
            }
            false => Err(format!("{name:?} was no qualified time-stamp service then")),
        }
    }
}

fn read_provider(provider: Node<'_, '_>, into: &mut Vec<QualifiedService>) -> Result<()> {
    let information = only(provider, "TSPInformation")?;
    let name = name_of(only(information, "TSPName")?)?;
    for service in children(only(provider, "TSPServices")?, "TSPService") {
        let now = only(service, "ServiceInformation")?;
        let mut instances = vec![now];
        if let Some(history) = optional(service, "ServiceHistory")? {
            instances.extend(children(history, "ServiceHistoryInstance"));
        }
        check_size(instances.len(), STATES_MAX, WHAT)?;
        let states: Result<Vec<ServiceState>> =
            instances.iter().map(|it| read_state(*it)).collect();
        let mut states = states?;
        if !states.iter().any(|state| state.qualified) {
            continue;
        }
        if !states.is_sorted_by(|newer, older| newer.since >= older.since) {
            // Their order in the file carries no meaning.
            states.sort_by_key(|state| std::cmp::Reverse(state.since));
        }
        let mut identities = Vec::new();
        for instance in instances {
            read_identities(instance, &mut identities)?;
        }
        check_size(into.len() + 1, SERVICES_MAX, WHAT)?;
        into.push(QualifiedService {
            provider: name.clone(),
            name: name_of(only(now, "ServiceName")?)?,
            identities,
            states,
        });
    }
    Ok(())
}

fn read_state(instance: Node<'_, '_>) -> Result<ServiceState> {
    let status = text_of(instance, "ServiceStatus")?;
    let status = status.strip_prefix(STATUS).unwrap_or(status);
    Ok(ServiceState {
        since: time_of(instance, "StatusStartingTime")?,
        qualified: text_of(instance, "ServiceTypeIdentifier")? == QTST,
        status: status.to_owned(),
    })
}

/// Certificates that are not readable stand for nobody.
fn read_identities(instance: Node<'_, '_>, into: &mut Vec<(Vec<u8>, Vec<u8>)>) -> Result<()> {
    let Some(identity) = optional(instance, "ServiceDigitalIdentity")? else { return Ok(()) };
    for id in children(identity, "DigitalId") {
        let Some(node) = optional(id, "X509Certificate")? else { continue };
        check_size(into.len() + 1, STATES_MAX, WHAT)?;
        let text: String = node.text().unwrap_or_default().split_ascii_whitespace().collect();
        let Ok(der) = STANDARD.decode(text) else { continue };
        if let Ok(certificate) = Certificate::parse(&der) {
            into.push((certificate.subject.to_vec(), certificate.public_key.to_vec()));
        }
    }
    into.sort();
    into.dedup();
    Ok(())
}

/// The English name, or the first one.
fn name_of(names: Node<'_, '_>) -> Result<String> {
    const LANGUAGE: (&str, &str) = ("http://www.w3.org/XML/1998/namespace", "lang");
    let english = children(names, "Name").find(|it| it.attribute(LANGUAGE) == Some("en"));
    let name = english.or_else(|| children(names, "Name").next());
    let name = name.and_then(|it| it.text()).ok_or_else(|| unfit("a name is missing"))?;
    Ok(name.trim().to_owned())
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name((NAMESPACE, name))
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is(*child, name))
}

fn optional<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Result<Option<Node<'a, 'i>>> {
    let mut found = children(node, name);
    let first = found.next();
    match found.next() {
        Some(_) => flaw(format!("{name} is there twice")),
        None => Ok(first),
    }
}

fn only<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Result<Node<'a, 'i>> {
    optional(node, name)?.ok_or_else(|| unfit(&format!("{name} is missing")))
}

fn text_of<'a>(node: Node<'a, '_>, name: &'static str) -> Result<&'a str> {
    let text = only(node, name)?.text().unwrap_or_default().trim();
    if text.is_empty() { flaw(format!("{name} is empty")) } else { Ok(text) }
}

fn time_of(node: Node<'_, '_>, name: &'static str) -> Result<Timestamp> {
    let text = text_of(node, name)?;
    text.parse().map_err(|_| unfit(&format!("{name} is no time")))
}

fn unfit(why: &str) -> EvidenceError {
    EvidenceError::TrustedListUnfit(why.to_owned())
}

fn flaw<T>(why: String) -> Result<T> {
    Err(EvidenceError::TrustedListUnfit(why))
}
