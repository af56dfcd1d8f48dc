use mail_parser::decoders::html::add_html_token;

/// The longest entity name, `&` and `;` included (HTML Living Standard §13.5).
const ENTITY_LENGTH_MAX: usize = 34;

/// The readable text of an HTML document: no tags, scripts or styles, entities resolved, blocks
/// and table cells apart, the alternative text of images kept. Linear; never fails.
pub fn html_to_text(html: &str) -> String {
    let mut writer = Writer { text: String::with_capacity(html.len() / 2), pending: Gap::None };
    let mut rest = html;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        writer.text(&rest[..at]);
        rest = tag(&rest[at..], &mut writer);
    }
    writer.text(rest);
    writer.text
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
}

struct Writer {
    text: String,
    /// White space that is written when more text follows.
    pending: Gap,
}

impl Writer {
    fn gap(&mut self, gap: Gap) {
        self.pending = self.pending.max(gap);
    }

    fn text(&mut self, raw: &str) {
        let mut rest = raw;
        while !rest.is_empty() {
            let end =
                rest.find(|character: char| character.is_ascii_whitespace() || character == '&');
            let (plain, tail) = rest.split_at(end.unwrap_or(rest.len()));
            self.push(plain);
            rest = match tail.as_bytes().first() {
                Some(b'&') => self.entity(tail),
                Some(_) => {
                    self.gap(Gap::Space);
                    tail.trim_start_matches(|character: char| character.is_ascii_whitespace())
                }
                None => tail,
            };
        }
    }

    fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let gap = std::mem::replace(&mut self.pending, Gap::None);
        if !self.text.is_empty() {
            match gap {
                Gap::None => {}
                Gap::Space => self.text.push(' '),
                Gap::Line => self.text.push('\n'),
            }
        }
        self.text.push_str(text);
    }

    /// Writes the character that the entity at the start of `text` names; answers what follows it.
    fn entity<'a>(&mut self, text: &'a str) -> &'a str {
        let head = &text.as_bytes()[..text.len().min(ENTITY_LENGTH_MAX)];
        let name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
        let length = 1 + head[1..].iter().take_while(|byte| name(byte)).count();
        if length == 1 {
            self.push("&");
            return &text[1..];
        }
        let terminated = head.get(length) == Some(&b';');
        let mut token = head[..length].to_vec();
        token.push(b';');
        let mut character = String::new();
        add_html_token(&mut character, &token, false);
        let known = character.as_bytes() != token;
        let rest = &text[length + usize::from(terminated)..];
        match character.as_str() {
            _ if !known => self.push(&text[..length + usize::from(terminated)]),
            // Soft hyphens and zero-width characters would tear words apart for the search.
            "\u{ad}" | "\u{200b}" | "\u{200c}" | "\u{200d}" | "\u{feff}" => {}
            "\u{a0}" => self.gap(Gap::Space),
            _ => self.push(&windows_numeric(&character)),
        }
        rest
    }
}

/// Numeric references 128 to 159 mean windows-1252 (HTML Living Standard §13.2.5.80).
fn windows_numeric(character: &str) -> std::borrow::Cow<'_, str> {
    match character.chars().next().map(u32::from) {
        Some(code @ 0x80..=0x9f) => {
            let octet = [code as u8];
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&octet);
            text.into_owned().into()
        }
        Some(0..=8) => " ".into(),
        _ => character.into(),
    }
}

/// Passes over the tag, comment or element without readable text at the start of `html`.
fn tag<'a>(html: &'a str, writer: &mut Writer) -> &'a str {
    if let Some(comment) = html.strip_prefix("<!--") {
        let end = memchr::memmem::find(comment.as_bytes(), b"-->");
        return end.map_or("", |at| &comment[at + 3..]);
    }
    let closing = html[1..].starts_with('/');
    let name_start = 1 + usize::from(closing);
    let bytes = html.as_bytes();
    let first = bytes.get(name_start).copied().unwrap_or(0);
    if !first.is_ascii_alphabetic() && first != b'!' && first != b'?' {
        writer.push("<");
        return &html[1..];
    }
    let length = bytes[name_start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'!')
        .count();
    let name = html[name_start..name_start + length].to_ascii_lowercase();
    let end = match tag_end(bytes, name_start + length) {
        end if end < bytes.len() => end,
        // Quotes that do not pair hide the end: the first `>` is the better guess.
        _ => match memchr::memchr(b'>', &bytes[name_start..]) {
            Some(at) => name_start + at,
            None => {
                writer.text(html);
                return "";
            }
        },
    };
    let attributes = html.get(name_start + length..end).unwrap_or_default();
    let rest = html.get(end + 1..).unwrap_or_default();
    match name.as_str() {
        "script" | "style" | "title" | "template" | "noembed" if !closing => {
            skip_element(rest, &name)
        }
        "img" | "area" => {
            writer.gap(Gap::Space);
            if let Some(alternative) = attribute(attributes, "alt") {
                writer.text(alternative);
                writer.gap(Gap::Space);
            }
            rest
        }
        "td" | "th" | "input" | "button" | "option" => {
            writer.gap(Gap::Space);
            rest
        }
        "address" | "article" | "aside" | "blockquote" | "body" | "br" | "caption" | "center"
        | "dd" | "details" | "dialog" | "div" | "dl" | "dt" | "fieldset" | "figcaption"
        | "figure" | "footer" | "form" | "frame" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
        | "head" | "header" | "hr" | "html" | "iframe" | "legend" | "li" | "main" | "menu"
        | "nav" | "ol" | "p" | "pre" | "section" | "select" | "summary" | "table" | "tbody"
        | "textarea" | "tfoot" | "thead" | "title" | "tr" | "ul" => {
            writer.gap(Gap::Line);
            rest
        }
        // Within a line: a word may go on behind it, also behind a tag that does not exist.
        _ => rest,
    }
}

/// Where the `>` of a tag is; one inside a quoted attribute value is not it.
fn tag_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) =
        bytes.get(at..).and_then(|rest| memchr::memchr3(b'>', b'"', b'\'', rest))
    {
        at += found;
        let byte = bytes[at];
        if byte == b'>' {
            return at;
        }
        // A quote counts only behind an equals sign, and only when the value ends before the
        // next tag would begin.
        let opens =
            bytes[from..at].iter().rev().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'=');
        let close = if opens { memchr::memchr(byte, &bytes[at + 1..]) } else { None };
        at += 1 + close.map_or(0, |length| length + 1);
    }
    bytes.len()
}

fn skip_element<'a>(html: &'a str, name: &str) -> &'a str {
    let bytes = html.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&bytes[at..], b"</") {
        at += found;
        let candidate = &bytes[at + 2..];
        if candidate.len() >= name.len()
            && candidate[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        {
            let end = tag_end(bytes, at + 2);
            return html.get(end + 1..).unwrap_or_default();
        }
        at += 2;
    }
    ""
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let lower = attributes.to_ascii_lowercase();
    let at = lower.find(&format!("{name}="))?;
    let value = &attributes[at + name.len() + 1..];
    match value.as_bytes().first()? {
        quote @ (b'"' | b'\'') => value[1..].split(char::from(*quote)).next(),
        _ => value.split_ascii_whitespace().next(),
    }
}
