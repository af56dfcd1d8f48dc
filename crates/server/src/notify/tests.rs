use std::collections::BTreeMap;
use std::sync::Arc;

use api::dto::{NoticeLanguage, NotificationSettings, SmarthostSettings};
use catalog::{Catalog, ConditionRow, Notice};
use model::Timestamp;

use super::conditions::{Found, Memory, Teller, ending, tell_concerned, update};
use super::{Smarthost, text};
use crate::settings::SettingsDesk;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

struct Watch {
    _folder: tempfile::TempDir,
    catalog: Arc<dyn Catalog>,
    memory: Memory,
    now: Timestamp,
}

impl Watch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("catalog.sqlite").display());
        let catalog = catalog::open(&url).unwrap();
        Self { _folder: folder, catalog, memory: Memory::default(), now: NOW }
    }

    /// One look, a minute after the one before; the subjects of the mails that it wrote.
    fn look(&mut self, found: Vec<Found>) -> Vec<String> {
        let settings = NotificationSettings {
            to: vec!["operator@example.org".to_owned()],
            smarthost: SmarthostSettings { host: "mail".to_owned(), ..Default::default() },
            ..NotificationSettings::default()
        };
        self.now = self.now.saturating_add_seconds(60);
        let teller = Teller { catalog: &*self.catalog, settings: &settings, host: "archive" };
        update(&mut self.memory, &teller, found, self.now).unwrap();
        let due = self.catalog.due_notices(self.now, 10).unwrap();
        due.iter().for_each(|row| self.catalog.remove_notice(row.row).unwrap());
        due.into_iter().map(|row| row.notice.subject).collect()
    }
}

fn found(level: u32, patience: i64) -> Vec<Found> {
    vec![Found {
        code: "disk-low",
        tenant: None,
        object: String::new(),
        level,
        facts: BTreeMap::from([("freeMebibytes".to_owned(), "5".to_owned())]),
        patience,
    }]
}

const TOLD: &str = "[Chancery archive] The disk is nearly full";
const OVER: &str = "[Chancery archive] Resolved: The disk is nearly full";

#[test]
fn people_are_told_once_and_once_when_it_is_over() {
    let mut watch = Watch::new();
    assert_eq!(watch.look(found(1, 0)), [TOLD]);
    assert!(watch.look(found(1, 0)).is_empty());
    // Worse: told again.
    assert_eq!(watch.look(found(2, 0)), [TOLD]);
    assert!(watch.look(found(1, 0)).is_empty());
    assert!(watch.look(found(2, 0)).is_empty());
    assert!(watch.look(Vec::new()).is_empty());
    assert!(watch.look(found(1, 0)).is_empty());
    assert!(watch.look(Vec::new()).is_empty());
    assert!(watch.look(Vec::new()).is_empty());
    assert_eq!(watch.look(Vec::new()), [OVER]);
    assert!(watch.look(Vec::new()).is_empty());
    assert_eq!(watch.look(found(1, 0)), [TOLD]);
}

#[test]
fn a_restart_tells_nothing_twice() {
    let mut watch = Watch::new();
    assert_eq!(watch.look(found(1, 0)), [TOLD]);
    watch.memory = Memory::default();
    assert!(watch.look(found(1, 0)).is_empty());
}

#[test]
fn what_passes_soon_is_not_worth_a_mail() {
    let mut watch = Watch::new();
    assert!(watch.look(found(1, 120)).is_empty());
    assert!(watch.look(found(1, 120)).is_empty());
    assert!(watch.look(Vec::new()).is_empty());
    assert!(watch.catalog.conditions().unwrap().is_empty());
    assert!(watch.look(found(1, 120)).is_empty());
    assert!(watch.look(found(1, 120)).is_empty());
    assert_eq!(watch.look(found(1, 120)), [TOLD]);
}

