//! Searching and reading as the user interface does it.

use axum::body::Body;
use axum::http::{Request, header};
use catalog::AuditQuery;
use model::Role;

use super::world::{A, LETTER, NewMail, Who, World, letter_report, participant};

#[tokio::test]
async fn a_mail_is_found_opened_and_downloaded_byte_for_byte() {
    let world = World::new();
    let (id, report) = world.archive_letter();
    let found = world.get(Who::Bert, "/api/v1/search?q=rechnung%20from:anna&limit=10").await.json();
    let row = &found["rows"][0];
    assert_eq!((&found["total"], &found["next"]), (&1.into(), &serde_json::Value::Null));
    assert_eq!(row["id"], id.to_string());
    assert_eq!(row["subject"], "Rechnung für März");
    assert_eq!(row["from"]["address"], "anna@a.example");
    assert_eq!(row["date"], "2025-01-14T07:15:02Z");
    assert_eq!(row["attachments"], 1);
    assert_eq!(row["subjectHighlight"][0], serde_json::json!({ "text": "Rechnung", "hit": true }));
    assert!(
        row["snippet"].as_array().expect("pieces").iter().any(|piece| piece["hit"] == true),
        "{row}"
    );
    assert_eq!(
        found["facets"]["years"][0],
        serde_json::json!({ "value": "2025", "label": "2025", "count": 1 })
    );

    let page = world.get(Who::Bert, &format!("/api/v1/records/{id}")).await.json();
    assert_eq!(page["hasHtml"], true);
    assert_eq!(page["remoteContent"], 1);
    assert!(page["textBody"].as_str().expect("text").contains("Die Rechnung liegt bei."));
    assert_eq!(page["messageId"], "letter@a.example");
    let names: Vec<_> = page["attachments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert!(names.contains(&"rechnung.pdf".into()), "{names:?}");

    let octets = LETTER.replace('\n', "\r\n").into_bytes();
    let eml = world.get(Who::Bert, &format!("/api/v1/records/{id}/eml")).await;
    assert_eq!(eml.octets, octets);
    assert_eq!(eml.header("content-type"), "message/rfc822");
    let source = world.get(Who::Bert, &format!("/api/v1/records/{id}/source")).await;
    assert_eq!(source.octets, octets);
    assert_eq!(source.header("content-type"), "text/plain; charset=utf-8");
    let report = world.get(Who::Anna, &format!("/api/v1/records/{id}/reports/{report}/eml")).await;
    assert_eq!(report.octets, letter_report());
}

#[tokio::test]
async fn the_html_is_harmless_and_carries_its_pictures() {
    let world = World::new();
    let (id, _) = world.archive_letter();
    let blocked = world.get(Who::Bert, &format!("/api/v1/records/{id}/html")).await;
    assert!(
        blocked.text().contains("<img src=\"data:image/png;base64,iVBORw0KGgo=\">"),
        "{}",
        blocked.text()
    );
    assert!(!blocked.text().contains("t.example") && !blocked.text().contains("alert"));
    assert_eq!(blocked.header("x-remote-content"), "1");
    let policy = blocked.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; img-src data:;") && policy.contains("sandbox"),
        "{policy}"
    );
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"), "{policy}");
    let shown = world.get(Who::Bert, &format!("/api/v1/records/{id}/html?remote=true")).await;
    assert!(
        shown.text().contains("src=\"https://t.example/x.gif\"") && !shown.text().contains("alert")
    );
    let picture = world.get(Who::Bert, &format!("/api/v1/records/{id}/cid/logo%40a")).await;
    assert_eq!(picture.header("content-type"), "image/png");
    assert!(picture.header("content-security-policy").contains("sandbox"));
}

