use model::{IndexDocument, MailKind, Mailbox, RecordId, Timestamp};

use crate::{ANALYZER_VERSION, Calendar, Query};

/// Rows of one answer at most.
pub const LIMIT_MAX: usize = 500;

/// Senders that the facets name, the most frequent ones.
pub const FACET_SENDERS: usize = 10;

/// The order of the rows; equal keys are ordered by row, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    DateDescending,
    DateAscending,
    /// Best match first. Scores move a little when mail arrives between two pages.
    Relevance,
    /// By the first sender's address.
    SenderAscending,
    SenderDescending,
    SizeAscending,
    SizeDescending,
    /// By the subject without reply prefixes, folded, first 48 bytes.
    SubjectAscending,
    SubjectDescending,
}

impl Sort {
    pub const ALL: [Self; 9] = [
        Self::DateDescending,
        Self::DateAscending,
        Self::Relevance,
        Self::SenderAscending,
        Self::SenderDescending,
        Self::SizeAscending,
        Self::SizeDescending,
        Self::SubjectAscending,
        Self::SubjectDescending,
    ];

    /// The name in URLs and cursors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DateDescending => "date",
            Self::DateAscending => "oldest",
            Self::Relevance => "relevance",
            Self::SenderAscending => "sender",
            Self::SenderDescending => "sender-desc",
            Self::SizeAscending => "smallest",
            Self::SizeDescending => "size",
            Self::SubjectAscending => "subject",
            Self::SubjectDescending => "subject-desc",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }
}

/// One question.
#[derive(Clone, Debug)]
pub struct SearchRequest<'a> {
    pub query: &'a Query,
    /// What today is, and where: gives dates in the query their meaning.
    pub calendar: &'a Calendar,
    pub sort: Sort,
    /// [`Hits::next`] of the page before; `None` is the first page.
    pub cursor: Option<&'a str>,
    /// Rows wanted; more than [`LIMIT_MAX`] gives [`LIMIT_MAX`], 0 only counts.
    pub limit: usize,
    pub facets: bool,
}

/// Records that [`crate::SearchIndex::matching`] is asked about at once, at most.
pub const MATCH_RECORDS_MAX: usize = 1_000;

/// Which of a few mails fulfil a query: for decisions about mail, not for people.
#[derive(Clone, Debug)]
pub struct MatchRequest<'a> {
    pub query: &'a Query,
    /// Gives dates in the query their meaning.
    pub calendar: &'a Calendar,
    /// Keys of addresses, one of which takes part; none: anybody.
    pub addresses: &'a [String],
    /// When it was sent (as lists show it) or received: one of both is enough.
    pub span: policy::Span,
    /// At most [`MATCH_RECORDS_MAX`]; what is beyond is not looked at. `None`: all are counted.
    pub records: Option<&'a [RecordId]>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Those of the records that fulfil it, in no order; none when all were asked about.
    pub records: Vec<RecordId>,
    /// How many fulfil it.
    pub total: u64,
    /// The ledger sequence through which the index was complete: of mail that came later this
    /// says nothing.
    pub indexed_through: u64,
}

/// One mail found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub record: RecordId,
    /// The catalog's row of the record.
    pub row: u64,
    /// Only with [`Sort::Relevance`], else 0.
    pub score: f32,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// Mails that match within the scope, exactly, on all pages together.
    pub total: u64,
    pub rows: Vec<Hit>,
    /// Opaque; asks for the page after these rows. `None`: this was the last.
    pub next: Option<String>,
    /// Over all `total` mails; `None` when not asked for.
    pub facets: Option<Facets>,
    /// The ledger sequence through which the index was complete.
    pub indexed_through: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCount<T> {
    pub value: T,
    pub count: u64,
}

/// A class of sizes of whole mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SizeClass {
    Below10K,
    Below100K,
    Below1M,
    Below10M,
    From10M,
}

impl SizeClass {
    pub const ALL: [Self; 5] =
        [Self::Below10K, Self::Below100K, Self::Below1M, Self::Below10M, Self::From10M];

