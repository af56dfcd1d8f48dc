//! The engine against an evaluator that looks at every mail, word by word.

use model::{EmailAddress, IndexDocument, MailKind, Mailbox, Timestamp};
use policy::{OwnedAddress, Scope, Span};
use proptest::prelude::*;

use super::{TENANT, filled};
use crate::analyzer::{Kind, Stems, analyze, stems};
use crate::conformance::{auditor, document, owned, rows, scope, user};
use crate::query::{Expr, Field, Node};
use crate::{Calendar, IndexChange, parse};

const NOW: Timestamp = Timestamp::from_seconds(1_717_243_200);

const WORDS: [&str; 14] = [
    "Vertrag",
    "Verträge",
    "Haus",
    "Häuser",
    "issue",
    "issues",
    "Müller",
    "mueller",
    "re",
    "Rechnung",
    "a",
    "4711-2",
    "東京都",
    "b@x.de",
];
const ADDRESSES: [&str; 5] = ["a@x.de", "b@x.de", "b.c@x.de", "c@y.x.de", "vertrag@z.de"];
const NAMES: [&str; 4] = ["", "Anna Müller", "Haus Vertrag", "b"];

/// One word: term, stems, position, is it an address or a domain.
struct Token {
    term: String,
    stems: Option<Stems>,
    position: u32,
}

/// Texts that no phrase reaches across.
type Zone = Vec<Vec<Token>>;

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    analyze(text, &mut |token| {
        let extra = matches!(token.kind, Kind::Address | Kind::Domain);
        tokens.push(Token {
            term: token.text.to_owned(),
            stems: (!extra).then(|| stems(token.folded, token.text, Stems::clone)),
            position: token.position,
        });
    });
    tokens
}

fn people(mailboxes: &[Mailbox]) -> Zone {
    let text = |mailbox: &Mailbox| format!("{} <{}>", mailbox.name, mailbox.address);
    mailboxes.iter().map(|mailbox| tokens(&text(mailbox))).collect()
}

struct Truth<'a> {
    mail: &'a IndexDocument,
    scope: &'a Scope,
}

