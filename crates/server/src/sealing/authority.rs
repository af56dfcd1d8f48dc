//! Time-stamp authorities over HTTP (RFC 3161 §3.4), and the revocation data of their certificates.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use evidence::{Limits, RevocationInfo, RevocationSource, TrustAnchors};
use ledger::{Asked, Authority};
use tokio::runtime::Handle;

use crate::config::{AuthoritySettings, Evidence, RevocationPolicy};

/// How long an authority may take to answer.
const ANSWER_SECONDS_MAX: u64 = 60;
/// The greatest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Addresses of revocation data that are tried for one certificate.
const ADDRESSES_MAX: usize = 4;
/// Authorities that are asked one after the other.
pub const AUTHORITIES_MAX: usize = 8;

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// The configured authorities in the order in which they are asked.
pub struct Authorities {
    all: Vec<HttpAuthority>,
    anchors: TrustAnchors,
}

impl Authorities {
    /// # Errors
    /// When the anchors, a password or a client certificate cannot be read, or an address is none.
    pub fn of(settings: &Evidence) -> anyhow::Result<Self> {
        let anchors = match &settings.anchors {
            Some(path) => read_anchors(path)?,
            None => TrustAnchors::default(),
        };
        let all: Vec<HttpAuthority> = settings
            .authorities()
            .into_iter()
            .map(|one| HttpAuthority::of(one, settings.revocation))
            .collect::<anyhow::Result<_>>()?;
        anyhow::ensure!(
            all.len() <= AUTHORITIES_MAX,
            "evidence names more than {AUTHORITIES_MAX} authorities"
        );
        anyhow::ensure!(
            all.is_empty() || !anchors.is_empty(),
            "evidence.anchors must name the certificates (PEM) that evidence.authority is checked with"
        );
        anyhow::ensure!(
            !settings.double || all.len() > 1,
            "evidence.double needs two authorities: add [[evidence.further]]"
        );
        Ok(Self { all, anchors })
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn asked(&self) -> Vec<Asked<'_>> {
        self.all
            .iter()
            .map(|one| Asked {
                name: &one.name,
                authority: one,
                anchors: &self.anchors,
                policy: one.policy.as_deref(),
            })
            .collect()
    }
}

fn read_anchors(path: &Path) -> anyhow::Result<TrustAnchors> {
    let shown = path.display();
    let pem =
        std::fs::read(path).with_context(|| format!("cannot read evidence.anchors {shown}"))?;
    TrustAnchors::from_pem(&pem).with_context(|| format!("evidence.anchors {shown} is not usable"))
}

/// An authority behind an address, with Basic authentication or a client certificate if it asks
/// for them.
struct HttpAuthority {
    /// Its host: addresses may hold secrets.
    name: String,
    client: reqwest::Client,
    address: reqwest::Url,
    login: Option<(String, String)>,
    policy: Option<String>,
    revocation: RevocationPolicy,
}

impl HttpAuthority {
    fn of(settings: AuthoritySettings, revocation: RevocationPolicy) -> anyhow::Result<Self> {
        let address: reqwest::Url = settings.authority.parse().with_context(|| {
            format!("evidence.authority {:?} is no address", settings.authority)
        })?;
        let mut client = reqwest::Client::builder()
            .timeout(Duration::from_secs(ANSWER_SECONDS_MAX))
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &settings.client_certificate {
            let shown = path.display();
            let pem = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
            let identity = reqwest::Identity::from_pem(&pem).with_context(|| {
                format!("{shown} does not hold a certificate and its private key in PEM")
            })?;
            client = client.identity(identity);
        }
        if let Some(path) = &settings.tls_ca {
            let shown = path.display();
            let pem = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{shown} does not hold certificates in PEM"))?;
            client = client.tls_certs_merge(certificates);
        }
        let client =
            client.build().context("cannot prepare requests to the time-stamp authority")?;
        let login = match &settings.password_file {
            Some(path) => {
                let password = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Some((settings.user.clone(), password.trim_end().to_owned()))
            }
            None => None,
        };
        let name = address.host_str().unwrap_or("time-stamp authority").to_owned();
        let policy = Some(settings.policy).filter(|policy| !policy.is_empty());
        Ok(Self { name, client, address, login, policy, revocation })
    }

    async fn post(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let mut post = self
            .client
            .post(self.address.clone())
            .header("Content-Type", QUERY)
            .header("Accept", REPLY)
            .body(request.to_vec());
        if let Some((user, password)) = &self.login {
            post = post.basic_auth(user, Some(password));
        }
        let answer = post.send().await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(format!("it answers with status {}", answer.status().as_u16()));
        }
        let kind = answer.headers().get("Content-Type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(REPLY) {
            return Err("it answers with something other than a time stamp".into());
        }
        body(answer).await
    }

    async fn fetch(&self, source: &RevocationSource) -> Vec<RevocationInfo> {
        let limits = Limits::default();
        let mut found = Vec::new();
        for address in source.ocsp_addresses.iter().take(ADDRESSES_MAX) {
            let post = self
                .client
                .post(address)
                .header("Content-Type", "application/ocsp-request")
                .body(source.ocsp_request.clone());
            let octets = get(post).await;
            match octets.and_then(|it| RevocationInfo::ocsp_answer(&it).map_err(|e| e.to_string()))
            {
                Ok(info) => found.push(info),
                Err(why) => tracing::debug!(why, "an OCSP responder does not help"),
            }
        }
        for address in source.crl_addresses.iter().take(ADDRESSES_MAX) {
            let octets = get(self.client.get(address)).await;
            match octets.and_then(|it| RevocationInfo::crl(&it, &limits).map_err(|e| e.to_string()))
            {
                Ok(info) => found.push(info),
                Err(why) => tracing::debug!(why, "a revocation list does not help"),
            }
        }
        found
    }
}

async fn get(request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
    let answer = request.send().await.map_err(failed)?;
    match answer.status().is_success() {
        true => body(answer).await,
        false => Err(format!("it answers with status {}", answer.status().as_u16())),
    }
}

async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        octets.extend_from_slice(&chunk);
        if octets.len() > ANSWER_BYTES_MAX {
            return Err("its answer is too long".into());
        }
    }
    Ok(octets)
}

fn failed(error: reqwest::Error) -> String {
    pipeline::Error::chain(&error.without_url())
}

impl Authority for HttpAuthority {
    /// Blocks: called from the pool of blocking threads.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let handle = Handle::try_current().map_err(|_| "the server is stopping".to_owned())?;
        handle.block_on(self.post(request))
    }

    fn revocation(&self, source: &RevocationSource) -> Vec<RevocationInfo> {
        match Handle::try_current() {
            Ok(handle) if self.revocation != RevocationPolicy::Off => {
                handle.block_on(self.fetch(source))
            }
            _ => Vec::new(),
        }
    }
}
