use model::MailKind;

use super::Field;

/// What stands before a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    After,
    Before,
    Field(Field),
    Has,
    Id,
    Kind,
    Larger,
    On,
    Smaller,
    Source,
}

/// English names come first: they are what is printed and offered. The others are understood.
const OPERATORS: [(Operator, &[&str]); 17] = [
    (Operator::After, &["after", "since", "nach", "ab", "seit"]),
    (Operator::Before, &["before", "vor"]),
    (Operator::Field(Field::Attachment), &["attachment", "filename", "anhang", "dateiname"]),
    (Operator::Field(Field::Bcc), &["bcc"]),
    (Operator::Field(Field::Body), &["body", "text", "inhalt"]),
    (Operator::Field(Field::Cc), &["cc", "kopie"]),
    (Operator::Field(Field::From), &["from", "von", "absender"]),
    (Operator::Field(Field::Subject), &["subject", "betreff"]),
    (Operator::Field(Field::To), &["to", "an", "empfänger", "empfaenger"]),
    (Operator::Field(Field::With), &["with", "mit", "beteiligt"]),
    (Operator::Has, &["has", "hat"]),
    (Operator::Id, &["id", "message-id", "kennung"]),
    (Operator::Kind, &["kind", "art"]),
    (Operator::Larger, &["larger", "größer", "groesser"]),
    (Operator::On, &["on", "am", "im"]),
    (Operator::Smaller, &["smaller", "kleiner"]),
    (Operator::Source, &["source", "quelle"]),
];

impl Operator {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        OPERATORS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(op, _)| *op)
    }

    pub(super) fn name(self) -> &'static str {
        OPERATORS.iter().find(|(op, _)| *op == self).map_or("", |(_, names)| names[0])
    }

    pub(super) fn all() -> impl Iterator<Item = (Self, &'static [&'static str])> {
        OPERATORS.iter().copied()
    }
}

pub(super) fn field_name(field: Field) -> Option<&'static str> {
    (field != Field::Any).then(|| Operator::Field(field).name())
}

pub(super) const KINDS: [(MailKind, &[&str]); 4] = [
    (MailKind::Calendar, &["calendar", "kalender", "termin"]),
    (MailKind::Encrypted, &["encrypted", "verschlüsselt", "verschluesselt"]),
    (MailKind::Mail, &["mail"]),
    (MailKind::Report, &["report", "bericht"]),
];

pub(super) fn kind_from_name(name: &str) -> Option<MailKind> {
    let name = name.to_lowercase();
    KINDS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(kind, _)| *kind)
}

pub(crate) fn kind_name(kind: MailKind) -> &'static str {
    KINDS.iter().find(|(named, _)| *named == kind).map_or("mail", |(_, names)| names[0])
}

pub(super) const ATTACHMENT_NAMES: [&str; 4] = ["attachment", "attachments", "anhang", "anhänge"];

pub(super) enum Connective {
    And,
    Near(Option<u32>),
    Not,
    Or,
}

/// Connectives are written in capitals, so that they are told from words.
pub(super) fn connective(word: &str) -> Option<Connective> {
    match word {
        "AND" | "UND" => Some(Connective::And),
        "OR" | "ODER" => Some(Connective::Or),
        "NOT" | "NICHT" => Some(Connective::Not),
        "NEAR" => Some(Connective::Near(Some(super::parser::NEAR_DEFAULT))),
        _ => word.strip_prefix("NEAR/").map(|distance| Connective::Near(distance.parse().ok())),
    }
}

/// A number with an optional unit of 1024: `500K`, `1.5M`, `1,5MB`, `10`. In bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_suffix('B').unwrap_or(&text);
    let (number, unit) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1u64 << 10),
        b'M' => (&text[..text.len() - 1], 1 << 20),
        b'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u64>().ok()?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    // At most 999 × 2^30: no overflow.
    whole.checked_add(thousandths * unit / 1000)
}
