use model::Timestamp;

use super::{RevocationReason, Said, Signed, covering};
use crate::certificate::{Certificate, find_extension};
use crate::der::{self, Algorithm, GENERALIZED_TIME, Reader, SEQUENCE, UTC_TIME, constructed};
use crate::record::check_size;
use crate::tst_info::significant;
use crate::{EvidenceError, Limits, Result, oid, time};

const NAME: &str = "a certificate revocation list";

/// A CertificateList (RFC 5280 §5.1).
pub struct Crl<'a> {
    signed: Signed<'a>,
    issuer: &'a [u8],
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    revoked: Option<Reader<'a>>,
}

impl<'a> Crl<'a> {
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        let signed = Signed::read(octets, NAME)?;
        signed.rest.finish()?;
        let mut fields = Reader::new(signed.tbs.value, NAME);
        if fields.peek() == Some(der::INTEGER) && fields.number()? != 1 {
            return Err(fields.flaw("its version is not 2"));
        }
        if Algorithm::read(&mut fields)?.content != signed.algorithm {
            return Err(fields.flaw("it names two signature algorithms"));
        }
        let issuer = fields.expect(SEQUENCE)?.raw;
        let this_update = time::read(&mut fields)?;
        let next_update = match fields.peek() {
            Some(UTC_TIME | GENERALIZED_TIME) => Some(time::read(&mut fields)?),
            _ => None,
        };
        let revoked = fields.inside_optional(SEQUENCE)?;
        let extensions = match fields.inside_optional(constructed(0))? {
            Some(mut explicit) => Some(explicit.expect(SEQUENCE)?.value),
            None => None,
        };
        fields.finish()?;
        for id in [oid::ISSUING_DISTRIBUTION_POINT, oid::DELTA_CRL] {
            if find_extension(extensions, id, NAME)?.is_some_and(|it| it.critical) {
                let why = "the list is about a part of the certificates only".to_owned();
                return Err(EvidenceError::RevocationUnfit(why));
            }
        }
        Ok(Self { signed, issuer, this_update, next_update, revoked })
    }

    pub fn check_size(&self, limits: &Limits) -> Result<()> {
        let mut entries = self.revoked.clone();
        let mut count = 0;
        while let Some(reader) = entries.as_mut().filter(|reader| !reader.is_empty()) {
            reader.next()?;
            count += 1;
            check_size(count, limits.revoked_max, NAME)?;
        }
        Ok(())
    }

    /// Since when the list speaks of `certificate` for a stamp made at `at`, and whether it is
    /// revoked; `None`: it is another issuer's list.
    pub fn about(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        at: Timestamp,
    ) -> Result<Option<Said>> {
        if self.issuer != issuer.subject {
            return Ok(None);
        }
        self.signed.verify(issuer, NAME)?;
        let mut entries = self.revoked.clone();
        let mut found = None;
        while let Some(reader) = entries.as_mut().filter(|reader| !reader.is_empty()) {
            let mut entry = reader.inside(SEQUENCE)?;
            let serial = entry.integer()?;
            let revoked_at = time::read(&mut entry)?;
            let extensions = entry.optional(SEQUENCE)?.map(|tlv| tlv.value);
            entry.finish()?;
            if significant(serial) != significant(certificate.serial) {
                continue;
            }
            let code = match find_extension(extensions, oid::CRL_REASON, NAME)? {
                Some(reason) => {
                    let code = Reader::whole(reason.value, der::ENUMERATED, NAME)?.value;
                    Some(entry.unsigned(code)?)
                }
                None => None,
            };
            found = super::earliest(found, Some((revoked_at, RevocationReason::from_code(code))));
        }
        Ok(Some((covering(self.this_update, self.next_update, at), found)))
    }
}
