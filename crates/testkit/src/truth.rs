//! The check that everybody finds exactly what is theirs.

use std::collections::{BTreeMap, BTreeSet};

use model::{ContentId, EmailAddress};

use crate::demo::Truth;

/// How many differences one check lists before it only counts.
const DIFFERENCES_MAX: usize = 50;

/// What one search of one user gave: the digests of the originals found, in any order.
pub type Found = Vec<ContentId>;

/// The outcome of a check.
#[derive(Debug, Default)]
pub struct Verdict {
    pub searches: usize,
    /// (owner, mail) pairs that had to be found, and were.
    pub found: usize,
    pub differences: Vec<String>,
    pub difference_count: usize,
}

impl Verdict {
    fn differs(&mut self, what: String) {
        self.difference_count += 1;
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(what);
        }
    }

    /// # Panics
    /// With the differences when there are any, and when nothing was looked for.
    pub fn assert_perfect(&self) {
        assert!(self.found > 0, "nothing was looked for");
        assert!(
            self.difference_count == 0,
            "{} differences in {} searches:\n{}",
            self.difference_count,
            self.searches,
            self.differences.join("\n")
        );
    }
}

/// Holds what must be found, by original; several reports of one original add up.
pub struct GroundTruth {
    mails: BTreeMap<ContentId, Expected>,
    users: BTreeSet<String>,
}

struct Expected {
    owners: BTreeSet<String>,
    token: String,
    attachments: Vec<String>,
    recipients: BTreeSet<String>,
}

impl GroundTruth {
    /// `users` are the mailboxes that are asked: each may see exactly what it owns.
    pub fn new<'a>(
        truths: impl IntoIterator<Item = &'a Truth>,
        users: impl IntoIterator<Item = EmailAddress>,
    ) -> Self {
        let mut mails: BTreeMap<ContentId, Expected> = BTreeMap::new();
        for truth in truths {
            let expected = mails.entry(truth.content).or_insert_with(|| Expected {
                owners: BTreeSet::new(),
                token: truth.body_token.clone(),
                attachments: truth.attachments.clone(),
                recipients: BTreeSet::new(),
            });
            expected.owners.extend(truth.owners.iter().map(EmailAddress::key));
            expected.recipients.extend(truth.recipients.iter().map(|line| line.address.key()));
        }
        Self { mails, users: users.into_iter().map(|user| user.key()).collect() }
    }

    /// How many different originals there are: records that the archive must hold.
    pub fn originals(&self) -> usize {
        self.mails.len()
    }

    /// For every mail asks every user for its body token: owners must find exactly the originals
    /// that are theirs, everybody else nothing.
    pub fn check_tokens<E: std::fmt::Display>(
        &self,
        mut search: impl FnMut(&EmailAddress, &str) -> Result<Found, E>,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        let mut by_token: BTreeMap<&str, Vec<(&ContentId, &Expected)>> = BTreeMap::new();
        for (content, expected) in &self.mails {
            by_token.entry(&expected.token).or_default().push((content, expected));
        }
        for (token, versions) in by_token {
            for user in &self.users {
                let wanted: BTreeSet<ContentId> = versions
                    .iter()
                    .filter(|(_, expected)| expected.owners.contains(user))
                    .map(|(content, _)| **content)
                    .collect();
                self.compare(user, token, &wanted, &mut search, &mut verdict);
            }
        }
        verdict
    }

    /// For every mail asks its first owner by each attachment name, and `auditor`, who may know of
    /// blind copies, by each recipient, together with the token: the mail must be found.
    pub fn check_names<E: std::fmt::Display>(
        &self,
        auditor: &EmailAddress,
        mut search: impl FnMut(&EmailAddress, &str) -> Result<Found, E>,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        for (content, expected) in &self.mails {
            let Some(user) = expected.owners.iter().find(|owner| self.users.contains(*owner))
            else {
                continue;
            };
            let owner = EmailAddress::new(user);
            let names = expected.attachments.iter().map(|name| format!("attachment:\"{name}\""));
            let people = expected.recipients.iter().map(|address| format!("with:{address}"));
            let questions =
                names.map(|name| (&owner, name)).chain(people.map(|who| (auditor, who)));
            for (user, query) in questions {
                let query = format!("{} {query}", expected.token);
                verdict.searches += 1;
                match search(user, &query) {
                    Ok(found) if found.contains(content) => verdict.found += 1,
                    Ok(_) => verdict.differs(format!("{user} does not find {content} by {query}")),
                    Err(error) => verdict.differs(format!("{user}, {query}: {error}")),
                }
            }
        }
        verdict
    }

    /// Asks every user for everything (`list` pages to the end): exactly theirs must come.
    pub fn check_everything<E: std::fmt::Display>(
        &self,
        mut list: impl FnMut(&EmailAddress) -> Result<Found, E>,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        for user in &self.users {
            let wanted: BTreeSet<ContentId> = self
                .mails
                .iter()
                .filter(|(_, expected)| expected.owners.contains(user))
                .map(|(content, _)| *content)
                .collect();
            self.compare(user, "everything", &wanted, &mut |user, _| list(user), &mut verdict);
        }
        verdict
    }

    fn compare<E: std::fmt::Display>(
        &self,
        user: &str,
        query: &str,
        wanted: &BTreeSet<ContentId>,
        search: &mut impl FnMut(&EmailAddress, &str) -> Result<Found, E>,
        verdict: &mut Verdict,
    ) {
        verdict.searches += 1;
        let found = match search(&EmailAddress::new(user), query) {
            Ok(found) => found,
            Err(error) => return verdict.differs(format!("{user}, {query}: {error}")),
        };
        let distinct: BTreeSet<ContentId> = found.iter().copied().collect();
        if distinct.len() != found.len() {
            verdict.differs(format!("{user} finds a mail twice by {query}"));
        }
        for missing in wanted.difference(&distinct) {
            verdict.differs(format!("{user} does not find {missing} by {query}"));
        }
        for foreign in distinct.difference(wanted) {
            verdict.differs(format!("{user} finds {foreign} by {query}, which is not theirs"));
        }
        verdict.found += wanted.intersection(&distinct).count();
    }
}

#[cfg(test)]
mod tests;
