use super::dns::{parse, question};
use super::*;

fn named(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.split('.') {
        octets.push(label.len() as u8);
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

#[test]
fn mail_exchangers_are_read_in_their_order_also_through_pointers() {
    let mut answer = question("a.example").unwrap();
    answer[2] = 0x81;
    answer[7] = 3;
    let record = |preference: u16, kind: u16, data: &[u8]| {
        let mut octets = vec![0xc0, 12];
        octets.extend(kind.to_be_bytes());
        octets.extend([0, 1, 0, 0, 1, 0]);
        octets.extend((data.len() as u16 + 2).to_be_bytes());
        octets.extend(preference.to_be_bytes());
        octets.extend(data);
        octets
    };
    answer.extend(record(20, 15, &named("second.example")));
    answer.extend(record(10, 15, &[4, b'm', b'a', b'i', b'l', 0xc0, 12]));
    answer.extend(record(1, 16, b"text"));
    assert_eq!(parse(&answer).unwrap(), ["mail.a.example", "second.example"]);
    for cut in 0..answer.len() {
        // Whatever is missing, nothing panics.
        let _ = parse(&answer[..cut]);
    }
    // A pointer to itself ends.
    let mut loops = question("a.example").unwrap();
    loops[7] = 1;
    let at = loops.len() as u8;
    loops.extend([0xc0, at]);
    assert_eq!(parse(&loops), None);
    let mut missing = question("a.example").unwrap();
    missing[3] = 3;
    assert_eq!(parse(&missing).unwrap(), Vec::<String>::new());
    missing[3] = 2;
    assert_eq!(parse(&missing), None);
}

#[test]
fn a_fresh_folder_gets_advice_and_a_bad_file_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut config =
        Config::parse("[smtp]\nlisten = ['127.0.0.1:0']\n[http]\nlisten = ['127.0.0.1:0']")
            .unwrap();
    config.data = Some(folder.path().to_owned());
    let mut report = Report::default();
    examine(&config, &mut report);
    let areas: Vec<_> = report.0.iter().map(|it| it.area).collect();
    for area in ["permissions", "disk", "open files", "dns", "tls", "catalog", "vault", "backup"] {
        assert!(areas.contains(&area), "{area} in {areas:?}");
    }
    assert_eq!(report.worst(), State::Warn, "{:?}", report.0);
    assert!(report.0.iter().all(|it| it.state == State::Ok || !it.advice.is_empty()));
    let bad = run(Config::parse("[smtp]\nnonsense = 1"), None, &Arguments { json: true });
    assert_eq!(format!("{bad:?}"), format!("{:?}", ExitCode::FAILURE));
}

#[test]
fn keys_that_others_can_read_are_a_failure() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    std::fs::write(&key, "x").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut report = Report::default();
    machine::permissions(folder.path(), &mut report);
    assert_eq!(report.worst(), State::Fail);
}
