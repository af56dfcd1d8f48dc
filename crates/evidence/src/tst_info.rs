use model::Timestamp;

use crate::der::{self, Algorithm, GENERALIZED_TIME, OCTET_STRING, Reader, SEQUENCE, constructed};
use crate::{HashAlgorithm, HashValue, Result, oid, time};

const NAME: &str = "the content of the time stamp";

/// What an authority signs (RFC 3161 §2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TstInfo {
    /// Dotted decimal notation.
    pub policy: String,
    pub algorithm: HashAlgorithm,
    /// The hash value that was stamped.
    pub imprint: HashValue,
    /// The number that the authority gave, without leading zeros.
    pub serial: Vec<u8>,
    pub gen_time: Timestamp,
    /// How far the true time may lie from `gen_time`; `None` when the authority does not say.
    pub accuracy_micros: Option<u64>,
    pub ordering: bool,
    /// Without a leading zero octet.
    pub nonce: Option<Vec<u8>>,
    /// Whether the authority claims that this is a qualified time stamp (EN 319 422 §9.1). It is
    /// a claim until the EU trusted list says the same of the authority at `gen_time`.
    pub claims_qualified: bool,
}

impl TstInfo {
    pub(crate) fn parse(octets: &[u8]) -> Result<Self> {
        let mut fields = Reader::new(Reader::whole(octets, SEQUENCE, NAME)?.value, NAME);
        if fields.number()? != 1 {
            return Err(fields.flaw("its version is not 1"));
        }
        let policy = oid::dotted(fields.oid()?);
        let (algorithm, imprint) = read_imprint(&mut fields)?;
        let serial = significant(fields.integer()?).to_vec();
        if serial.len() > 20 {
            return Err(fields.flaw("its serial number is longer than 160 bits"));
        }
        let gen_time = time::generalized(fields.expect(GENERALIZED_TIME)?.value)?;
        let accuracy_micros = match fields.inside_optional(SEQUENCE)? {
            Some(accuracy) => Some(read_accuracy(accuracy)?),
            None => None,
        };
        let ordering = fields.flag()?;
        let nonce = match fields.peek() {
            Some(der::INTEGER) => Some(significant(fields.integer()?).to_vec()),
            _ => None,
        };
        fields.optional(constructed(0))?;
        let claims_qualified = match fields.inside_optional(constructed(1))? {
            Some(extensions) => read_extensions(extensions)?,
            None => false,
        };
        fields.finish()?;
        Ok(Self {
            policy,
            algorithm,
            imprint,
            serial,
            gen_time,
            accuracy_micros,
            ordering,
            nonce,
            claims_qualified,
        })
    }

    /// The serial number in hexadecimal digits.
    pub fn serial_hex(&self) -> String {
        self.serial.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

/// MessageImprint: a hash algorithm and a value of its length.
pub fn read_imprint(fields: &mut Reader<'_>) -> Result<(HashAlgorithm, HashValue)> {
    let mut imprint = fields.inside(SEQUENCE)?;
    let algorithm = Algorithm::read(&mut imprint)?;
    let algorithm = HashAlgorithm::from_algorithm(&algorithm, "the time stamp's imprint")?;
    let octets = imprint.expect(OCTET_STRING)?.value;
    imprint.finish()?;
    let value = HashValue::new(algorithm, octets)
        .ok_or_else(|| imprint.flaw("its imprint is not as long as its hash algorithm's"))?;
    Ok((algorithm, value))
}

/// An integer without the zero octet that keeps it positive.
pub fn significant(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        _ => integer,
    }
}

fn read_accuracy(mut fields: Reader<'_>) -> Result<u64> {
    let seconds = if fields.peek() == Some(der::INTEGER) { fields.number()? } else { 0 };
    let mut part = |tag: u8| match fields.optional(der::context(tag))? {
        Some(tlv) => match fields.unsigned(tlv.value)? {
            number @ 1..=999 => Ok(number),
            _ => Err(fields.flaw("its accuracy is out of range")),
        },
        None => Ok(0),
    };
    let (millis, micros) = (part(0)?, part(1)?);
    fields.finish()?;
    Ok(seconds.saturating_mul(1_000_000).saturating_add(millis * 1000 + micros))
}

/// Whether the statement of a qualified time stamp is there. An extension that is critical and not
/// known refuses the token (RFC 3161 §2.4.2).
fn read_extensions(mut extensions: Reader<'_>) -> Result<bool> {
    let mut qualified = false;
    while !extensions.is_empty() {
        let mut extension = extensions.inside(SEQUENCE)?;
        let id = extension.oid()?;
        let critical = extension.flag()?;
        let value = extension.expect(OCTET_STRING)?.value;
        extension.finish()?;
        if id == oid::QC_STATEMENTS {
            let mut statements = Reader::new(Reader::whole(value, SEQUENCE, NAME)?.value, NAME);
            while !statements.is_empty() {
                qualified |= statements.inside(SEQUENCE)?.oid()? == oid::QUALIFIED_STAMP;
            }
        } else if critical {
            return Err(extensions.flaw("it has a critical extension that is not known"));
        }
    }
    Ok(qualified)
}
