//! The HTML side of a mail: what Outlook would send, only readable; and a newsletter.

/// What the renderer needs to know besides the text.
pub struct Frame<'a> {
    pub greeting: &'a str,
    pub signature: &'a [String],
    /// Content-ID of the logo, when there is one.
    pub logo: Option<&'a str>,
    /// Header line and quoted HTML of the mail that is answered.
    pub quoted: Option<(&'a [String], &'a str)>,
}

const FONT: &str = "font-family:Calibri,'Segoe UI',Arial,sans-serif;font-size:15px;color:#1f2933";
const CELL: &str = "padding:6px 14px;border:1px solid #d5dde5;text-align:left";

/// Appends `text` with the five characters escaped that HTML and XML reserve.
pub fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
}

/// A whole document around `inner`.
pub fn document(inner: &str, language: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head><meta http-equiv=\"Content-Type\" \
         content=\"text/html; charset=utf-8\"></head>\n<body style=\"{FONT}\">\n{inner}\n</body>\n\
         </html>\n"
    )
}

/// The body of a letter, without the document around it.
pub fn letter(body: &str, frame: &Frame<'_>) -> String {
    let mut out = String::with_capacity(body.len() * 2 + 1_500);
    if !frame.greeting.is_empty() {
        paragraph(frame.greeting, &mut out);
    }
    for block in body.split("\n\n") {
        self::block(block, &mut out);
    }
    signature(frame, &mut out);
    if let Some((lines, html)) = frame.quoted {
        out.push_str(
            "<div style=\"border-top:1px solid #c4ccd4;margin-top:22px;padding-top:10px;\
             color:#3e4c59\">\n<p style=\"margin:0 0 14px 0\">",
        );
        for line in lines {
            let (label, value) = line.split_once(": ").unwrap_or((line, ""));
            out.push_str("<b>");
            escape(label, &mut out);
            out.push_str(":</b> ");
            escape(value, &mut out);
            out.push_str("<br>\n");
        }
        out.push_str("</p>\n");
        out.push_str(html);
        out.push_str("</div>\n");
    }
    out
}

fn paragraph(text: &str, out: &mut String) {
    out.push_str("<p style=\"margin:0 0 14px 0\">");
    escape(text, out);
    out.push_str("</p>\n");
}

/// Lines of prose, list items and table rows, in any order.
fn block(text: &str, out: &mut String) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("- ") {
            out.push_str("<ul style=\"margin:0 0 14px 0;padding-left:24px\">\n");
            list_item(line, out);
            while let Some(item) = lines.next_if(|next| next.starts_with("- ")) {
                list_item(item, out);
            }
            out.push_str("</ul>\n");
        } else if line.starts_with('|') {
            out.push_str("<table style=\"border-collapse:collapse;margin:0 0 16px 0\">\n");
            table_row(line, "th", ";background:#eef3f8", out);
            while let Some(row) = lines.next_if(|next| next.starts_with('|')) {
                table_row(row, "td", "", out);
            }
            out.push_str("</table>\n");
        } else {
            paragraph(line, out);
        }
    }
}

fn list_item(line: &str, out: &mut String) {
    out.push_str("<li style=\"margin-bottom:4px\">");
    escape(&line[2..], out);
    out.push_str("</li>\n");
}

fn table_row(line: &str, tag: &str, style: &str, out: &mut String) {
    out.push_str("<tr>");
    for cell in line.trim_matches('|').split('|') {
        out.push_str(&format!("<{tag} style=\"{CELL}{style}\">"));
        escape(cell.trim(), out);
        out.push_str(&format!("</{tag}>"));
    }
    out.push_str("</tr>\n");
}

fn signature(frame: &Frame<'_>, out: &mut String) {
    if frame.signature.is_empty() {
        return;
    }
    out.push_str("<p style=\"margin:18px 0 10px 0\">");
    escape(&frame.signature[0], out);
    out.push_str("</p>\n<table style=\"border-collapse:collapse\"><tr>");
    if let Some(cid) = frame.logo {
        out.push_str(&format!(
            "<td style=\"padding:0 16px 0 0;vertical-align:top\"><img src=\"cid:{cid}\" \
             width=\"96\" height=\"48\" alt=\"Logo\"></td>"
        ));
    }
    out.push_str(
        "<td style=\"border-left:3px solid #d9822b;padding:0 0 0 14px;font-size:13px;\
         line-height:1.5;color:#52606d\">",
    );
    for (number, line) in frame.signature[1..].iter().filter(|line| !line.is_empty()).enumerate() {
        let (open, close) = if number == 0 {
            ("<b style=\"font-size:15px;color:#1f2933\">", "</b>")
        } else {
            ("", "")
        };
        out.push_str(open);
        escape(line, out);
        out.push_str(close);
        out.push_str("<br>\n");
    }
    out.push_str("</td></tr></table>\n");
}

/// A newsletter: banner, one card for each block, a footer with a way out.
pub fn newsletter(title: &str, sender: &str, footer: &str, body: &str, language: &str) -> String {
    let mut out = String::with_capacity(body.len() * 3 + 2_000);
    let german = language == "de";
    out.push_str(
        "<table width=\"100%\" style=\"background:#eef2f6;border-collapse:collapse\"><tr>\
         <td align=\"center\" style=\"padding:24px\">\n<table width=\"600\" \
         style=\"background:#ffffff;border-collapse:collapse\">\n<tr><td \
         style=\"background:#1d4e6b;color:#ffffff;padding:28px 32px;font-size:26px\"><b>",
    );
    escape(title, &mut out);
    out.push_str("</b><br><span style=\"font-size:14px\">");
    escape(sender, &mut out);
    out.push_str("</span></td></tr>\n");
    for block in body.split("\n\n") {
        let (heading, text) = block.split_once('\n').unwrap_or(("", block));
        out.push_str(
            "<tr><td style=\"padding:22px 32px 4px 32px\"><h2 style=\"margin:0 0 8px 0;\
                      font-size:19px;color:#1d4e6b\">",
        );
        escape(heading, &mut out);
        out.push_str("</h2><p style=\"margin:0 0 12px 0;line-height:1.5\">");
        escape(text, &mut out);
        out.push_str(
            "</p><a href=\"https://www.musterbau.example/aktuell\" \
                      style=\"background:#d9822b;color:#ffffff;padding:8px 18px;\
                      text-decoration:none\">",
        );
        out.push_str(if german { "Weiterlesen" } else { "Read more" });
        out.push_str("</a></td></tr>\n");
    }
    out.push_str("<tr><td style=\"padding:28px 32px;font-size:12px;color:#7b8794\">");
    escape(footer, &mut out);
    out.push_str(" · <a href=\"https://www.musterbau.example/abmelden\">");
    out.push_str(if german { "Abmelden" } else { "Unsubscribe" });
    out.push_str(
        "</a><img src=\"https://pixel.musterbau.example/open.gif\" width=\"1\" height=\"1\" \
         alt=\"\"></td></tr>\n</table></td></tr></table>\n",
    );
    out
}
