//! Every hard sample can be opened. They are other people's: reached through `CHANCERY_CORPUS`.

use std::path::{Path, PathBuf};

use model::Role;

use super::world::{A, NewMail, Who, World, participant};

/// Samples archived in one batch.
const BATCH: usize = 200;

#[tokio::test]
async fn every_hard_sample_is_shown_and_given_back() {
    let Some(corpus) = std::env::var_os("CHANCERY_CORPUS") else {
        eprintln!("CHANCERY_CORPUS is not set: the hard samples were not opened");
        return;
    };
    let mut files = Vec::new();
    collect(&Path::new(&corpus).join("corpus/hard"), &mut files);
    files.sort();
    assert!(!files.is_empty());
    let world = World::new();
    for batch in files.chunks(BATCH) {
        let mails: Vec<NewMail> = batch
            .iter()
            .map(|file| NewMail {
                octets: std::fs::read(file).expect("readable"),
                report: None,
                participants: vec![participant("anna@a.example", Role::To)],
            })
            .collect();
        let ids = world.archive(A, &mails);
        for ((file, mail), id) in batch.iter().zip(&mails).zip(ids) {
            let path = format!("/api/v1/records/{id}");
            let page = world.get(Who::Anna, &path).await;
            assert_eq!(page.outcome(), "200", "{}", file.display());
            let has_html = page.json()["hasHtml"] == true;
            let html = world.get(Who::Anna, &format!("{path}/html")).await;
            assert_eq!(
                html.outcome(),
                if has_html { "200" } else { "404 not-found" },
                "{}",
                file.display()
            );
            assert_eq!(world.get(Who::Anna, &format!("{path}/source")).await.outcome(), "200");
            assert!(
                world.get(Who::Anna, &format!("{path}/eml")).await.octets == mail.octets,
                "{}",
                file.display()
            );
            let count = page.json()["attachments"].as_array().expect("a list").len();
            for index in 0..count.min(20) {
                let part = world.get(Who::Anna, &format!("{path}/attachments/{index}")).await;
                assert_eq!(part.outcome(), "200", "{} {index}", file.display());
            }
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "eml") {
            files.push(path);
        }
    }
}
