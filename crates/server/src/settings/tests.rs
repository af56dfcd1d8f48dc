use serde_json::json;

use super::*;

fn desk(file: &str) -> (tempfile::TempDir, SettingsDesk) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("catalog.sqlite").display());
    let secrets = Arc::new(SecretBox::new(&[1; 32]).unwrap());
    let config = Config::parse(file).unwrap();
    let desk = SettingsDesk::open(&config, catalog::open(&url).unwrap(), Some(secrets)).unwrap();
    (folder, desk.started())
}

#[test]
fn the_file_wins_over_a_change_and_a_change_over_the_default() {
    let (_folder, desk) = desk("[smtp]\nhost_name = 'archive.example'\n");
    let change = desk.change(json!({ "smtp": { "recipientsMax": 7 } })).unwrap();
    assert_eq!(change.answer.settings.smtp.host_name, "archive.example");
    assert_eq!(desk.current().smtp.recipients_max, 7);
    assert_eq!(change.answer.changed, ["smtp.recipientsMax"]);
    assert!(change.answer.fixed.contains(&"smtp.hostName".to_owned()));
    assert_eq!(change.before, json!({ "smtp.recipientsMax": 10_000 }));
    assert_eq!(change.after, json!({ "smtp.recipientsMax": 7 }));
    let refused = desk.change(json!({ "smtp": { "hostName": "other.example" } }));
    assert!(matches!(refused, Err(SettingsError::Fixed { path }) if path == "smtp.hostName"));
    let refused = desk.change(json!({ "log": { "format": "json" } }));
    assert!(matches!(refused, Err(SettingsError::Fixed { .. })));
    // Null goes back to the default.
    let change = desk.change(json!({ "smtp": { "recipientsMax": null } })).unwrap();
    assert_eq!(change.answer.settings.smtp.recipients_max, 10_000);
    assert!(change.answer.changed.is_empty());
}

#[test]
fn what_cannot_work_is_refused_by_name_and_nothing_changes() {
    let (_folder, desk) = desk("");
    let before = desk.current();
    for (patch, path) in [
        (json!({ "smtp": { "listen": [] } }), "smtp.listen"),
        (json!({ "smtp": { "listen": ["25"] } }), "smtp.listen"),
        (json!({ "smtp": { "allowedNetworks": ["300.0.0.0/8"] } }), "smtp.allowedNetworks"),
        (json!({ "smtp": { "hostName": "a b" } }), "smtp.hostName"),
        (json!({ "smtp": { "messageSizeBytesMax": 5 } }), "smtp.messageSizeBytesMax"),
        (json!({ "http": { "tls": false } }), "http.tls"),
        (json!({ "tls": { "certificate": "/x" } }), "tls"),
        (json!({ "tls": { "certificate": "/none/x", "key": "/none/y" } }), "tls"),
        (json!({ "notifications": { "to": ["nobody"] } }), "notifications.to"),
        (json!({ "notifications": { "smarthost": { "host": "m" } } }), "notifications.from"),
        (json!({ "metrics": { "token": "short" } }), "metrics.token"),
        (json!({ "smtp": { "nonsense": 1 } }), "settings"),
        (json!({ "smtp": "text" }), "settings"),
        (json!([]), ""),
    ] {
        match desk.change(patch.clone()) {
            Err(SettingsError::Invalid { path: named, .. }) => assert_eq!(named, path, "{patch}"),
            other => panic!("{patch}: {other:?}"),
        }
    }
    assert_eq!(desk.current(), before);
}

#[test]
fn secrets_are_stored_and_never_shown() {
    let (folder, desk) = desk("");
    let patch = json!({
        "notifications": { "from": "a@b.example", "smarthost": { "host": "m", "password": "geheim" } },
        "metrics": { "token": "0123456789abcdef" },
    });
    let change = desk.change(patch).unwrap();
    assert!(change.answer.has_password && change.answer.has_metrics_token);
    let told = format!("{change:?}");
    assert!(!told.contains("geheim") && !told.contains("0123456789abcdef"), "{told}");
    assert_eq!(desk.password().unwrap().as_deref(), Some("geheim"));
    let mut stored = std::fs::read(folder.path().join("catalog.sqlite")).unwrap();
    stored.extend(std::fs::read(folder.path().join("catalog.sqlite-wal")).unwrap());
    assert!(!stored.windows(6).any(|octets| octets == b"geheim"));
    assert!(desk.may_read_metrics(None, Some("0123456789abcdef")));
    assert!(!desk.may_read_metrics(None, Some("0123456789abcdeg")));
    let change = desk.change(json!({ "metrics": { "token": null } })).unwrap();
    assert!(!change.answer.has_metrics_token);
    assert!(!desk.may_read_metrics(None, Some("")));
}

#[test]
fn metrics_are_open_to_the_named_networks() {
    let (_folder, desk) = desk("[metrics]\nallowed_networks = ['10.0.0.0/8']\n");
    for (peer, open) in [("10.1.2.3", true), ("127.0.0.1", false), ("::ffff:10.9.9.9", true)] {
        assert_eq!(desk.may_read_metrics(Some(peer.parse().unwrap()), None), open, "{peer}");
    }
}

#[test]
fn followers_hear_of_changes_also_of_those_that_a_command_made() {
    let (folder, desk) = desk("");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    desk.follow(move |settings| ear.lock().unwrap().push(settings.smtp.errors_max));
    desk.change(json!({ "smtp": { "errorsMax": 3 } })).unwrap();
    let url = format!("sqlite:{}", folder.path().join("catalog.sqlite").display());
    let command =
        SettingsDesk::open(&Config::default(), catalog::open(&url).unwrap(), None).unwrap();
    command.change(json!({ "smtp": { "errorsMax": 4 } })).unwrap();
    assert!(desk.refresh().unwrap());
    assert!(!desk.refresh().unwrap());
    assert_eq!(*heard.lock().unwrap(), [20, 3, 4]);
}

#[test]
fn what_waits_for_a_restart_is_named() {
    let (_folder, desk) = desk("");
    let change = desk.change(json!({ "smtp": { "listen": ["127.0.0.1:2525"] } })).unwrap();
    assert_eq!(change.answer.restart_needed, ["smtp.listen"]);
    desk.change(json!({ "smtp": { "listen": null } })).unwrap();
    assert!(desk.restart_needed().is_empty());
}
