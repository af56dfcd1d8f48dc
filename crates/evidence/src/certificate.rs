use ::der::Decode as _;
use model::Timestamp;
use x509_cert::name::Name;

use crate::der::{self, Algorithm, OCTET_STRING, Reader, SEQUENCE, constructed};
use crate::{EvidenceError, Result, oid, time};

const NAME: &str = "a certificate";

/// The fields of an X.509 certificate (RFC 5280 §4.1) that the checks here look at. Chains are
/// built and checked by webpki from the same octets.
#[derive(Clone, Debug)]
pub struct Certificate<'a> {
    pub der: &'a [u8],
    /// What the signature is over.
    pub tbs: &'a [u8],
    pub serial: &'a [u8],
    /// The whole DER of the issuer's name.
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// The whole SubjectPublicKeyInfo.
    pub public_key: &'a [u8],
    extensions: Option<&'a [u8]>,
    /// The content of the AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    pub signature: &'a [u8],
}

/// Whether the extended key usage is critical, and its purposes.
pub type Purposes<'a> = (bool, Vec<&'a [u8]>);

pub struct Extension<'a> {
    pub critical: bool,
    pub value: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        let mut outer = Reader::new(Reader::whole(octets, SEQUENCE, NAME)?.value, NAME);
        let tbs = outer.expect(SEQUENCE)?;
        let algorithm = Algorithm::read(&mut outer)?.content;
        let signature = outer.bits()?;
        outer.finish()?;
        let mut fields = Reader::new(tbs.value, NAME);
        fields.optional(constructed(0))?;
        let serial = fields.integer()?;
        if Algorithm::read(&mut fields)?.content != algorithm {
            return Err(fields.flaw("it names two signature algorithms"));
        }
        let issuer = fields.expect(SEQUENCE)?.raw;
        let mut validity = fields.inside(SEQUENCE)?;
        let not_before = time::read(&mut validity)?;
        let not_after = time::read(&mut validity)?;
        validity.finish()?;
        let subject = fields.expect(SEQUENCE)?.raw;
        let public_key = fields.expect(SEQUENCE)?.raw;
        fields.optional(der::context(1))?;
        fields.optional(der::context(2))?;
        let extensions = match fields.inside_optional(constructed(3))? {
            Some(mut explicit) => Some(explicit.expect(SEQUENCE)?.value),
            None => None,
        };
        fields.finish()?;
        Ok(Self {
            der: octets,
            tbs: tbs.raw,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
            algorithm,
            signature,
        })
    }

    /// The extension of this name; more than one is refused.
    pub fn extension(&self, id: &[u8]) -> Result<Option<Extension<'a>>> {
        find_extension(self.extensions, id, NAME)
    }

    /// The content of the subject key identifier.
    pub fn subject_key(&self) -> Result<Option<&'a [u8]>> {
        const ID: &[u8] = &[0x55, 0x1d, 0x0e];
        match self.extension(ID)? {
            Some(it) => Ok(Some(Reader::whole(it.value, OCTET_STRING, NAME)?.value)),
            None => Ok(None),
        }
    }

    /// Whether the key may sign: digitalSignature or nonRepudiation, or no key usage at all.
    pub fn may_sign(&self) -> Result<bool> {
        let Some(usage) = self.extension(oid::KEY_USAGE)? else { return Ok(true) };
        let bits = Reader::whole(usage.value, der::BIT_STRING, NAME)?.value;
        Ok(bits.get(1).is_some_and(|first| first & 0b1100_0000 != 0))
    }

    /// The purposes of the key, and whether the extension is critical; `None` when it is absent.
    pub fn purposes(&self) -> Result<Option<Purposes<'a>>> {
        let Some(extension) = self.extension(oid::EXTENDED_KEY_USAGE)? else { return Ok(None) };
        let content = Reader::whole(extension.value, SEQUENCE, NAME)?.value;
        let mut reader = Reader::new(content, NAME);
        let mut purposes = Vec::new();
        while !reader.is_empty() {
            purposes.push(reader.oid()?);
        }
        Ok(Some((extension.critical, purposes)))
    }

    /// The subject in the notation of RFC 4514.
    pub fn name(&self) -> String {
        show_name(self.subject)
    }

    /// What kind of public key it is, for messages: `1.2.840.10045.2.1 on 1.3.36.3.3.2.8.1.1.7`.
    pub fn key_kind(&self) -> String {
        let kind = || -> Result<String> {
            let mut key = Reader::new(Reader::whole(self.public_key, SEQUENCE, NAME)?.value, NAME);
            let algorithm = Algorithm::read(&mut key)?;
            let name = oid::dotted(algorithm.oid);
            match Reader::new(algorithm.parameters, NAME).oid() {
                Ok(curve) => Ok(format!("{name} on curve {}", oid::dotted(curve))),
                Err(_) => Ok(name),
            }
        };
        kind().unwrap_or_else(|_| "unreadable".into())
    }
}

