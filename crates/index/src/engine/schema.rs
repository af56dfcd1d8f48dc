use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

/// Grows whenever an index of the former layout cannot be used any more.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// Positions between two mailboxes, attachment names and the like: no phrase and no window
/// (`query::DISTANCE_MAX`) reaches across.
const GAP: usize = 1000;

/// In analysed text, before a token that stands at the position of the next one.
pub(super) const EXTRA: char = '\u{1}';
/// In analysed text, a token of its own: a gap.
pub(super) const GAP_MARK: char = '\u{2}';

/// The fields of a mail in the index. Nothing is stored: rows come from fast fields, texts from
/// the vault.
pub(super) struct Fields {
    pub schema: Schema,
    // Words in order, un-stemmed.
    pub attachment: Field,
    pub bcc: Field,
    pub body: Field,
    pub cc: Field,
    pub from: Field,
    /// Subject, attachment names, everybody but blind copies.
    pub head: Field,
    pub others: Field,
    pub subject: Field,
    pub to: Field,
    // Stems, as sets.
    pub attachment_stem: Field,
    pub body_stem: Field,
    pub head_stem: Field,
    pub subject_stem: Field,
    // Exact terms.
    pub id: Field,
    pub message_id: Field,
    pub owner: Field,
    pub sender: Field,
    pub source: Field,
    /// `kind:…`, `has:attachment`.
    pub tag: Field,
    // Fast fields.
    pub date: Field,
    pub digest: Field,
    pub facets: Field,
    pub id_high: Field,
    pub id_low: Field,
    pub received: Field,
    pub row: Field,
    pub sender_hash: Field,
    pub sender_sort: Field,
    pub size: Field,
    pub subject_sort: Field,
}

pub(super) const WORDS_TOKENIZER: &str = "words";

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let indexed = |option, norms| {
            TextOptions::default().set_indexing_options(
                TextFieldIndexing::default()
                    .set_tokenizer(WORDS_TOKENIZER)
                    .set_index_option(option)
                    .set_fieldnorms(norms),
            )
        };
        let words = indexed(IndexRecordOption::WithFreqsAndPositions, false);
        let scored = indexed(IndexRecordOption::WithFreqsAndPositions, true);
        let stems = indexed(IndexRecordOption::Basic, false);
        let sorted = || TextOptions::default().set_fast("raw");
        Self {
            attachment: schema.add_text_field("attachment", words.clone()),
            bcc: schema.add_text_field("bcc", words.clone()),
            body: schema.add_text_field("body", scored.clone()),
            cc: schema.add_text_field("cc", words.clone()),
            from: schema.add_text_field("from", words.clone()),
            head: schema.add_text_field("head", words.clone()),
            others: schema.add_text_field("others", words.clone()),
            subject: schema.add_text_field("subject", scored),
            to: schema.add_text_field("to", words),
            attachment_stem: schema.add_text_field("attachment_stem", stems.clone()),
            body_stem: schema.add_text_field("body_stem", stems.clone()),
            head_stem: schema.add_text_field("head_stem", stems.clone()),
            subject_stem: schema.add_text_field("subject_stem", stems),
            id: schema.add_bytes_field("id", INDEXED),
            message_id: schema.add_text_field("message_id", STRING),
            owner: schema.add_text_field("owner", STRING),
            sender: schema.add_text_field("sender", STRING),
            source: schema.add_text_field("source", STRING),
            tag: schema.add_text_field("tag", STRING),
            date: schema.add_i64_field("date", FAST),
            digest: schema.add_u64_field("digest", FAST),
            facets: schema.add_u64_field("facets", FAST),
            id_high: schema.add_u64_field("id_high", FAST),
            id_low: schema.add_u64_field("id_low", FAST),
            received: schema.add_i64_field("received", FAST),
            row: schema.add_u64_field("row", FAST),
            sender_hash: schema.add_u64_field("sender_hash", FAST),
            sender_sort: schema.add_text_field("sender_sort", sorted()),
            size: schema.add_u64_field("size", FAST),
            subject_sort: schema.add_text_field("subject_sort", sorted()),
            schema: schema.build(),
        }
    }
}

pub(super) fn tokenizers() -> TokenizerManager {
    let tokenizers = TokenizerManager::default();
    tokenizers.register(WORDS_TOKENIZER, TextAnalyzer::builder(Analysed::default()).build());
    tokenizers
}

/// Takes text apart that was analysed before and put together with spaces.
#[derive(Clone, Default)]
struct Analysed {
    token: Token,
}

struct AnalysedStream<'a> {
    text: &'a str,
    at: usize,
    position: usize,
    token: &'a mut Token,
}

impl Tokenizer for Analysed {
    type TokenStream<'a> = AnalysedStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> AnalysedStream<'a> {
        self.token.reset();
        AnalysedStream { text, at: 0, position: 0, token: &mut self.token }
    }
}

impl TokenStream for AnalysedStream<'_> {
    fn advance(&mut self) -> bool {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let length = rest.as_bytes().iter().position(|octet| *octet == b' ');
            let (from, length) = (self.at, length.unwrap_or(rest.len()));
            let word = &rest[..length];
            self.at += length + 1;
            let (word, step) = match word.chars().next() {
                None => continue,
                Some(GAP_MARK) => {
                    self.position += GAP;
                    continue;
                }
                Some(EXTRA) => (&word[EXTRA.len_utf8()..], 0),
                Some(_) => (word, 1),
            };
            self.token.text.clear();
            self.token.text.push_str(word);
            self.token.position = self.position;
            self.token.offset_from = from;
            self.token.offset_to = from + length;
            self.position += step;
            return true;
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