impl Truth<'_> {
    fn visible(&self) -> bool {
        let at = self.mail.received_at;
        self.scope.sees_everything(at)
            || self.mail.owners.iter().any(|owner| self.scope.sees(owner, at))
    }

    fn holds(&self, expr: &Expr) -> bool {
        let mail = self.mail;
        let calendar = Calendar::utc(NOW);
        let inside = |date| {
            let (from, until) = calendar.period(date);
            from <= mail.date && mail.date < until
        };
        match &expr.node {
            Node::After(date) => mail.date >= calendar.period(*date).0,
            Node::All => true,
            Node::And(parts) => parts.iter().all(|part| self.holds(part)),
            Node::Before(date) => mail.date < calendar.period(*date).0,
            Node::HasAttachment => mail.has_attachment,
            Node::Id(id) => {
                mail.message_id.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(id))
            }
            Node::Kind(kind) => mail.kind == *kind,
            Node::Larger(bytes) => mail.size_bytes > *bytes,
            Node::Near { left, right, distance } => {
                let (field, left) = side(left);
                let (_, right) = side(right);
                self.zones(field).iter().flatten().any(|text| near(text, &left, &right, *distance))
            }
            Node::Not(inner) => !self.holds(inner),
            Node::On(date) => inside(*date),
            Node::Or(parts) => parts.iter().any(|part| self.holds(part)),
            Node::Phrase(phrase) => {
                let run = run(&phrase.text);
                let address = address(&phrase.text);
                self.zones(phrase.field).iter().flatten().any(|text| {
                    match (&address, phrase.distance) {
                        (Some(address), _) if !phrase.prefix => has_term(text, address),
                        (_, Some(distance)) if run.len() > 1 => window(text, &run, distance),
                        _ if phrase.field.is_people() && run.len() > 1 && !phrase.prefix => {
                            window(text, &run, 8)
                        }
                        _ => sequence(text, &run, phrase.prefix),
                    }
                })
            }
            Node::Smaller(bytes) => mail.size_bytes < *bytes,
            Node::Source(source) => mail.source.contains(source),
            Node::Word(word) => {
                let run = run(&word.text);
                let address = address(&word.text);
                let stem = match &tokens(&word.text)[..] {
                    [Token { stems: Some(stems), .. }] => Some(stems.clone()),
                    _ => None,
                };
                let blind = self.blind().len();
                let zones = self.zones(word.field);
                let open = zones.len() - usize::from(matches!(word.field, Field::Any)).min(blind);
                zones.iter().enumerate().any(|(i, zone)| {
                    // Names are not stemmed, blind copies are no part of what everybody finds.
                    let stemmed = !word.field.is_people() && i < open;
                    zone.iter().any(|text| match (&address, &stem) {
                        (Some(address), _) if word.prefix => {
                            text.iter().any(|token| token.term.starts_with(address.as_str()))
                        }
                        (Some(address), _) => has_term(text, address),
                        (_, Some(stems)) if !word.prefix && stemmed => text.iter().any(|token| {
                            token.stems.as_ref().is_some_and(|known| known.meets(stems))
                        }),
                        _ => sequence(text, &run, word.prefix),
                    })
                })
            }
        }
    }

    /// Blind copies that the scope may know of; one zone at most.
    fn blind(&self) -> Vec<Zone> {
        let mail = self.mail;
        let senders: Vec<String> = mail.from.iter().map(|from| from.address.key()).collect();
        let senders = || senders.iter().map(String::as_str);
        if self.scope.sees_everything(mail.received_at)
            || senders().any(|key| self.scope.sees(key, mail.received_at))
        {
            return vec![people(&mail.bcc)];
        }
        let known = mail.bcc.iter().filter(|mailbox| {
            self.scope.sees_blind_copy(&mailbox.address.key(), senders(), mail.received_at)
        });
        // Of these only the address is searched, not the name.
        vec![people(
            &known.map(|mailbox| Mailbox::bare(mailbox.address.clone())).collect::<Vec<_>>(),
        )]
    }

    fn zones(&self, field: Field) -> Vec<Zone> {
        let mail = self.mail;
        let attachments = || mail.attachment_names.iter().map(|name| tokens(name)).collect();
        let open_people =
            || [&mail.from, &mail.to, &mail.cc, &mail.others].map(|list| people(list));
        match field {
            Field::Any => {
                let mut zones =
                    vec![vec![tokens(&mail.body), tokens(&mail.subject)], attachments()];
                zones.extend(open_people());
                zones.extend(self.blind());
                zones
            }
            Field::Attachment => vec![attachments()],
            Field::Bcc => self.blind(),
            Field::Body => vec![vec![tokens(&mail.body)]],
            Field::Cc => vec![people(&mail.cc)],
            Field::From => vec![people(&mail.from)],
            Field::Subject => vec![vec![tokens(&mail.subject)]],
            Field::To => vec![people(&mail.to)],
            Field::With => open_people().into_iter().chain(self.blind()).collect(),
        }
    }
}

fn address(text: &str) -> Option<String> {
    (text.contains('@') && !text.contains(' ')).then(|| text.to_lowercase())
}

/// The words and their places.
type Run = Vec<(u32, String)>;

fn run(text: &str) -> Run {
    crate::analyzer::asked(text).into_iter().map(|word| (word.position, word.text)).collect()
}

fn side(expr: &Expr) -> (Field, Run) {
    match &expr.node {
        Node::Phrase(phrase) => (phrase.field, run(&phrase.text)),
        Node::Word(word) => (word.field, run(&word.text)),
        _ => unreachable!(),
    }
}

fn has_term(text: &[Token], term: &str) -> bool {
    text.iter().any(|token| token.term == term)
}

/// Words only, by position: addresses and domains have no place of their own.
fn at(text: &[Token], position: u32, wanted: &str, prefix: bool) -> bool {
    text.iter()
        .filter(|token| token.stems.is_some() && token.position == position)
        .any(|token| token.term == wanted || prefix && token.term.starts_with(wanted))
}