pub fn find_extension<'a>(
    extensions: Option<&'a [u8]>,
    id: &[u8],
    structure: &'static str,
) -> Result<Option<Extension<'a>>> {
    let mut reader = Reader::new(extensions.unwrap_or_default(), structure);
    let mut found = None;
    while !reader.is_empty() {
        let mut fields = reader.inside(SEQUENCE)?;
        let name = fields.oid()?;
        // Certificates exist that write the default value out; their signature covers it.
        let critical = match fields.optional(der::BOOLEAN)? {
            Some(tlv) => fields.boolean(tlv.value)?,
            None => false,
        };
        let value = fields.expect(OCTET_STRING)?.value;
        fields.finish()?;
        if name == id && found.replace(Extension { critical, value }).is_some() {
            return Err(reader.flaw("it has an extension twice"));
        }
    }
    Ok(found)
}

/// A name in the notation of RFC 4514.
pub fn show_name(name: &[u8]) -> String {
    Name::from_der(name).map_or_else(|_| "an unreadable name".into(), |name| name.to_string())
}

/// The OCSP and CRL addresses that a certificate names.
pub fn addresses(certificate: &Certificate<'_>) -> Result<(Vec<String>, Vec<String>)> {
    let mut crls = Vec::new();
    if let Some(points) = certificate.extension(oid::CRL_DISTRIBUTION_POINTS)? {
        let mut reader = Reader::new(Reader::whole(points.value, SEQUENCE, NAME)?.value, NAME);
        while !reader.is_empty() {
            let mut point = reader.inside(SEQUENCE)?;
            let Some(mut name) = point.inside_optional(constructed(0))? else { continue };
            let Some(mut full) = name.inside_optional(constructed(0))? else { continue };
            while !full.is_empty() {
                crls.extend(uri(full.next()?));
            }
        }
    }
    let mut ocsp = Vec::new();
    if let Some(access) = certificate.extension(oid::AUTHORITY_INFO_ACCESS)? {
        let mut reader = Reader::new(Reader::whole(access.value, SEQUENCE, NAME)?.value, NAME);
        while !reader.is_empty() {
            let mut description = reader.inside(SEQUENCE)?;
            let method = description.oid()?;
            if method == oid::OCSP {
                ocsp.extend(uri(description.next()?));
            }
        }
    }
    Ok((crls, ocsp))
}

/// A GeneralName that is a uniformResourceIdentifier.
fn uri(name: der::Tlv<'_>) -> Option<String> {
    (name.tag == der::context(6)).then(|| String::from_utf8_lossy(name.value).into_owned())
}

impl Certificate<'_> {
    /// The octets of the public key itself, which OCSP hashes.
    pub fn key_octets(&self) -> Result<&[u8]> {
        let mut key = Reader::new(Reader::whole(self.public_key, SEQUENCE, NAME)?.value, NAME);
        key.expect(SEQUENCE)?;
        key.bits()
    }

    pub fn unfit(&self, why: &str) -> EvidenceError {
        EvidenceError::CertificateUnfit(format!("{}: {why}", self.name()))
    }
}
