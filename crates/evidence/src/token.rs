use crate::certificate::Certificate;
use crate::der::{self, Algorithm, OCTET_STRING, Reader, SEQUENCE, SET, constructed, context};
use crate::record::check_size;
use crate::revocation::RevocationInfo;
use crate::{EvidenceError, HashAlgorithm, Limits, Result, TstInfo, oid};

const NAME: &str = "the time-stamp token";

/// A time-stamp token (RFC 3161 §2.4.2): SignedData (RFC 5652) over a [`TstInfo`].
///
/// Read, not verified: [`crate::verify_token`] does that. Gives back the octets it was read from.
#[derive(Clone, Debug)]
pub struct TimeStampToken {
    der: Vec<u8>,
    info: TstInfo,
    pub(crate) content: Vec<u8>,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) revocation: Vec<RevocationInfo>,
    pub(crate) signer: Signer,
}

/// The one SignerInfo.
#[derive(Clone, Debug)]
pub struct Signer {
    pub id: SignerId,
    pub digest: HashAlgorithm,
    /// The content of the signed attributes: the DER of each, one after the other.
    pub attributes: Vec<u8>,
    /// The content of the AlgorithmIdentifier of the signature.
    pub algorithm: Vec<u8>,
    pub signature: Vec<u8>,
}

/// How the certificate of the signer is named.
#[derive(Clone, Debug)]
pub enum SignerId {
    /// The DER of the issuer's name, the content of the serial number.
    Issued {
        issuer: Vec<u8>,
        serial: Vec<u8>,
    },
    SubjectKey(Vec<u8>),
}

impl TimeStampToken {
    /// Reads strict DER. Certificates and revocation data may stand in any order: authorities do
    /// not sort them.
    ///
    /// # Errors
    /// Anything but a version 3 or 5 SignedData with one signer over a [`TstInfo`]; unsigned
    /// attributes, because nothing protects them; more than `limits`.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<Self> {
        check_size(octets.len(), limits.token_bytes_max, NAME)?;
        let mut outer = Reader::new(Reader::whole(octets, SEQUENCE, NAME)?.value, NAME);
        if outer.oid()? != oid::SIGNED_DATA {
            return Err(outer.flaw("it is not signed data"));
        }
        let mut explicit = outer.inside(constructed(0))?;
        outer.finish()?;
        let mut fields = explicit.inside(SEQUENCE)?;
        explicit.finish()?;
        let version = fields.number()?;
        let digests = read_digests(fields.inside(SET)?)?;
        let content = read_content(fields.inside(SEQUENCE)?)?.to_vec();
        let certificates = match fields.inside_optional(constructed(0))? {
            Some(set) => read_certificates(set, limits)?,
            None => Vec::new(),
        };
        let revocation = match fields.inside_optional(constructed(1))? {
            Some(set) => RevocationInfo::read_set(set, limits)?,
            None => Vec::new(),
        };
        let mut signers = fields.inside(SET)?;
        fields.finish()?;
        let signer = Signer::read(signers.inside(SEQUENCE)?)?;
        if !signers.is_empty() {
            return Err(signers.flaw("it has more than one signer"));
        }
        if !digests.contains(&signer.digest) {
            return Err(fields.flaw("it does not declare its signer's hash algorithm"));
        }
        // RFC 5652 §5.1: 3 for a content other than data, 5 when other revocation data is in it.
        let other = revocation.iter().any(|info| matches!(info, RevocationInfo::Ocsp(_)));
        if version != 3 && !(version == 5 && other) {
            return Err(fields.flaw("its version is not 3"));
        }
        let info = TstInfo::parse(&content)?;
        Ok(Self { der: octets.to_vec(), info, content, certificates, revocation, signer })
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub fn info(&self) -> &TstInfo {
        &self.info
    }

    /// The certificates that the token carries, each in DER.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// When the first of its certificates ends; `None` when one is not readable or there is none.
    /// Without any check: for forecasts.
    pub fn certificates_end(&self) -> Option<model::Timestamp> {
        let ends: Option<Vec<_>> = self
            .certificates
            .iter()
            .map(|octets| Certificate::parse(octets).ok().map(|it| it.not_after))
            .collect();
        ends?.into_iter().min()
    }

    /// The subject of the first of its certificates that is for a purpose of its own, as that of an
    /// authority is; empty when it carries none. Without any check: for people.
    pub fn authority(&self) -> String {
        let read = self.certificates.iter().filter_map(|octets| Certificate::parse(octets).ok());
        let mut named = read.filter(|it| it.purposes().is_ok_and(|purposes| purposes.is_some()));
        named.next().map(|it| it.name()).unwrap_or_default()
    }

    /// The revocation data that the token carries.
    pub fn revocation(&self) -> &[RevocationInfo] {
        &self.revocation
    }