#[tokio::test]
async fn a_query_error_says_where_in_the_units_of_browsers() {
    let world = World::new();
    let answer = world.get(Who::Anna, "/api/v1/search?q=%F0%9F%93%A7%20(rechnung").await;
    let problem = answer.json();
    assert_eq!(answer.outcome(), "400 query");
    assert_eq!(problem["reason"], "query.unclosed_parenthesis");
    assert_eq!(problem["position"]["start"], 3);
    assert_eq!(world.get(Who::Anna, "/api/v1/search?sort=colour").await.outcome(), "400 sort");
    assert_eq!(world.get(Who::Anna, "/api/v1/search?cursor=zzz").await.outcome(), "400 cursor");
    assert_eq!(world.get(Who::Anna, "/api/v1/search?limit=many").await.outcome(), "400 parameter");
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_and_the_count_is_exact() {
    let world = World::new();
    let mails: Vec<NewMail> = (0..7)
        .map(|number| NewMail {
            octets: format!("From: anna@a.example\r\nSubject: Brief {number}\r\nDate: Tue, 14 Jan 2025 08:15:0{number} +0000\r\n\r\nInhalt\r\n").into_bytes(),
            report: None,
            participants: vec![participant("anna@a.example", Role::Sender)],
        })
        .collect();
    world.archive(A, &mails);
    let mut subjects = Vec::new();
    let mut path = "/api/v1/search?q=inhalt&limit=3".to_owned();
    loop {
        let found = world.get(Who::Anna, &path).await.json();
        assert_eq!(found["total"], 7);
        let rows = found["rows"].as_array().expect("rows");
        subjects.extend(rows.iter().map(|row| row["subject"].as_str().expect("text").to_owned()));
        let Some(next) = found["next"].as_str() else { break };
        path = format!("/api/v1/search?q=inhalt&limit=3&cursor={next}");
    }
    let expected: Vec<_> = (0..7).rev().map(|number| format!("Brief {number}")).collect();
    assert_eq!(subjects, expected);
}

#[tokio::test]
async fn completions_name_what_they_replace() {
    let world = World::new();
    world.archive_letter();
    let found = world.get(Who::Bert, "/api/v1/search/suggest?q=x%20from:an&caret=9").await.json();
    let address =
        found.as_array().expect("a list").iter().find(|one| one["kind"] == "address").expect("one");
    assert_eq!(address["insert"], "anna@a.example");
    assert_eq!(address["replace"], serde_json::json!({ "start": 7, "end": 9 }));
    let found = world.get(Who::Bert, "/api/v1/search/suggest?q=sub").await.json();
    assert_eq!(found[0]["insert"], "subject:");
}

#[tokio::test]
async fn who_read_what_stands_in_the_audit_log() {
    let world = World::new();
    let (id, _) = world.archive_letter();
    for path in ["", "/eml", "/attachments/0", "/html?remote=true", "/html"] {
        assert_eq!(
            world.get(Who::Bert, &format!("/api/v1/records/{id}{path}")).await.outcome(),
            "200"
        );
    }
    world.get(Who::Otto, &format!("/api/v1/records/{id}")).await;
    world.get(Who::Bert, "/api/v1/search?q=rechnung").await;
    let catalog = world.catalog.clone();
    // Ending the server writes what waits.
    drop(world);
    let log = catalog.audit_log(Some(A), &AuditQuery::default(), 100).expect("read");
    let mut actions: Vec<_> =
        log.iter().map(|row| (row.event.who.as_str(), row.event.action.as_str())).collect();
    actions.retain(|(who, _)| *who != "tests");
    actions.sort_unstable();
    assert_eq!(
        actions,
        [
            ("bert", "mail.download"),
            ("bert", "mail.download"),
            ("bert", "mail.remote"),
            ("bert", "mail.search"),
            ("bert", "mail.view"),
        ]
    );
    let search = log.iter().find(|row| row.event.action == "mail.search").expect("one");
    assert_eq!(search.event.detail["query"], "rechnung");
}

#[tokio::test]
async fn json_is_compressed_and_mail_is_not() {
    let world = World::new();
    let (id, _) = world.archive_letter();
    for (path, encoding) in [("", "gzip"), ("/eml", ""), ("/attachments/0", "")] {
        let (token, _) = world.sign_in(Who::Bert);
        let request = Request::builder()
            .uri(format!("/api/v1/records/{id}{path}"))
            .header(header::COOKIE, format!("chancery={token}"))
            .header(header::ACCEPT_ENCODING, "gzip");
        let answer = world.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.header("content-encoding"), encoding, "{path}");
    }
}

/// Who may not see a mail is not told that one waits.
#[tokio::test]
async fn what_is_not_searchable_yet_is_counted_within_the_scope() {
    let world = World::new();
    let mail = NewMail {
        octets: b"From: anna@a.example\r\nTo: bert@a.example\r\n\r\nlate\r\n".to_vec(),
        report: None,
        participants: vec![
            participant("anna@a.example", Role::Sender),
            participant("bert@a.example", Role::To),
        ],
    };
    world.archive_unindexed(A, &mail);
    for (who, waiting) in
        [(Who::Anna, 1), (Who::Bert, 1), (Who::Auditor, 1), (Who::Otto, 0), (Who::Foreigner, 0)]
    {
        let found = world.get(who, "/api/v1/search?q=").await.json();
        assert_eq!((&found["total"], &found["notSearchableYet"]), (&0.into(), &waiting.into()));
    }
}
