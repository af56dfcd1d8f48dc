//! The templates: stories of several mails each, and pools of words and sentences.

use std::collections::HashMap;

const STORIES_DE: &str = include_str!("../../demo/stories.de.txt");
const STORIES_EN: &str = include_str!("../../demo/stories.en.txt");
const WORDS: &str = include_str!("../../demo/words.txt");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    De,
    En,
}

impl Language {
    pub fn code(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Written by a program: no greeting, no signature.
    Automatic,
    Letter,
    Newsletter,
    /// Only text/plain.
    Plain,
}

/// One mail of a story; roles are names such as `own`, `ext`, `l-all`.
#[derive(Clone, Debug)]
pub struct Step {
    pub from: &'static str,
    pub to: Vec<&'static str>,
    pub cc: Vec<&'static str>,
    pub bcc: Vec<&'static str>,
    pub attachment: Option<&'static str>,
    pub after_days: i64,
    pub forward: bool,
    /// Sent by an assistant in the name of the managing director.
    pub on_behalf: bool,
    /// `None` answers the mail before.
    pub subject: Option<&'static str>,
    pub body: &'static str,
    pub look: Look,
}

#[derive(Clone, Debug)]
pub struct Story {
    pub language: Language,
    pub department: &'static str,
    pub external: &'static str,
    pub weight: usize,
    pub steps: Vec<Step>,
}

/// All templates, parsed once.
pub struct Library {
    pub stories: Vec<Story>,
    pools: HashMap<&'static str, Vec<&'static str>>,
    weight_total: usize,
}

impl Library {
    /// # Panics
    /// When a built-in template is malformed; a unit test parses them all.
    pub fn new() -> Self {
        let mut stories = parse_stories(STORIES_DE, Language::De);
        stories.extend(parse_stories(STORIES_EN, Language::En));
        let weight_total = stories.iter().map(|story| story.weight).sum();
        Self { stories, pools: parse_pools(WORDS), weight_total }
    }

    /// The entries of `[name.language]`.
    ///
    /// # Panics
    /// When there is no such pool; a unit test renders every template.
    pub fn pool(&self, name: &str, language: Language) -> &[&'static str] {
        let key = format!("{name}.{}", language.code());
        self.pools.get(key.as_str()).unwrap_or_else(|| panic!("no pool [{key}]"))
    }

    /// The story that holds `point` of the weights laid end to end.
    pub fn story(&self, point: usize) -> &Story {
        let mut rest = point % self.weight_total;
        for story in &self.stories {
            if rest < story.weight {
                return story;
            }
            rest -= story.weight;
        }
        &self.stories[0]
    }

    pub fn weight_total(&self) -> usize {
        self.weight_total
    }
}

fn parse_stories(text: &'static str, language: Language) -> Vec<Story> {
    text.split("\n=== ").skip(1).map(|block| parse_story(block, language)).collect()
}

fn parse_story(block: &'static str, language: Language) -> Story {
    let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
    let mut story = Story {
        language,
        department: value(head, "dept").expect("a story names its department"),
        external: value(head, "ext").expect("a story names its kind of partner"),
        weight: value(head, "weight").and_then(|text| text.parse().ok()).unwrap_or(1),
        steps: Vec::new(),
    };
    for (index, mail) in rest.split("--- ").skip(1).enumerate() {
        story.steps.push(parse_step(mail, head, index == 0));
    }
    story
}

fn parse_step(mail: &'static str, story: &'static str, first: bool) -> Step {
    let (head, body) = mail.split_once('\n').expect("a mail has a head and a body");
    let (subject, body) = match body.split_once("\n\n") {
        Some((line, rest)) if !line.contains('\n') && (first || titled(line)) => (Some(line), rest),
        _ => (None, body),
    };
    let has = |word| head.split(' ').chain(story.split(' ')).any(|part| part == word);
    Step {
        from: value(head, "from").expect("a mail names its sender"),
        to: list(head, "to"),
        cc: list(head, "cc"),
        bcc: list(head, "bcc"),
        attachment: value(head, "att"),
        after_days: value(head, "after").and_then(|text| text.parse().ok()).unwrap_or(0),
        forward: has("fwd"),
        on_behalf: has("obo"),
        subject,
        body: body.trim(),
        look: match () {
            () if has("auto") => Look::Automatic,
            () if has("newsletter") => Look::Newsletter,
            () if has("plain") => Look::Plain,
            () => Look::Letter,
        },
    }
}

/// Whether the first line of a later mail is a subject: capital first, no full stop at the end.
fn titled(line: &str) -> bool {
    line.chars().next().is_some_and(char::is_uppercase)
        && !line.ends_with(['.', ':', '!'])
        && line.chars().count() < 90
}

fn value(head: &'static str, key: &str) -> Option<&'static str> {
    head.split(' ').find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
}

fn list(head: &'static str, key: &str) -> Vec<&'static str> {
    value(head, key).map(|text| text.split(',').collect()).unwrap_or_default()
}

fn parse_pools(text: &'static str) -> HashMap<&'static str, Vec<&'static str>> {
    let mut pools: HashMap<_, Vec<_>> = HashMap::new();
    let mut name = "";
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(section) => name = section,
            None => pools.entry(name).or_default().push(line),
        }
    }
    pools
}
