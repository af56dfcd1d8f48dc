//! Mails that want to hurt their reader.

use model::Role;

use super::world::{A, NewMail, Who, World, participant};

async fn open(world: &World, octets: Vec<u8>) -> String {
    let participants = vec![participant("anna@a.example", Role::To)];
    let id = world.archive(A, &[NewMail { octets, report: None, participants }])[0];
    format!("/api/v1/records/{id}")
}

fn mail(kind: &str, body: &str) -> Vec<u8> {
    format!("From: x@evil.example\r\nTo: anna@a.example\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn html_that_acts_is_shown_as_html_that_does_not() {
    let world = World::new();
    let body = "<html><head><base href=https://evil.example><meta http-equiv=refresh content='0;url=https://evil.example'>\
        <style>body{background:url(https://evil.example/a)}</style><script>alert(1)</script></head>\
        <body onload=alert(1)><svg onload=alert(1)></svg><iframe src=https://evil.example></iframe>\
        <form action=https://evil.example><input name=a></form><a href='data:text/html,<script>x</script>'>a</a>\
        <a href=javascript:alert(1)>b</a><img src=x onerror=alert(1)><p style='background:url(//evil.example/b)'>Hallo</p>\
        <math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\"></body></html>";
    let path = open(&world, mail("text/html; charset=utf-8", body)).await;
    for query in ["", "?remote=true"] {
        let answer = world.get(Who::Anna, &format!("{path}/html{query}")).await;
        assert_eq!(answer.outcome(), "200");
        let text = answer.text();
        let (_, body) = text.split_once("<body>").expect("a body");
        assert!(body.contains("Hallo"), "{body}");
        for forbidden in [
            "<script",
            "<meta",
            "<base",
            "<style",
            "<svg",
            "<math",
            "<iframe",
            "<form",
            "<input",
            "onload",
            "onerror=alert",
            "javascript:",
            "data:text",
            "url(",
            "evil.example",
        ] {
            assert!(!body.contains(forbidden), "{forbidden} in {body}");
        }
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(answer.header("x-frame-options"), "SAMEORIGIN");
    }
}

#[tokio::test]
async fn attachments_are_saved_never_shown() {
    let world = World::new();
    let body = "--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=\"a\\\"; x=\\\"b.html\"\r\n\r\n<script>alert(1)</script>\r\n\
        --b\r\nContent-Type: image/svg+xml; name=x.svg\r\nContent-Disposition: attachment; filename*=UTF-8''%0d%0aSet-Cookie%3a%20x=1.svg\r\n\r\n<svg/>\r\n\
        --b\r\nContent-Type: image/svg+xml\r\nContent-ID: <svg@x>\r\nContent-Disposition: inline; filename=y.svg\r\n\r\n<svg onload=alert(1)/>\r\n\
        --b\r\nContent-Type: \"text/html\r\n\tx: y\"\r\nContent-Disposition: attachment; filename=z\r\n\r\nz\r\n--b--\r\n";
    let path = open(&world, mail("multipart/mixed; boundary=b", body)).await;
    let page = world.get(Who::Anna, &path).await.json();
    let count = page["attachments"].as_array().expect("a list").len();
    assert!(count >= 3, "{page}");
    for index in 0..count {
        let answer = world.get(Who::Anna, &format!("{path}/attachments/{index}")).await;
        assert_eq!(answer.outcome(), "200");
        assert!(answer.header("content-disposition").starts_with("attachment; filename=\""));
        assert!(!["text/html", "image/svg+xml"].contains(&answer.header("content-type")));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-security-policy").contains("sandbox"));
        assert_eq!(answer.header("set-cookie"), "");
    }
    let answer = world.get(Who::Anna, &format!("{path}/cid/svg%40x")).await;
    assert_eq!(answer.outcome(), "404 not-found");
    assert_eq!(
        world.get(Who::Anna, &format!("{path}/attachments/{count}")).await.outcome(),
        "404 not-found"
    );
    assert_eq!(
        world.get(Who::Anna, &format!("{path}/attachments/-1")).await.outcome(),
        "404 not-found"
    );
}

#[tokio::test]
async fn html_beyond_the_limit_is_offered_as_text() {
    let world = World::new();
    let body = format!("<p>Anfang</p>{}", "<div>x".repeat(500_000));
    let path = open(&world, mail("text/html", &body)).await;
    let page = world.get(Who::Anna, &path).await.json();
    assert_eq!((&page["hasHtml"], &page["hasText"]), (&false.into(), &true.into()));
    assert!(page["textBody"].as_str().expect("text").starts_with("Anfang"));
    assert_eq!(world.get(Who::Anna, &format!("{path}/html")).await.outcome(), "404 not-found");
}

#[tokio::test]
async fn text_and_source_beyond_their_limits_are_cut_and_the_download_is_whole() {
    let world = World::new();
    let octets = mail("text/plain; charset=utf-8", &"Grüße ".repeat(500_000));
    let path = open(&world, octets.clone()).await;
    let page = world.get(Who::Anna, &path).await.json();
    assert_eq!(page["truncated"], true);
    assert!(
        page["textBody"].as_str().expect("text").len() <= crate::routes::records::TEXT_BYTES_MAX
    );
    let source = world.get(Who::Anna, &format!("{path}/source")).await;
    assert!(
        source.octets.len() <= crate::routes::records::SOURCE_BYTES_MAX
            && octets.starts_with(&source.octets)
    );
    assert_eq!(world.get(Who::Anna, &format!("{path}/eml")).await.octets, octets);
}

#[tokio::test]
async fn what_is_no_mail_at_all_can_be_opened() {
    let world = World::new();
    for octets in [
        vec![],
        vec![0; 100],
        b"\xff\xfe\x00".repeat(1000),
        b"\r\n\r\n".to_vec(),
        b"Subject".to_vec(),
    ] {
        let path = open(&world, octets.clone()).await;
        assert_eq!(world.get(Who::Anna, &path).await.outcome(), "200", "{octets:.20?}");
        assert_eq!(world.get(Who::Anna, &format!("{path}/source")).await.outcome(), "200");
        assert_eq!(world.get(Who::Anna, &format!("{path}/eml")).await.octets, octets);
    }
}
