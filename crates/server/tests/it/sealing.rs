//! Sealing in the running server: kill -9 at every step, and authorities that want to know who asks,
//! fail, answer twice, or have their revocation data elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::authority::{Authority, has_authority, has_tool};
use testkit::http::Client;

use crate::evidence::{configuration, judge, judge_with, mail, status, wait_until_sealed};
use crate::house::{House, Server, answer};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

fn authority() -> Option<(TempDir, Authority)> {
    if !has_authority() || !has_tool("python3", "python3") {
        return None;
    }
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::reachable(&folder.path().join("authority"), "ec:P-256");
    Some((folder, authority))
}

/// Waits until the server is gone.
fn wait_until_dead(mut server: Server, point: &str) {
    let begun = Instant::now();
    while server.is_running() {
        assert!(begun.elapsed() < PATIENCE, "{point} was not reached");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until all that happened so far is sealed by an authority.
fn wait_until_all_sealed(house: &House) {
    let begun = Instant::now();
    loop {
        let status = status(house);
        if status["events"] == status["sealedEvents"] && status["localBatches"] == 0 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "not sealed: {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A mail, sent until it is accepted, and a reading of it: an event that is not about mail.
fn feed(house: &House, mut server: Option<Server>, mail: &[u8], configuration: &str, point: &str) {
    let mut accepted = false;
    if let Some(server) = &mut server {
        accepted = server.send(&house.journal, &[mail]) == [true];
        // It may end at any time.
        let mut auditor = Client::new(server.web);
        let signed_in = auditor.sign_in("auditor", crate::house::PASSWORD).is_ok();
        let _ = signed_in.then(|| auditor.get_json("/api/v1/search?q=number"));
    }
    if let Some(server) = server {
        wait_until_dead(server, point);
    }
    let mut server = house.start_configured(configuration);
    if !accepted {
        assert_eq!(server.send(&house.journal, &[mail]), [true]);
    }
    assert!(server.settle());
    wait_until_all_sealed(house);
    server.stop();
}

/// Each mail is archived once, all is sealed once, and the archive says of itself that it is sound.
fn whole(house: &House, mails: usize, point: &str) {
    let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
    let catalog = catalog::open(&url).expect("the catalog");
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let events = catalog.ledger_events(house.tenant, 0, 10_000).expect("events");
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event.seq, place as u64 + 1, "{point}");
        *kinds.entry(event.kind.clone()).or_default() += 1;
    }
    assert_eq!(kinds.get("archived"), Some(&mails), "{point}: {kinds:?}");
    let mut next = 1;
    for row in catalog.sealed_batches(house.tenant, 0, 10_000).expect("batches") {
        assert_eq!(row.first_seq, next, "{point}");
        next = row.last_seq + 1;
    }
    assert_eq!(next, events.len() as u64 + 1, "{point}");
    drop(catalog);
    answer(&house.run(&["verify"]));
}

#[test]
fn kill_9_at_any_step_of_sealing_stamping_and_renewing_loses_and_doubles_no_leaf() {
    let Some((folder, authority)) = authority() else { return };
    let house = House::new(&[]);
    let sound = configuration(&authority, "/", "");
    let points = ledger::EVENT_CRASH_POINTS.iter().chain(ledger::SEAL_CRASH_POINTS);
    let mut mails = 0;
    for point in points {
        let server = house.start_configured_with(&sound, &[("CHANCERY_CRASH_AT", point)]);
        feed(&house, server, &mail(mails), &sound, point);
        mails += 1;
        whole(&house, mails, point);
    }
    // Sealed by the archive alone, then stamped later.
    let failing = configuration(&authority, "/500", "local_seals = true");
    let mut server = house.start_configured(&failing);
    assert_eq!(server.send(&house.journal, &[&mail(mails)]), [true]);
    mails += 1;
    assert!(server.settle());
    let before = status(&house)["events"].as_u64().expect("a number");
    wait_until_sealed(&house, before, 1);
    server.stop();
    for point in ledger::SEAL_CRASH_POINTS {
        if let Some(server) = house.start_configured_with(&sound, &[("CHANCERY_CRASH_AT", point)]) {
            wait_until_dead(server, point);
        }
        if point.ends_with("before") {
            assert_eq!(status(&house)["localBatches"], 1);
        }
    }
    let server = house.start_configured(&sound);
    wait_until_all_sealed(&house);
    server.stop();
    whole(&house, mails, "stamped later");
    // What ends within eleven years is due: every stamp.
    let stamps = configuration(&authority, "/", "renew_before_days = 4000");
    let hashes =
        configuration(&authority, "/", "digest = 'sha512'\nends = { sha256 = '2020-01-01' }");
    let [before, after] = ledger::RENEWAL_CRASH_POINTS else { panic!("two points") };
    for (point, due) in [(before, &stamps), (after, &stamps), (before, &hashes), (after, &hashes)] {
        if let Some(server) = house.start_configured_with(due, &[("CHANCERY_CRASH_AT", point)]) {
            wait_until_dead(server, point);
        }
        whole(&house, mails, point);
    }
    let server = house.start_configured(&hashes);
    wait_until_renewed(&house, "sha512");
    server.stop();
    whole(&house, mails, "renewed");
    if let Some((proven, said)) = judge(&house, &authority, &folder.path().join("export")) {
        assert!(proven && said.contains("chain 2"), "{said}");
    }
}

fn wait_until_renewed(house: &House, digest: &str) {
    let begun = Instant::now();
    let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
    let catalog = catalog::open(&url).expect("the catalog");
    loop {
        let rows = catalog.sealed_batches(house.tenant, 0, 10_000).expect("batches");
        if rows.iter().all(|row| row.digest == digest) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "not renewed: {rows:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The first authority answers with an error, the second wants a password that it does not get, the
/// third a certificate over TLS: it stamps under SHA-512 and SHA-384, and the tokens carry what was
/// fetched about its chain, an OCSP answer and a list.
#[test]
fn the_first_authority_that_answers_stamps_and_its_revocation_data_is_kept() {
    let Some((folder, authority)) = authority() else { return };
    let (plain, mutual) = (authority.address(), authority.mutual_address());
    let file = |name: &str| authority.file(name).display().to_string();
    let house = House::new(&[]);
    for (number, digest) in ["sha512", "sha384"].into_iter().enumerate() {
        let toml = format!(
            "[evidence]\nauthority = '{plain}/500'\nanchors = '{}'\nevery_seconds = 1\n\
             revocation = 'require'\ndigest = '{digest}'\n\
             [[evidence.further]]\nauthority = '{plain}/basic'\n\
             [[evidence.further]]\nauthority = '{mutual}/'\nclient_certificate = '{}'\n\
             tls_ca = '{}'\n",
            file("root.pem"),
            file("client.both"),
            file("root.pem"),
        );
        let mut server = house.start_configured(&toml);
        assert_eq!(server.send(&house.journal, &[&mail(number)]), [true]);
        assert!(server.settle());
        wait_until_all_sealed(&house);
        server.stop();
    }
    whole(&house, 2, "fallback");
    let target = folder.path().join("export");
    if let Some((proven, said)) = judge_with(&house, &authority, &target, &["--require-revocation"])
    {
        assert!(proven && said.contains("sha512") && said.contains("sha384"), "{said}");
    }
}

/// With the right password it stamps; without a certificate TLS gives nothing, and events wait.
#[test]
fn who_does_not_say_who_it_is_gets_no_stamp() {
    let Some((folder, authority)) = authority() else { return };
    let password = folder.path().join("password");
    std::fs::write(&password, "open\n").expect("written");
    let house = House::new(&[]);
    let nobody = format!(
        "[evidence]\nauthority = '{}/'\nanchors = '{}'\nevery_seconds = 1\ntls_ca = '{}'\n\
         local_seals = true\n",
        authority.mutual_address(),
        authority.file("root.pem").display(),
        authority.file("root.pem").display(),
    );
    let mut server = house.start_configured(&nobody);
    assert_eq!(server.send(&house.journal, &[&mail(0)]), [true]);
    assert!(server.settle());
    wait_until_sealed(&house, 1, 1);
    server.stop();
    let known = format!("user = 'stamps'\npassword_file = '{}'", password.display());
    let server = house.start_configured(&configuration(&authority, "/basic", &known));
    wait_until_sealed(&house, 1, 0);
    server.stop();
}

/// A list that names the signer's certificate as that of a granted, qualified service.
fn trusted_list(authority: &Authority) -> String {
    let pem = String::from_utf8(authority.read("tsa.pem")).expect("PEM");
    let certificate: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    format!(
        "<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\"><SchemeInformation>\
         <TSLVersionIdentifier>6</TSLVersionIdentifier>\
         <TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType>\
         <SchemeTerritory>DE</SchemeTerritory>\
         <ListIssueDateTime>2026-01-01T00:00:00Z</ListIssueDateTime><NextUpdate/></SchemeInformation>\
         <TrustServiceProviderList><TrustServiceProvider>\
         <TSPInformation><TSPName><Name>Test Trust</Name></TSPName></TSPInformation><TSPServices>\
         <TSPService><ServiceInformation>\
         <ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST</ServiceTypeIdentifier>\
         <ServiceName><Name>Stamps</Name></ServiceName><ServiceDigitalIdentity><DigitalId>\
         <X509Certificate>{certificate}</X509Certificate></DigitalId></ServiceDigitalIdentity>\
         <ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted</ServiceStatus>\
         <StatusStartingTime>2020-01-01T00:00:00Z</StatusStartingTime></ServiceInformation>\
         </TSPService></TSPServices></TrustServiceProvider></TrustServiceProviderList>\
         </TrustServiceStatusList>"
    )
}

#[test]
fn a_pinned_list_says_on_each_mail_whether_its_stamp_is_qualified() {
    let Some((folder, authority)) = authority() else { return };
    let file = folder.path().join("list.xml");
    std::fs::write(&file, trusted_list(&authority)).expect("written");
    let house = House::new(&[]);
    let shown = file.to_str().expect("text");
    let said = answer(&house.run(&["evidence", "trusted-list", shown, "--json"]));
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["services"][0]["states"][0]["status"], "granted", "{said}");
    let pin = said["sha256"].as_str().expect("a digest");
    let listed = |pin: &str| {
        let lists = format!("trusted_lists = [{{ file = '{shown}', sha256 = '{pin}' }}]");
        configuration(&authority, "/", &lists)
    };
    let other = "0".repeat(64);
    assert!(house.start_configured_with(&listed(&other), &[]).is_none(), "another file");
    let mut server = house.start_configured(&listed(pin));
    assert_eq!(server.send(&house.journal, &[&mail(0)]), [true]);
    assert!(server.settle());
    wait_until_all_sealed(&house);
    let path = format!("/api/v1/records/{}/evidence", house.record(&mail(0)));
    let found = server.client("auditor").get_json(&path).expect("evidence");
    let delivery = &found["deliveries"][0];
    assert_eq!(
        (&delivery["qualified"], &delivery["claimsQualified"]),
        (&true.into(), &false.into())
    );
    let by = delivery["qualifiedBy"].as_str().unwrap_or_default();
    assert!(by.contains("Stamps of Test Trust, granted since 2020"), "{found}");
    server.stop();
}

/// Two authorities stamp one batch; while one of them is silent, events wait.
#[test]
fn with_doubling_a_batch_waits_until_two_authorities_have_stamped_it() {
    let (Some((folder, one)), Some((_other, two))) = (authority(), authority()) else { return };
    let anchors = folder.path().join("anchors.pem");
    std::fs::write(&anchors, [one.read("root.pem"), two.read("root.pem")].concat())
        .expect("written");
    let house = House::new(&[]);
    let toml = |path: &str| {
        format!(
            "[evidence]\nauthority = '{}/'\nanchors = '{}'\nevery_seconds = 1\ndouble = true\n\
             [[evidence.further]]\nauthority = '{}{path}'\n",
            one.address(),
            anchors.display(),
            two.address()
        )
    };
    let mut server = house.start_configured(&toml("/500"));
    assert_eq!(server.send(&house.journal, &[&mail(0)]), [true]);
    assert!(server.settle());
    wait_until_told(&server);
    assert_eq!(status(&house)["sealedEvents"], 0);
    server.stop();
    let server = house.start_configured(&toml("/"));
    wait_until_all_sealed(&house);
    server.stop();
    let (target, second) = (folder.path().join("export"), two.file("root.pem"));
    let more = ["--anchor", second.to_str().expect("text"), "--json"];
    if let Some((proven, said)) = judge_with(&house, &one, &target, &more) {
        let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let stamps = &found["mails"][0]["deliveries"][0]["second"]["stamps"];
        assert!(proven && stamps.as_array().is_some_and(|it| it.len() == 1), "{said}");
    }
}

/// Waits until the server says why events wait.
fn wait_until_told(server: &Server) {
    let begun = Instant::now();
    loop {
        let text = Client::new(server.web).request("GET", "/metrics", &[]).expect("figures").body;
        let text = String::from_utf8_lossy(&text).into_owned();
        let failing = |line: &str| line.starts_with("chancery_evidence") && line.ends_with(" 1");
        if text.lines().any(|line| line.contains("unsealed") && failing(line)) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing is said: {text}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