#[test]
fn a_certificate_is_named_thirty_seven_and_one_day_before_its_end() {
    for (days, level) in [(31, None), (30, Some(1)), (8, Some(1)), (7, Some(2)), (1, Some(3))] {
        assert_eq!(ending(days * 86_400), level, "{days}");
    }
    assert_eq!((ending(0), ending(-5)), (Some(4), Some(4)));
}

#[test]
fn every_condition_has_words_in_both_languages_and_no_fact_is_left_open() {
    let facts = [
        ("at", "2026"),
        ("days", "3"),
        ("directory", "AD"),
        ("freeMebibytes", "5"),
        ("hours", "7"),
        ("mails", "9"),
        ("notAfter", "2027"),
        ("oldestSeconds", "11"),
        ("places", "1"),
        ("reason", "full"),
        ("source", "Journal"),
        ("writes", "2"),
    ];
    let mut titles = Vec::new();
    for code in [
        "audit-failed",
        "backup-failed",
        "certificate-ending",
        "directory-failed",
        "directory-held",
        "disk-low",
        "index-damaged",
        "index-lag",
        "quarantine-grew",
        "queue-deep",
        "source-silent",
        "spool-damaged",
        "vault-damaged",
    ] {
        let row = ConditionRow {
            code: code.to_owned(),
            tenant: None,
            object: "archive.example".to_owned(),
            level: 1,
            since: NOW,
            told: true,
            facts: facts.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        for language in [NoticeLanguage::De, NoticeLanguage::En] {
            let words = text::Words { host: "archive", tenant: Some("Alpha"), language };
            for over in [false, true] {
                let (subject, body) = words.write(&row, over);
                assert!(!body.contains(['{', '}']), "{code}: {body}");
                assert!(body.contains("Alpha"), "{code}: {body}");
                titles.push(subject);
            }
        }
    }
    titles.sort();
    let all = titles.len();
    titles.dedup();
    assert_eq!(titles.len(), all);
}

/// A mail server that takes so many connections; what it was sent.
fn sink(connections: usize) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead as _, BufReader, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taking = std::thread::spawn(move || {
        let mut mails = Vec::new();
        for stream in listener.incoming().take(connections) {
            let mut output = stream.unwrap();
            let mut input = BufReader::new(output.try_clone().unwrap());
            output.write_all(b"220 sink\r\n").unwrap();
            let (mut line, mut mail, mut in_data) = (String::new(), String::new(), false);
            while input.read_line(&mut line).unwrap_or(0) > 0 {
                let answer: &[u8] = match line.trim_end() {
                    "." if in_data => {
                        in_data = false;
                        mails.push(std::mem::take(&mut mail));
                        b"250 taken\r\n"
                    }
                    text if in_data => {
                        mail.push_str(text);
                        mail.push('\n');
                        b""
                    }
                    "DATA" => {
                        in_data = true;
                        b"354 go\r\n"
                    }
                    "QUIT" => b"221 bye\r\n",
                    _ => b"250 ok\r\n",
                };
                output.write_all(answer).unwrap();
                line.clear();
            }
        }
        mails
    });
    (port, taking)
}

