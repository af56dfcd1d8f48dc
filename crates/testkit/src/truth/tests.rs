use std::convert::Infallible;

use model::Timestamp;

use super::*;
use crate::demo::{Company, Profile, Settings};

fn truths() -> (Vec<Truth>, Vec<EmailAddress>) {
    let end = Timestamp::from_seconds(1_790_000_000);
    let company = Company::new(Settings { seed: 5, end, profile: Profile::Demo });
    let truths = company.reports(200).map(|report| report.truth).collect();
    let users = company.directory().mailboxes().map(|party| party.address.clone()).collect();
    (truths, users)
}

/// A search that knows the truth; `leak` also sees what is somebody else's.
fn search(truths: &[Truth], user: &EmailAddress, query: &str, leak: bool) -> Found {
    let token = query.split(' ').next().unwrap_or_default();
    let mut found: Found = truths
        .iter()
        .filter(|truth| token.is_empty() || truth.body_token == token)
        .filter(|truth| leak || truth.owners.iter().any(|owner| owner.key() == user.key()))
        .map(|truth| truth.content)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_perfect_search_passes_every_check() {
    let (truths, users) = truths();
    let ground = GroundTruth::new(&truths, users);
    assert!(ground.originals() > 100);
    let ask = |user: &EmailAddress, query: &str| {
        Ok::<_, Infallible>(search(&truths, user, query, user.as_str() == "auditor"))
    };
    ground.check_tokens(ask).assert_perfect();
    ground.check_names(&EmailAddress::new("auditor"), ask).assert_perfect();
    ground
        .check_everything(|user| Ok::<_, Infallible>(search(&truths, user, "", false)))
        .assert_perfect();
}

#[test]
fn a_search_that_leaks_or_loses_a_mail_is_caught() {
    let (truths, users) = truths();
    let ground = GroundTruth::new(&truths, users);
    let leaking =
        ground.check_tokens(|user, query| Ok::<_, Infallible>(search(&truths, user, query, true)));
    assert!(leaking.difference_count > 0);
    let lossy = ground.check_everything(|user| {
        let mut found = search(&truths, user, "", false);
        found.pop();
        Ok::<_, Infallible>(found)
    });
    assert!(lossy.difference_count > 0);
}
