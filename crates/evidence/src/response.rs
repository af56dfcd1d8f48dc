use model::Timestamp;

use crate::der::{self, BIT_STRING, Reader, SEQUENCE, UTF8_STRING};
use crate::record::check_size;
use crate::{
    EvidenceError, Limits, Request, Result, TimeStampToken, TrustAnchors, VerifiedToken,
    verify_token,
};

const NAME: &str = "the answer of the time-stamp authority";
/// How far the authority's clock may be from ours, in seconds.
const SKEW_SECONDS_MAX: i64 = 300;
/// Texts of a refusal that are shown.
const TEXTS_MAX: usize = 8;

/// Checks the answer to a request: the authority granted it, the token is for this imprint, nonce
/// and policy, its time is within five minutes of `now`, and [`verify_token`] agrees; its
/// certificates must also still be valid and unrevoked `now`.
///
/// That the serial number was never seen before is for the caller to check.
///
/// # Errors
/// The first check that fails; nothing is stamped then.
pub fn check_response(
    request: &Request,
    answer: &[u8],
    anchors: &TrustAnchors,
    now: Timestamp,
    limits: &Limits,
) -> Result<VerifiedToken> {
    let token = TimeStampToken::parse(granted(answer, limits)?, limits)?;
    let info = token.info();
    if info.algorithm != request.algorithm || info.imprint != request.imprint {
        return Err(EvidenceError::AnswerDiffers("hash value"));
    }
    let nonce: Vec<u8> = der::unsigned(der::INTEGER, request.nonce)[2..].to_vec();
    if info.nonce.as_deref() != Some(crate::tst_info::significant(&nonce)) {
        return Err(EvidenceError::AnswerDiffers("nonce"));
    }
    if request.policy.as_ref().is_some_and(|policy| *policy != info.policy) {
        return Err(EvidenceError::AnswerDiffers("policy"));
    }
    let stamped = info.gen_time;
    if (stamped.as_seconds() - now.as_seconds()).abs() > SKEW_SECONDS_MAX {
        return Err(EvidenceError::ClockDiffers { stamped, now });
    }
    let verified = verify_token(&token, anchors)?;
    if verified.valid_until < now {
        return Err(EvidenceError::CertificateEnded {
            subject: verified.authority,
            ended: verified.valid_until,
            needed: now,
        });
    }
    for status in &verified.revocation {
        status.check(stamped, now)?;
    }
    Ok(verified)
}

/// The token of a TimeStampResp whose status is granted (RFC 3161 §2.4.2).
fn granted<'a>(answer: &'a [u8], limits: &Limits) -> Result<&'a [u8]> {
    check_size(answer.len(), limits.token_bytes_max, NAME)?;
    let mut fields = Reader::new(Reader::whole(answer, SEQUENCE, NAME)?.value, NAME);
    let mut status = fields.inside(SEQUENCE)?;
    let code = status.number()?;
    let mut texts = Vec::new();
    if let Some(mut inner) = status.inside_optional(SEQUENCE)? {
        while !inner.is_empty() && texts.len() < TEXTS_MAX {
            let text = inner.expect(UTF8_STRING)?.value;
            texts.push(String::from_utf8_lossy(text).into_owned());
        }
    }
    let failures = match status.optional(BIT_STRING)? {
        Some(bits) => failures(bits.value),
        None => Vec::new(),
    };
    status.finish()?;
    match code {
        // Granted, and granted with modifications: those are checked one by one.
        0 | 1 => {
            let token = fields.expect(SEQUENCE)?.raw;
            fields.finish()?;
            Ok(token)
        }
        _ => {
            let mut reason = match code {
                2 => "the request was rejected".to_owned(),
                3 => "it asks to wait".to_owned(),
                4 => "a revocation is coming".to_owned(),
                5 => "it has been revoked".to_owned(),
                other => format!("status {other}"),
            };
            for part in failures.iter().copied().map(str::to_owned).chain(texts) {
                reason.push_str("; ");
                reason.extend(part.chars().filter(|it| !it.is_control()).take(200));
            }
            Err(EvidenceError::AuthorityRefused(reason))
        }
    }
}

/// PKIFailureInfo: the names of the bits that are set.
fn failures(bits: &[u8]) -> Vec<&'static str> {
    const NAMES: &[(usize, &str)] = &[
        (0, "hash algorithm not known (badAlg)"),
        (2, "request not allowed or not supported (badRequest)"),
        (5, "request not readable (badDataFormat)"),
        (14, "its time source is not available (timeNotAvailable)"),
        (15, "policy not supported (unacceptedPolicy)"),
        (16, "extension not supported (unacceptedExtension)"),
        (17, "additional information not available (addInfoNotAvailable)"),
        (25, "it cannot answer because of a failure (systemFailure)"),
    ];
    let set =
        |bit: usize| bits.get(1 + bit / 8).is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0);
    NAMES.iter().filter(|(bit, _)| set(*bit)).map(|(_, name)| *name).collect()
}
