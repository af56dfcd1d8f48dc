use std::collections::HashSet;

use super::{ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, FORMATTING_MAX};

/// Balanced HTML of known elements with known attributes, and what was left out.
pub struct Tidied {
    pub html: String,
    /// Background images that would have been loaded.
    pub remote: u32,
    /// Elements were left out because there are too many of them or they are nested too deep.
    pub cut: bool,
}

/// Reads HTML as it comes and writes known elements only, each of them closed in its place, in
/// time and space proportional to the input. The result is not yet safe to show.
pub fn tidy(html: &str) -> Tidied {
    let mut writer = Writer {
        output: String::with_capacity(html.len()),
        open: Vec::new(),
        formatting: 0,
        elements: 0,
        remote: 0,
        cut: false,
    };
    let mut reader = Reader { rest: html, absent: HashSet::new() };
    while let Some(token) = reader.token() {
        match token {
            Token::Close(name) => writer.close(&name),
            Token::Open(name, attributes) => writer.open(&name, attributes),
            Token::Text(text) => writer.text(text),
        }
    }
    writer.close_to(0);
    Tidied { html: writer.output, remote: writer.remote, cut: writer.cut }
}

enum Token<'a> {
    Close(String),
    Open(String, Vec<(String, &'a str)>),
    Text(&'a str),
}

/// Elements whose content is never shown; it is skipped up to the closing tag.
const SKIPPED: &[&str] = &[
    "applet",
    "audio",
    "canvas",
    "embed",
    "iframe",
    "math",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "video",
    "xml",
    "xmp",
];

struct Reader<'a> {
    rest: &'a str,
    /// Closing tags that do not occur in the rest: looked for once, not for each opening tag.
    absent: HashSet<String>,
}

impl<'a> Reader<'a> {
    fn token(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let Some(at) = self.rest.find('<') else {
                return Some(Token::Text(self.take(self.rest.len())));
            };
            if at > 0 {
                return Some(Token::Text(self.take(at)));
            }
            let after = &self.rest.as_bytes()[1..];
            match after.first() {
                Some(b'!' | b'?') => self.comment(),
                Some(b'/') if after.get(1).is_some_and(u8::is_ascii_alphabetic) => {
                    self.take(2);
                    let name = self.name();
                    self.attributes();
                    return Some(Token::Close(name));
                }
                Some(b'/') => self.through(">"),
                Some(first) if first.is_ascii_alphabetic() => {
                    self.take(1);
                    let name = self.name();
                    let attributes = self.attributes();
                    if !SKIPPED.contains(&name.as_str()) {
                        return Some(Token::Open(name, attributes));
                    }
                    self.skip(&name);
                }
                _ => return Some(Token::Text(self.take(1))),
            }
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    /// Goes behind the next `mark`, or to the end.
    fn through(&mut self, mark: &str) {
        let end = self.rest.find(mark).map_or(self.rest.len(), |at| at + mark.len());
        self.take(end);
    }

    fn comment(&mut self) {
        if !self.rest.starts_with("<!--") {
            self.through(">");
        } else if self.rest.starts_with("<!-->") {
            self.take(5);
        } else {
            self.take(4);
            self.through("-->");
        }
    }

    fn name(&mut self) -> String {
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '<'))
            .unwrap_or(self.rest.len());
        self.take(end).to_ascii_lowercase()
    }

    /// Goes behind the tag's `>`.
    fn attributes(&mut self) -> Vec<(String, &'a str)> {
        let mut attributes = Vec::new();
        loop {
            let start = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            self.rest = start;
            if start.is_empty() {
                return attributes;
            }
            if start.starts_with('>') {
                self.take(1);
                return attributes;
            }
            let end = start
                .char_indices()
                .find(|(at, c)| {
                    c.is_ascii_whitespace() || matches!(c, '/' | '>') || (*c == '=' && *at > 0)
                })
                .map_or(start.len(), |(at, _)| at);
            let name = self.take(end);
            let behind = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            let value = match behind.strip_prefix('=') {
                Some(value) => {
                    self.rest = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
                    self.value()
                }
                None => "",
            };
            if attributes.len() < ATTRIBUTES_MAX {
                attributes.push((name.to_ascii_lowercase(), value));
            }
        }
    }

    fn value(&mut self) -> &'a str {
        for quote in ['"', '\''] {
            if self.rest.starts_with(quote) {
                self.take(1);
                let end = self.rest.find(quote).unwrap_or(self.rest.len());
                let value = self.take(end);
                if !self.rest.is_empty() {
                    self.take(1);
                }
                return value;
            }
        }
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || c == '>')
            .unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Goes behind the closing tag of `name`. Without one, an element that may hold markup is
    /// ignored as a tag, and the content of one that holds text only lasts to the end.
    fn skip(&mut self, name: &str) {
        if matches!(name, "embed") || self.absent.contains(name) {
            return;
        }
        let bytes = self.rest.as_bytes();
        let found = self.rest.match_indices("</").find(|(at, _)| {
            bytes.get(at + 2..at + 2 + name.len()).is_some_and(|found| {
                found.eq_ignore_ascii_case(name.as_bytes())
                    && bytes
                        .get(at + 2 + name.len())
                        .is_none_or(|next| !next.is_ascii_alphanumeric())
            })
        });
        match found {
            Some((at, _)) => {
                self.take(at);
                self.through(">");
            }
            None if matches!(
                name,
                "script"
                    | "style"
                    | "title"
                    | "textarea"
                    | "xmp"
                    | "plaintext"
                    | "iframe"
                    | "noscript"
                    | "noembed"
                    | "noframes"
            ) =>
            {
                self.rest = "";
            }
            None => {
                self.absent.insert(name.to_owned());
            }
        }
    }
}

