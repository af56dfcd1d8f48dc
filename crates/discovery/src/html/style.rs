/// CSS properties that a mail may set. None of them can load anything, and none can place text
/// outside of its box. Sorted.
pub const PROPERTIES: &[&str] = &[
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-width",
    "caption-side",
    "clear",
    "color",
    "direction",
    "display",
    "empty-cells",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "opacity",
    "overflow-wrap",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-decoration-color",
    "text-decoration-line",
    "text-indent",
    "text-transform",
    "unicode-bidi",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
];

/// The functions that a value may call.
const FUNCTIONS: &[&str] = &["calc", "hsl", "hsla", "rgb", "rgba"];

/// Longer `style` attributes are dropped whole.
const STYLE_BYTES_MAX: usize = 16 << 10;

/// Keeps the declarations of `style` that cannot load anything; adds what would have been loaded
/// to `remote`.
pub fn harmless(style: &str, remote: &mut u32) -> Option<String> {
    let lower = style.to_ascii_lowercase();
    *remote += lower.matches("url(").count().try_into().unwrap_or(u32::MAX);
    // Escapes can spell anything; comments can hide anything.
    if style.len() > STYLE_BYTES_MAX
        || style.contains(['\\', '@', '{', '}', '<', '>'])
        || style.contains("/*")
    {
        return None;
    }
    let kept: Vec<&str> = style.split(';').map(str::trim).filter(|line| allowed(line)).collect();
    (!kept.is_empty()).then(|| kept.join(";"))
}

fn allowed(declaration: &str) -> bool {
    let Some((name, value)) = declaration.split_once(':') else { return false };
    let name = name.trim().to_ascii_lowercase();
    PROPERTIES.binary_search(&name.as_str()).is_ok() && harmless_value(value)
}

fn harmless_value(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    if value.contains(|c: char| c.is_control() || c == ':') {
        return false;
    }
    // A string that is not closed would swallow the next declaration.
    if value.matches('"').count() % 2 + value.matches('\'').count() % 2 != 0 {
        return false;
    }
    value.match_indices('(').all(|(at, _)| {
        let head = &value[..at];
        let start = head
            .rfind(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
            .map_or(0, |before| before + head[before..].chars().next().map_or(1, char::len_utf8));
        FUNCTIONS.contains(&&head[start..])
    })
}