    /// The same token with these certificates and this revocation data in place of its own, as the
    /// basis profile of TR-ESOR wants it. The signature does not cover them and stays valid; the
    /// octets change, so this **must** be done before a record or a renewal is built on the token.
    ///
    /// # Errors
    /// More than `limits`.
    pub fn carrying(
        &self,
        certificates: &[Vec<u8>],
        revocation: &[RevocationInfo],
        limits: &Limits,
    ) -> Result<Self> {
        let other = revocation.iter().any(|info| matches!(info, RevocationInfo::Ocsp(_)));
        let info = der::sequence(&[
            &der::tlv(der::OID, oid::TST_INFO),
            &der::tlv(constructed(0), &der::tlv(OCTET_STRING, &self.content)),
        ]);
        let mut fields = der::unsigned(der::INTEGER, if other { 5 } else { 3 });
        fields.extend(der::tlv(SET, &self.signer.digest.identifier()));
        fields.extend(info);
        if !certificates.is_empty() {
            fields.extend(der::set_of(constructed(0), certificates.to_vec()));
        }
        if !revocation.is_empty() {
            let encoded = revocation.iter().map(RevocationInfo::to_choice).collect();
            fields.extend(der::set_of(constructed(1), encoded));
        }
        fields.extend(der::tlv(SET, &self.signer.to_der()));
        let signed = der::tlv(SEQUENCE, &fields);
        let token = der::sequence(&[
            &der::tlv(der::OID, oid::SIGNED_DATA),
            &der::tlv(constructed(0), &signed),
        ]);
        Self::parse(&token, limits)
    }
}

fn read_digests(mut set: Reader<'_>) -> Result<Vec<HashAlgorithm>> {
    let mut digests = Vec::new();
    while !set.is_empty() {
        let algorithm = Algorithm::read(&mut set)?;
        let place = "the time-stamp token's digests";
        digests.push(HashAlgorithm::from_algorithm(&algorithm, place)?);
        if digests.len() > HashAlgorithm::ALL.len() {
            return Err(set.flaw("it declares a hash algorithm twice"));
        }
    }
    Ok(digests)
}

fn read_content<'a>(mut fields: Reader<'a>) -> Result<&'a [u8]> {
    if fields.oid()? != oid::TST_INFO {
        return Err(fields.flaw("its content is not a time stamp"));
    }
    let mut explicit = fields.inside(constructed(0))?;
    let content = explicit.expect(OCTET_STRING)?.value;
    explicit.finish()?;
    fields.finish()?;
    Ok(content)
}

fn read_certificates(mut set: Reader<'_>, limits: &Limits) -> Result<Vec<Vec<u8>>> {
    let mut certificates = Vec::new();
    while !set.is_empty() {
        check_size(certificates.len() + 1, limits.certificates_max, NAME)?;
        if set.peek() != Some(SEQUENCE) {
            let what = "the token carries something other than X.509 certificates";
            return Err(EvidenceError::Unsupported(what.into()));
        }
        certificates.push(set.next()?.raw.to_vec());
    }
    Ok(certificates)
}

impl Signer {
    fn read(mut fields: Reader<'_>) -> Result<Self> {
        let version = fields.number()?;
        let id = match fields.optional(context(0))? {
            Some(key) => SignerId::SubjectKey(key.value.to_vec()),
            None => {
                let mut issued = fields.inside(SEQUENCE)?;
                let issuer = issued.expect(SEQUENCE)?.raw.to_vec();
                let serial = issued.integer()?.to_vec();
                issued.finish()?;
                SignerId::Issued { issuer, serial }
            }
        };
        let expected = if matches!(id, SignerId::Issued { .. }) { 1 } else { 3 };
        if version != expected {
            return Err(fields.flaw("its signer's version does not fit"));
        }
        let digest = Algorithm::read(&mut fields)?;
        let digest = HashAlgorithm::from_algorithm(&digest, "the time-stamp token's signer")?;
        let attributes = fields
            .optional(constructed(0))?
            .ok_or_else(|| fields.flaw("it has no signed attributes"))?
            .value
            .to_vec();
        let algorithm = Algorithm::read(&mut fields)?.content.to_vec();
        let signature = fields.expect(OCTET_STRING)?.value.to_vec();
        if !fields.is_empty() {
            let what = "the token has unsigned attributes, which nothing protects";
            return Err(EvidenceError::Unsupported(what.into()));
        }
        Ok(Self { id, digest, attributes, algorithm, signature })
    }

    fn to_der(&self) -> Vec<u8> {
        let (version, id) = match &self.id {
            SignerId::Issued { issuer, serial } => {
                (1, der::sequence(&[issuer, &der::tlv(der::INTEGER, serial)]))
            }
            SignerId::SubjectKey(key) => (3, der::tlv(context(0), key)),
        };
        der::sequence(&[
            &der::unsigned(der::INTEGER, version),
            &id,
            &self.digest.identifier(),
            &der::tlv(constructed(0), &self.attributes),
            &der::tlv(SEQUENCE, &self.algorithm),
            &der::tlv(OCTET_STRING, &self.signature),
        ])
    }

    /// What is signed: the attributes as an explicit SET OF (RFC 5652 §5.4).
    pub fn signed_octets(&self) -> Vec<u8> {
        der::tlv(SET, &self.attributes)
    }
}