    pub const fn of(size_bytes: u64) -> Self {
        match size_bytes {
            0..0x2800 => Self::Below10K,
            0x2800..0x1_9000 => Self::Below100K,
            0x1_9000..0x10_0000 => Self::Below1M,
            0x10_0000..0xa0_0000 => Self::Below10M,
            _ => Self::From10M,
        }
    }

    /// The smallest size of the class, and the first that is too large for it, in bytes.
    pub const fn bounds(self) -> (u64, Option<u64>) {
        match self {
            Self::Below10K => (0, Some(0x2800)),
            Self::Below100K => (0x2800, Some(0x1_9000)),
            Self::Below1M => (0x1_9000, Some(0x10_0000)),
            Self::Below10M => (0x10_0000, Some(0xa0_0000)),
            Self::From10M => (0xa0_0000, None),
        }
    }
}

/// Counts over the whole answer. Values that do not occur are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Address keys of first senders, most frequent first, at most [`FACET_SENDERS`].
    pub senders: Vec<FacetCount<String>>,
    /// How many different first senders there are in all.
    pub senders_total: u64,
    /// Years of the mails' dates in UTC, newest first.
    pub years: Vec<FacetCount<i16>>,
    pub kinds: Vec<FacetCount<MailKind>>,
    pub with_attachment: u64,
    /// Smallest class first.
    pub sizes: Vec<FacetCount<SizeClass>>,
}

/// The year in UTC as the facet counts it.
pub(crate) fn year(date: Timestamp) -> i16 {
    jiff::Timestamp::from_microsecond(date.as_micros())
        .map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC).year())
        .unwrap_or(1970)
}

/// The address key that stands for a mail's sender in sort order and facets.
pub(crate) fn sender_key(document: &IndexDocument) -> String {
    document.from.first().map(|mailbox| mailbox.address.key()).unwrap_or_default()
}

/// FNV-1a with 64 bits over length-prefixed fields: the same on every machine and version.
struct Fnv(u64);

impl Fnv {
    fn octets(&mut self, octets: &[u8]) {
        // Eight octets a step: the body is long, and this is no defence against anybody.
        let (chunks, rest) = octets.as_chunks::<8>();
        for chunk in chunks {
            self.word(u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
        self.word(octets.len() as u64);
    }

    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 ^= self.0 >> 29;
    }

    fn mailboxes(&mut self, mailboxes: &[Mailbox]) {
        self.word(mailboxes.len() as u64);
        for mailbox in mailboxes {
            self.octets(mailbox.name.as_bytes());
            self.octets(mailbox.address.as_str().as_bytes());
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.word(texts.len() as u64);
        texts.iter().for_each(|text| self.octets(text.as_bytes()));
    }
}

pub(crate) fn text_hash(text: &str) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.octets(text.as_bytes());
    hash.0
}

pub(crate) fn digest(document: &IndexDocument) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.word(u64::from(ANALYZER_VERSION));
    hash.octets(document.record.as_bytes());
    hash.word(document.row);
    // The order of owners says nothing.
    let mut owners = document.owners.clone();
    owners.sort_unstable();
    owners.dedup();
    hash.texts(&owners);
    for list in [&document.from, &document.to, &document.cc, &document.bcc, &document.others] {
        hash.mailboxes(list);
    }
    hash.octets(document.subject.as_bytes());
    hash.octets(document.body.as_bytes());
    hash.texts(&document.attachment_names);
    hash.octets(document.message_id.as_deref().unwrap_or_default().as_bytes());
    hash.word(document.date.as_micros() as u64);
    hash.word(document.received_at.as_micros() as u64);
    hash.word(document.size_bytes);
    hash.word(u64::from(document.has_attachment));
    hash.word(kind_code(document.kind));
    hash.texts(&document.source);
    hash.0
}

/// Kinds as they stand in fast fields; part of the index format.
pub(crate) const fn kind_code(kind: MailKind) -> u64 {
    match kind {
        MailKind::Calendar => 1,
        MailKind::Encrypted => 2,
        MailKind::Mail => 3,
        MailKind::Report => 4,
    }
}

pub(crate) const KINDS: [MailKind; 4] =
    [MailKind::Calendar, MailKind::Encrypted, MailKind::Mail, MailKind::Report];