fn starts(text: &[Token], run: &[(u32, String)], prefix: bool) -> Vec<u32> {
    let last = text.last().map_or(0, |token| token.position);
    (0..=last)
        .filter(|start| {
            run.iter().enumerate().all(|(i, (offset, word))| {
                at(text, start + offset, word, prefix && i == run.len() - 1)
            })
        })
        .collect()
}

fn sequence(text: &[Token], run: &[(u32, String)], prefix: bool) -> bool {
    // A lone character of a script without spaces is the beginning of a pair.
    let single = run.len() == 1 && run[0].1.chars().count() == 1 && !run[0].1.is_ascii();
    if prefix && run.len() == 1 {
        return text.iter().any(|token| token.term.starts_with(run[0].1.as_str()));
    }
    !starts(text, run, prefix || single).is_empty()
}

fn length(run: &[(u32, String)]) -> i64 {
    run.last().map_or(0, |(offset, _)| i64::from(*offset) + 1)
}

fn near(text: &[Token], left: &[(u32, String)], right: &[(u32, String)], distance: u32) -> bool {
    let (a, b) = (length(left), length(right));
    starts(text, left, false).iter().any(|first| {
        starts(text, right, false).iter().any(|second| {
            let (first, second) = (i64::from(*first), i64::from(*second));
            let gap = if first <= second { second - first - a } else { first - second - b };
            gap <= i64::from(distance) && !(left == right && first == second)
        })
    })
}

/// Tries every choice of places.
fn window(text: &[Token], words: &[(u32, String)], distance: u32) -> bool {
    fn choose(
        text: &[Token],
        words: &[(u32, String)],
        chosen: &mut Vec<u32>,
        distance: u32,
    ) -> bool {
        let Some((_, word)) = words.get(chosen.len()) else {
            let (min, max) = (chosen.iter().min(), chosen.iter().max());
            let span = max.zip(min).map_or(0, |(max, min)| max - min + 1);
            return span <= distance + words.len() as u32;
        };
        for token in text.iter().filter(|token| token.stems.is_some() && token.term == *word) {
            if chosen.contains(&token.position) {
                continue;
            }
            chosen.push(token.position);
            if choose(text, words, chosen, distance) {
                return true;
            }
            chosen.pop();
        }
        false
    }
    choose(text, words, &mut Vec::new(), distance)
}

fn text(words: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 0..words)
        .prop_map(|words| words.join(" "))
}

fn mailboxes() -> impl Strategy<Value = Vec<Mailbox>> {
    let mailbox =
        (prop::sample::select(&NAMES[..]), prop::sample::select(&ADDRESSES[..])).prop_map(
            |(name, address)| Mailbox { name: name.into(), address: EmailAddress::new(address) },
        );
    prop::collection::vec(mailbox, 0..3)
}

fn mails() -> impl Strategy<Value = Vec<IndexDocument>> {
    let owners = prop::collection::vec(prop::sample::select(&ADDRESSES[..]), 0..3);
    let lists = [(); 5].map(|()| mailboxes());
    let mail = (text(4), text(12), prop::option::of(text(3)), owners, lists, 0..12i64, 0..5u64);
    prop::collection::vec(mail, 1..12).prop_map(|mails| {
        let mails = mails.into_iter().enumerate();
        mails
            .map(|(row, (subject, body, attachment, owners, lists, month, kilobytes))| {
                let [from, to, cc, bcc, others] = lists;
                IndexDocument {
                    from,
                    to,
                    cc,
                    bcc,
                    others,
                    body,
                    owners: owners.into_iter().map(str::to_owned).collect(),
                    has_attachment: attachment.is_some(),
                    attachment_names: attachment.into_iter().collect(),
                    date: Timestamp::from_seconds(1_704_067_200 + month * 2_600_000),
                    received_at: Timestamp::from_micros(row as i64 % 5),
                    size_bytes: kilobytes * 1024,
                    kind: if month % 3 == 0 { MailKind::Report } else { MailKind::Mail },
                    ..document(row as u64 + 1, &subject)
                }
            })
            .collect()
    })
}

