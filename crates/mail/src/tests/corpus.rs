//! Foreign samples: none may bring the reader down.

use std::path::{Path, PathBuf};

pub fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Everything that is done with a mail, and what must hold whatever it is.
pub fn check(octets: &[u8], name: &str) {
    let examined = super::examine(octets);
    let mail = examined.mail(octets);
    assert!(mail.len() <= octets.len(), "{name}");
    let view = crate::describe(mail);
    assert!(!view.marks.contains(&model::Mark::Unreadable), "{name}: a parser gave up");
    assert!(!examined.marks.contains(&model::Mark::Unreadable), "{name}: a parser gave up");
    assert_eq!(view.encoded_parts, crate::encoded_parts(mail), "{name}");
    assert!(view.encoded_parts.windows(2).all(|pair| pair[0].end <= pair[1].start), "{name}");
    assert!(view.encoded_parts.iter().all(|range| range.end <= mail.len()), "{name}");
    let shown = crate::display(mail);
    assert_eq!((&shown.summary, &shown.marks), (&view.summary, &view.marks), "{name}");
    let listed: Vec<_> = shown.attachments.iter().map(|listed| listed.attachment.clone()).collect();
    assert_eq!(listed, view.attachments, "{name}");
    for (index, listed) in view.attachments.iter().enumerate().take(50) {
        let body =
            crate::attachment(mail, index).unwrap_or_else(|| panic!("{name}: attachment {index}"));
        assert_eq!(body.octets.len() as u64, listed.size_bytes, "{name}: {index}");
        assert!(
            !body.name.is_empty() && !body.name.contains(['/', '\\', '\0', '\u{202e}']),
            "{name}: {:?}",
            body.name
        );
    }
    assert!(crate::attachment(mail, view.attachments.len()).is_none(), "{name}");
}

#[test]
fn every_hard_sample_is_described_shown_and_taken_apart() {
    let Some(corpus) = super::corpus() else { return };
    let mut found = Vec::new();
    files(&corpus.join("corpus/hard"), &mut found);
    assert!(found.len() > 2_000);
    let mut slowest = (std::time::Duration::ZERO, String::new());
    for path in found {
        let octets = std::fs::read(&path).unwrap();
        let name = path.display().to_string();
        let start = std::time::Instant::now();
        check(&octets, &name);
        slowest = slowest.max((start.elapsed(), name));
    }
    println!("slowest: {slowest:?}");
}