#[test]
fn what_the_smarthost_does_not_take_waits_and_is_sent_later() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("catalog.sqlite").display());
    let catalog = catalog::open(&url).unwrap();
    let config = crate::config::Config::default();
    let desk = SettingsDesk::open(&config, Arc::clone(&catalog), None).unwrap();
    let patch = |port: u16| {
        serde_json::json!({ "notifications": {
            "from": "chancery@archive.example",
            "smarthost": { "host": "127.0.0.1", "port": port, "security": "none" },
        } })
    };
    // Nobody listens there.
    desk.change(patch(1)).unwrap();
    let smarthost = Smarthost { settings: Arc::new(desk) };
    let (subject, body) = text::test("archive", NoticeLanguage::De);
    let notice =
        Notice {
            recipient: "operator@example.org".to_owned(), subject, body: body + "Grüße\r\n"
        };
    let early = Timestamp::from_seconds(0);
    catalog.enqueue_notices(std::slice::from_ref(&notice), early).unwrap();
    smarthost.deliver(&*catalog);
    let (waiting, error) = catalog.waiting_notices().unwrap();
    assert_eq!(waiting, 1);
    assert!(error.is_some());
    let later = Timestamp::from_seconds(i64::MAX / 2_000_000);
    let row = catalog.due_notices(later, 1).unwrap().remove(0);
    assert_eq!((row.attempts, &row.notice), (1, &notice));
    // It is not due yet: nothing is tried.
    smarthost.deliver(&*catalog);
    assert_eq!(catalog.due_notices(later, 1).unwrap()[0].attempts, 1);
    let (port, taking) = sink(1);
    smarthost.settings.change(patch(port)).unwrap();
    catalog.defer_notice(row.row, "later", early).unwrap();
    smarthost.deliver(&*catalog);
    assert_eq!(catalog.waiting_notices().unwrap(), (0, None));
    let mails = taking.join().unwrap();
    assert_eq!(mails.len(), 1);
    for line in ["Auto-Submitted: auto-generated", "Subject: [Chancery archive] Testnachricht"] {
        assert!(mails[0].lines().any(|it| it == line), "{}", mails[0]);
    }
}

#[test]
fn people_whose_mail_is_opened_are_told_once_in_their_language() {
    use catalog::{
        AccessRequest, Account, Decision, Handover, RequestState, Tenant, TenantSettings,
    };
    use model::{AccessRequestId, AccountId, EmailAddress, TenantId};
    use policy::{AccountRole, Opens, Span};

    let watch = Watch::new();
    let tenant = TenantId::from_bytes([7; 16]);
    let settings = TenantSettings { language: Some("de".to_owned()), ..Default::default() };
    watch.catalog.add_tenant(&Tenant { settings, ..Tenant::new(tenant, "Alpha", NOW) }).unwrap();
    let account = |number: u8, name: &str, role| {
        let id = AccountId::from_bytes([number; 16]);
        watch.catalog.add_account(&Account::new(id, Some(tenant), name, role, NOW), None).unwrap();
        id
    };
    let (auditor, officer) =
        (account(1, "auditor", AccountRole::Auditor), account(2, "officer", AccountRole::Officer));
    let anna = account(3, "anna", AccountRole::User);
    let address = EmailAddress::new("anna@a.example");
    watch.catalog.give_address(anna, &address, Handover::Everything, NOW).unwrap();
    let request = AccessRequest {
        id: AccessRequestId::from_bytes([9; 16]),
        tenant,
        requester: auditor,
        opens: vec![Opens::Mailbox(anna)],
        mail: Span { from: None, until: None },
        reason: "a suspicion".to_owned(),
        asked_at: NOW,
        until: NOW.saturating_add_seconds(3600),
        state: RequestState::Asked,
        decisions: Vec::new(),
    };
    watch.catalog.add_access_request(&request).unwrap();
    let approved = Decision {
        state: RequestState::Approved,
        at: NOW,
        by: officer,
        who: "officer".to_owned(),
        reason: "well founded".to_owned(),
    };
    let decided =
        watch.catalog.decide_access(tenant, request.id, RequestState::Asked, &approved, true);
    assert!(decided.unwrap());
    let settings = NotificationSettings {
        smarthost: SmarthostSettings { host: "mail".to_owned(), ..Default::default() },
        ..NotificationSettings::default()
    };
    let teller = Teller { catalog: &*watch.catalog, settings: &settings, host: "archive" };
    tell_concerned(&teller, NOW).unwrap();
    tell_concerned(&teller, NOW).unwrap();
    let due = watch.catalog.due_notices(NOW, 10).unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].notice.recipient, "anna@a.example");
    assert!(due[0].notice.subject.contains("Ihr Archiv"), "{}", due[0].notice.subject);
    assert!(!due[0].notice.body.contains("suspicion"), "the reason is not theirs to read");
}
