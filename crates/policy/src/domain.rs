use std::borrow::Cow;
use std::collections::HashSet;

use model::EmailAddress;

/// Longest domain name (RFC 1035 §2.3.4), in ASCII.
pub const DOMAIN_BYTES_MAX: usize = 253;

/// The text names no domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a domain name")]
pub struct ParseDomainError;

/// The one form by which domains are compared and kept: lower-case A-labels (RFC 5891), without a
/// final dot. At least two labels of letters, digits, hyphens and underscores.
pub fn domain_name(text: &str) -> Result<String, ParseDomainError> {
    let text = text.trim().trim_end_matches('.');
    let name = idna::domain_to_ascii(text).map_err(|_| ParseDomainError)?.to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let fits = name.len() <= DOMAIN_BYTES_MAX && name.contains('.') && name.split('.').all(label);
    if fits { Ok(name) } else { Err(ParseDomainError) }
}

/// The domains whose mail a tenant archives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    exact: HashSet<String>,
    /// Their sub-domains too.
    with_subdomains: HashSet<String>,
}

impl Domains {
    /// Of names as [`domain_name`] gives them, each with whether its sub-domains count as well.
    pub fn new(names: impl IntoIterator<Item = (String, bool)>) -> Self {
        let mut domains = Self::default();
        for (name, subdomains) in names {
            if subdomains {
                domains.with_subdomains.insert(name.clone());
            }
            domains.exact.insert(name);
        }
        domains
    }

    /// No domain is configured: every mail is the tenant's.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }

    /// Whether the address lies in one of the domains, in whatever case and spelling (U-labels or
    /// A-labels).
    pub fn contains(&self, address: &EmailAddress) -> bool {
        let Some((_, domain)) = address.as_str().rsplit_once('@') else { return false };
        let name = compared(domain);
        if self.exact.contains(&*name) {
            return true;
        }
        let mut rest = &*name;
        while let Some((_, parent)) = rest.split_once('.') {
            if self.with_subdomains.contains(parent) {
                return true;
            }
            rest = parent;
        }
        false
    }
}

/// The domain of an address as [`domain_name`] would write it; what is no name stays as it is.
fn compared(domain: &str) -> Cow<'_, str> {
    let domain = domain.trim_end_matches('.');
    if domain.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(domain);
    }
    match idna::domain_to_ascii(domain) {
        Ok(name) => Cow::Owned(name.to_ascii_lowercase()),
        Err(_) => Cow::Owned(domain.to_lowercase()),
    }
}