fn queries() -> impl Strategy<Value = String> {
    let field = || {
        prop::sample::select(vec![
            "",
            "",
            "",
            "subject:",
            "body:",
            "from:",
            "to:",
            "cc:",
            "bcc:",
            "with:",
            "attachment:",
        ])
    };
    let word = || prop::sample::select(&WORDS[..]);
    let leaf = prop_oneof![
        4 => (field(), word()).prop_map(|(field, word)| format!("{field}{word}")),
        1 => (field(), prop::sample::select(&ADDRESSES[..])).prop_map(|(field, word)| format!("{field}{word}")),
        1 => (field(), word(), word()).prop_map(|(field, a, b)| format!("{field}\"{a} {b}\"")),
        1 => (field(), word(), word(), word(), 0..4u8)
            .prop_map(|(field, a, b, c, n)| format!("{field}\"{a} {b} {c}\"~{n}")),
        1 => (field(), word(), word(), 0..4u8)
            .prop_map(|(field, a, b, n)| format!("{field}{a} NEAR/{n} {field}\"{b}\"")),
        1 => (field(), prop::sample::select(vec!["ver*", "re*", "is*", "b@x*", "@x.*", "東*", "\"haus ve*\""]))
            .prop_map(|(field, word)| format!("{field}{word}")),
        1 => prop::sample::select(vec![
            "before:2024-05", "after:2024-06", "on:2024-03", "after:30d", "larger:2K", "smaller:3K",
            "has:attachment", "kind:report", "source:smtp", "id:3@firma.example", "*", "from:@x.de",
        ]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let list = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            list().prop_map(|parts| format!("({})", parts.join(" "))),
            list().prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.clone().prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

fn scopes() -> impl Strategy<Value = Scope> {
    let moment = || prop::option::of(0..5i64);
    let address = (prop::sample::select(&ADDRESSES[..]), moment(), moment()).prop_map(
        |(key, from, until)| {
            let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
            OwnedAddress { from: at(from), until: at(until), ..owned(key, None, None) }
        },
    );
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let span = (moment(), moment())
        .prop_map(move |(from, until)| Span { from: at(from), until: at(until) });
    let addresses = || prop::collection::vec(address.clone(), 0..4);
    let many = |mut addresses: Vec<OwnedAddress>| {
        addresses.extend((0..40).map(|i| owned(&format!("other{i}@x.de"), None, None)));
        addresses
    };
    prop_oneof![
        1 => Just(auditor(TENANT)),
        3 => addresses().prop_map(|addresses| user(TENANT, addresses)),
        2 => addresses().prop_map(move |addresses| user(TENANT, many(addresses))),
        2 => (addresses(), prop::collection::vec(span, 1..3))
            .prop_map(|(addresses, everything)| scope(TENANT, addresses, everything)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_engine_finds_what_looking_at_every_mail_finds(
        mails in mails(),
        asked in prop::collection::vec((queries(), scopes()), 25),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        // Every mail stood there differently before, and came in several commits.
        let stale = mails.iter().rev().zip(&mails).map(|(other, mail)| IndexDocument {
            record: mail.record,
            row: mail.row,
            ..other.clone()
        });
        let index = filled(folder.path(), stale.collect());
        for part in mails.chunks(4) {
            let changes = part.iter().cloned();
            let changes = changes.map(|document| IndexChange { document, new: false }).collect();
            index.apply(TENANT, changes, 2).expect("applied");
            index.commit(TENANT).expect("committed");
        }
        for (query, scope) in asked {
            let root = parse(&query).expect(&query).root;
            let expected: Vec<u64> = mails
                .iter()
                .filter(|mail| {
                    let truth = Truth { mail, scope: &scope };
                    truth.visible() && truth.holds(&root)
                })
                .map(|mail| mail.row)
                .collect();
            prop_assert_eq!(rows(&*index, &scope, &query), expected, "{} {:?}", query, scope);
        }
    }
}