const VOID: &[&str] = &["area", "br", "col", "hr", "img", "wbr"];

pub const FORMATTING: &[&str] = &[
    "a", "abbr", "acronym", "b", "big", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "font",
    "i", "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "tt", "u", "var",
];

pub const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "ul",
];

pub const TABLES: &[&str] =
    &["caption", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"];

/// Attributes that are passed on to the next net, on whatever element.
const ATTRIBUTES: &[&str] = &[
    "align",
    "alt",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "colspan",
    "dir",
    "face",
    "height",
    "href",
    "lang",
    "nowrap",
    "rowspan",
    "size",
    "src",
    "start",
    "style",
    "title",
    "type",
    "valign",
    "width",
];

struct Writer {
    output: String,
    open: Vec<&'static str>,
    /// How many of `open` are formatting.
    formatting: usize,
    elements: usize,
    remote: u32,
    cut: bool,
}

impl Writer {
    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '<' => self.output.push_str("&lt;"),
                '>' => self.output.push_str("&gt;"),
                '\0' => {}
                _ => self.output.push(character),
            }
        }
    }

    fn open(&mut self, name: &str, attributes: Vec<(String, &str)>) {
        for (key, value) in &attributes {
            let value = value.trim_start();
            let remote = value.starts_with("//")
                || value.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
            self.remote += u32::from(key == "background" && remote);
        }
        let Some(name) = known(name) else { return };
        self.make_way(name);
        let parent = self.open.last().copied().unwrap_or("div");
        let formatting = FORMATTING.contains(&name);
        if self.elements >= ELEMENTS_MAX
            || self.open.len() >= DEPTH_MAX
            || (formatting && self.formatting >= FORMATTING_MAX)
        {
            self.cut = true;
            return;
        }
        if !fits(name, parent) {
            return;
        }
        self.elements += 1;
        self.tag(name, &attributes);
        if !VOID.contains(&name) {
            self.open.push(name);
            self.formatting += usize::from(formatting);
        }
    }

    fn tag(&mut self, name: &str, attributes: &[(String, &str)]) {
        self.output.push('<');
        self.output.push_str(name);
        for (at, (key, value)) in attributes.iter().enumerate() {
            let again = attributes[..at].iter().any(|(earlier, _)| earlier == key);
            if again || !ATTRIBUTES.contains(&key.as_str()) {
                continue;
            }
            self.output.push(' ');
            self.output.push_str(key);
            self.output.push_str("=\"");
            for character in value.chars() {
                match character {
                    '"' => self.output.push_str("&quot;"),
                    '<' => self.output.push_str("&lt;"),
                    '>' => self.output.push_str("&gt;"),
                    '\0' => {}
                    _ => self.output.push(character),
                }
            }
            self.output.push('"');
        }
        self.output.push('>');
    }

    /// Closes what a browser would close for this element, so that nothing is left for it to move.
    fn make_way(&mut self, name: &str) {
        let closes: &[&str] = match name {
            "a" => &["a"],
            "dd" | "dt" => &["dd", "dt", "p"],
            "li" => &["li", "p"],
            "td" | "th" => &["td", "th", "caption"],
            "tr" => &["tr", "td", "th", "caption", "colgroup"],
            "tbody" | "thead" | "tfoot" | "colgroup" | "caption" => {
                &["tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup"]
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => &["h1", "h2", "h3", "h4", "h5", "h6", "p"],
            _ if BLOCKS.contains(&name) || name == "hr" || name == "table" => &["p"],
            _ => &[],
        };
        let barriers: &[&str] = match name {
            "li" => &["ul", "ol", "table", "td", "th", "caption"],
            "dd" | "dt" => &["dl", "table", "td", "th", "caption"],
            _ if TABLES.contains(&name) && name != "table" => &["table"],
            _ => &["table", "td", "th", "caption"],
        };
        let mut lowest = None;
        for (at, open) in self.open.iter().enumerate().rev() {
            if barriers.contains(open) && !closes.contains(open) {
                break;
            }
            if closes.contains(open) {
                lowest = Some(at);
            }
        }
        if let Some(at) = lowest {
            self.close_to(at);
        }
    }

    fn close(&mut self, name: &str) {
        let mut found = None;
        for (at, open) in self.open.iter().enumerate().rev() {
            if *open == name {
                found = Some(at);
                break;
            }
            // A cell's content does not close what is outside the cell.
            if matches!(*open, "td" | "th" | "caption") && !TABLES.contains(&name) {
                break;
            }
            if *open == "table" {
                break;
            }
        }
        if let Some(at) = found {
            self.close_to(at);
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(name) = self.open.pop() {
                self.formatting -= usize::from(FORMATTING.contains(&name));
                self.output.push_str("</");
                self.output.push_str(name);
                self.output.push('>');
            }
        }
    }
}

fn known(name: &str) -> Option<&'static str> {
    [FORMATTING, BLOCKS, TABLES, VOID].into_iter().flatten().copied().find(|known| *known == name)
}

/// Whether `name` may stand directly in `parent` without being moved by a browser.
fn fits(name: &str, parent: &str) -> bool {
    match name {
        "caption" | "colgroup" | "tbody" | "tfoot" | "thead" => parent == "table",
        "tr" => matches!(parent, "table" | "tbody" | "tfoot" | "thead"),
        "td" | "th" => matches!(parent, "tr" | "table" | "tbody" | "tfoot" | "thead"),
        "col" => matches!(parent, "table" | "colgroup"),
        _ => !matches!(parent, "table" | "tbody" | "tfoot" | "thead" | "tr" | "colgroup"),
    }
}
