use std::fmt;
use std::sync::Arc;

use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// The address under which browsers reach the server, such as `https://archive.example`.
#[derive(Clone)]
pub struct Site {
    url: Url,
    /// `None`: passkeys need a name, not a number.
    webauthn: Option<Arc<Webauthn>>,
}

/// The text is no address of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    #[error("expected an address such as https://archive.example, without a path")]
    Malformed,
    #[error("the address must begin with https://; http:// is for localhost only")]
    NotSecure,
}

impl Site {
    /// # Errors
    /// When `text` is no `https://name[:port]`; `http://` is taken for `localhost` and loopback
    /// addresses.
    pub fn parse(text: &str) -> Result<Self, SiteError> {
        let url = Url::parse(text.trim()).map_err(|_| SiteError::Malformed)?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let Some(host) = url.host() else { return Err(SiteError::Malformed) };
        let near = match host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        match url.scheme() {
            _ if !bare => return Err(SiteError::Malformed),
            "https" => {}
            "http" if near => {}
            "http" => return Err(SiteError::NotSecure),
            _ => return Err(SiteError::Malformed),
        }
        let webauthn = match host {
            Host::Domain(name) => {
                let builder = WebauthnBuilder::new(name, &url).map(|it| it.rp_name("Chancery"));
                builder.and_then(WebauthnBuilder::build).ok().map(Arc::new)
            }
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        };
        Ok(Self { url, webauthn })
    }

    /// Without a slash at its end.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// As browsers write it in `Host`: with the port unless it is the scheme's own.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub(crate) fn webauthn(&self) -> Option<Arc<Webauthn>> {
        self.webauthn.clone()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({})", self.origin())
    }
}
