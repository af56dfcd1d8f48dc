use std::collections::{HashMap, HashSet};

use model::{RecipientField, Timestamp};

use super::*;

fn company(profile: Profile) -> Company {
    Company::new(Settings { seed: 7, end: Timestamp::from_seconds(1_790_000_000), profile })
}

#[test]
fn the_same_settings_give_the_same_octets() {
    for profile in [Profile::AttachmentRich, Profile::Demo, Profile::ListMail] {
        let (one, two) = (company(profile), company(profile));
        for (left, right) in one.reports(60).zip(two.reports(60)) {
            assert_eq!(left.octets, right.octets);
        }
    }
}

#[test]
fn every_template_renders_without_a_placeholder_left() {
    let company = company(Profile::Demo);
    let mut mails = 0;
    for story in &company.library.stories {
        for letter in play::every_mail(&company, story, 1_780_000_000) {
            mails += 1;
            for text in [&letter.draft.subject, &letter.draft.body] {
                assert!(!text.contains(['{', '}']), "{:?}: {text}", story.steps[0].subject);
                assert!(!text.trim().is_empty(), "{:?}", story.steps[0].subject);
            }
            let wanted = letter.draft.to.len() + letter.draft.cc.len() + letter.draft.bcc.len();
            assert!(wanted > 0, "{:?} has a mail to nobody", story.steps[0].subject);
        }
    }
    assert!(company.library.stories.len() >= 60, "{} stories", company.library.stories.len());
    assert!(mails >= 150, "{mails} mails");
}

#[test]
fn the_original_lies_where_the_report_says_and_the_boundary_owns_the_line_end_before_it() {
    for report in company(Profile::Demo).reports(300) {
        let inner = report.inner_octets();
        assert!(report.octets[..report.inner.start].ends_with(b"message/rfc822\r\n\r\n"));
        assert!(report.octets[report.inner.end..].starts_with(b"\r\n--_"));
        assert_eq!(model::ContentId::of(inner), report.truth.content);
        assert!(inner.starts_with(b"Received: "));
        let lone = report.octets.windows(2).filter(|w| w[1] == b'\n' && w[0] != b'\r').count();
        assert_eq!(lone, 0, "a bare LF");
    }
}

#[test]
fn a_token_belongs_to_one_mail() {
    let mut seen: HashMap<String, String> = HashMap::new();
    for report in company(Profile::Demo).reports(3_000) {
        let truth = report.truth;
        let owner = seen.entry(truth.body_token.clone()).or_insert(truth.message_id.clone());
        assert_eq!(*owner, truth.message_id);
    }
}

#[test]
fn the_truth_knows_every_kind_of_recipient() {
    let reports: Vec<_> = company(Profile::Demo).reports(2_000).collect();
    let lines: Vec<_> = reports.iter().flat_map(|report| &report.truth.recipients).collect();
    for field in
        [RecipientField::To, RecipientField::Cc, RecipientField::Bcc, RecipientField::Recipient]
    {
        assert!(lines.iter().any(|line| line.field == field), "{field:?}");
    }
    assert!(lines.iter().any(|line| line.expanded_from.is_some()));
    assert!(lines.iter().any(|line| line.forwarded_from.is_some()));
    let truths = || reports.iter().map(|report| &report.truth);
    assert!(truths().any(|truth| truth.on_behalf_of.is_some()));
    assert!(truths().any(|truth| truth.duplicate));
    assert!(truths().any(|truth| truth.forks > 1));
    assert!(truths().all(|truth| !truth.owners.is_empty()));
    let languages: HashSet<_> = truths().map(|truth| truth.language.clone()).collect();
    assert_eq!(languages.len(), 2);
}

#[test]
fn forks_have_disjoint_recipients_and_sometimes_different_originals() {
    let mut forks: HashMap<String, Vec<Truth>> = HashMap::new();
    for report in company(Profile::Demo).reports(2_000) {
        if report.truth.forks > 1 && !report.truth.duplicate {
            forks.entry(report.truth.message_id.clone()).or_default().push(report.truth);
        }
    }
    let mut versions = 0;
    for truths in forks.values().filter(|truths| truths.len() > 1) {
        let mut seen = HashSet::new();
        for line in truths.iter().flat_map(|truth| &truth.recipients) {
            assert!(seen.insert(line.address.key()), "{} twice", line.address);
        }
        versions += usize::from(truths[0].content != truths[1].content);
    }
    assert!(versions > 0);
}

#[test]
fn dates_rise_and_end_at_the_given_moment() {
    let end = Timestamp::from_seconds(1_790_000_000);
    let dates: Vec<_> = company(Profile::Demo).reports(1_000).map(|r| r.truth.sent_at).collect();
    assert!(dates.iter().all(|date| *date <= end));
    assert!(dates[0].as_seconds() < end.as_seconds() - 2 * 365 * 86_400);
    assert!(dates.iter().any(|date| date.as_seconds() > end.as_seconds() - 7 * 86_400));
}

#[test]
fn list_mail_has_the_size_of_list_mail() {
    let sizes: Vec<_> =
        company(Profile::ListMail).reports(500).map(|report| report.octets.len()).collect();
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    assert!((6_000..13_000).contains(&mean), "{mean}");
}

#[test]
fn addresses_are_unique_and_plain_ascii() {
    let directory = Directory::new();
    let mut seen = HashSet::new();
    for party in &directory.parties {
        assert!(party.address.as_str().is_ascii(), "{}", party.address);
        for address in std::iter::once(&party.address).chain(&party.aliases) {
            assert!(seen.insert(address.key()), "{address} twice");
        }
    }
    assert!(directory.people().count() >= 40);
}
