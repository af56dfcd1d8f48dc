use testkit::Random;
use testkit::authority::has_authority;

use crate::support::Export;

/// Forges an export, the list of files included, and returns what is said of it.
fn forged(forge: impl Fn(&mut Export)) -> String {
    let mut export = Export::make(None);
    forge(&mut export);
    export.write_sums();
    let outcome = export.verify(&[]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    outcome.said
}

fn path_of(export: &Export, ending: &str) -> String {
    export.files().into_iter().find(|path| path.ends_with(ending)).unwrap()
}

fn change(export: &Export, ending: &str, from: &str, to: &str) {
    let path = path_of(export, ending);
    let text = String::from_utf8_lossy(&export.read(&path)).into_owned();
    assert!(text.contains(from), "{path}");
    export.write(&path, text.replacen(from, to, 1).as_bytes());
}

#[test]
fn a_changed_mail_report_or_fact_is_named() {
    if !has_authority() {
        return;
    }
    let said = forged(|export| change(export, "mail.eml", "Subject:", "subject:"));
    assert!(said.contains("the mail is not the one that its id is made of"), "{said}");
    let said = forged(|export| change(export, "report-1.eml", "Subject:", "subject:"));
    assert!(said.contains("the facts name another journal report"), "{said}");
    let said = forged(|export| change(export, "facts-1.json", "2023-11", "2022-11"));
    assert!(said.contains("hash value of the data object is not in the first list"), "{said}");
    assert!(said.contains("of the ledger is about something else"), "{said}");
}

#[test]
fn evidence_of_another_mail_or_a_missing_one_is_named() {
    if !has_authority() {
        return;
    }
    let said = forged(|export| {
        let all: Vec<String> =
            export.files().into_iter().filter(|it| it.ends_with("evidence-1.ers")).collect();
        let other = export.read(&all[1]);
        export.write(&all[0], &other);
    });
    assert!(said.contains("is not in the first list"), "{said}");
    let said = forged(|export| {
        let path = path_of(export, "evidence-1.ers");
        std::fs::remove_file(export.folder.path().join(path)).unwrap();
    });
    assert!(said.contains("evidence-1.ers is missing"), "{said}");
}

#[test]
fn a_removed_replaced_or_unsealed_batch_breaks_the_ledger() {
    if !has_authority() {
        return;
    }
    let remove = |export: &mut Export, endings: &[&str]| {
        for ending in endings {
            let path = format!("ledger/batch-00000002.{ending}");
            std::fs::remove_file(export.folder.path().join(path)).unwrap();
        }
    };
    let said = forged(|export| remove(export, &["der", "json", "ers", "tst"]));
    assert!(said.contains("ledger unbroken: it breaks at batch 2"), "{said}");
    let said = forged(|export| {
        for ending in ["der", "json", "ers", "tst"] {
            let first = export.read(&format!("ledger/batch-00000001.{ending}"));
            export.write(&format!("ledger/batch-00000002.{ending}"), &first);
        }
    });
    assert!(said.contains("it is batch 1"), "{said}");
    let said = forged(|export| remove(export, &["ers", "tst"]));
    assert!(said.contains("it has neither an evidence record nor a local seal"), "{said}");
    let said = forged(|export| {
        let other = export.read("ledger/batch-00000001.tst");
        export.write("ledger/batch-00000002.tst", &other);
    });
    assert!(said.contains("the token beside it is not the last one"), "{said}");
}

#[test]
fn a_mail_that_is_left_out_of_a_complete_export_is_named() {
    if !has_authority() {
        return;
    }
    let said = forged(|export| {
        let mail = export.manifest.mails.remove(0);
        let folder = export.folder.path().join(format!("mails/{}", mail.record));
        std::fs::remove_dir_all(folder).unwrap();
        export.seal_manifest();
    });
    assert!(said.contains("is missing"), "{said}");
    let said = forged(|export| {
        let mail = export.manifest.mails[0].clone();
        export.manifest.mails.push(mail);
        export.seal_manifest();
    });
    assert!(said.contains("is claimed twice"), "{said}");
}

#[test]
fn a_file_that_is_not_listed_is_named() {
    if !has_authority() {
        return;
    }
    let export = Export::make(None);
    export.write("ledger/more.txt", b"more");
    let outcome = export.verify(&[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.said.contains("ledger/more.txt is not listed"), "{outcome:?}");
}

#[test]
fn each_of_many_flipped_bits_is_found() {
    if !has_authority() {
        return;
    }
    const SEED: u64 = 20_261_122;
    let export = Export::make(None);
    let files = export.files();
    let mut random = Random::fork(SEED, 1);
    for _ in 0..250 {
        let path = &files[random.below(files.len())];
        let octets = export.read(path);
        let mut flipped = octets.clone();
        let (at, bit) = (random.below(octets.len()), random.below(8));
        flipped[at] ^= 1 << bit;
        export.write(path, &flipped);
        let outcome = export.verify(&[]);
        assert_ne!(outcome.code, 0, "seed {SEED}: bit {bit} of octet {at} of {path}");
        export.write(path, &octets);
    }
    assert_eq!(export.verify(&[]).code, 0);
}
