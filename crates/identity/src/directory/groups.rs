//! Groups and who belongs to them, through groups inside groups.

use std::collections::{HashMap, HashSet};

use catalog::{DirectoryConfig, GroupNesting};

use super::client::{Client, Depth, Search};
use super::entry::{Entry, dn_key, sid_parts};
use super::error::DirectoryError;
use super::filter::escape;
use super::person::{self, Person};

/// Groups of one directory.
pub const GROUPS_MAX: u32 = 50_000;

/// Members of all groups together, those of groups inside groups counted once.
const MEMBERSHIPS_MAX: usize = 5_000_000;

/// Parts of one group's list of members.
const RANGES_MAX: u32 = 10_000;

/// A group with all people that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub key: String,
    pub dn: String,
    pub name: String,
    /// Places in the list of people, ascending.
    pub members: Vec<u32>,
}

/// A group as it was read.
struct Raw {
    key: String,
    dn: String,
    name: String,
    /// The domain and the relative id.
    sid: Option<(Vec<u8>, u32)>,
    people: Vec<u32>,
    /// Members that are no people: perhaps groups, by comparable name.
    others: Vec<String>,
}

/// Whether any group is needed.
pub(super) fn wanted(config: &DirectoryConfig) -> bool {
    config.all_groups || !config.rules.is_empty()
}

pub(super) fn bases(config: &DirectoryConfig) -> &[String] {
    match config.group_bases.as_slice() {
        [] => &config.people_bases,
        bases => bases,
    }
}

/// The groups that the rules name, or all of them, with their members among `people`.
pub(super) fn read(
    client: &mut Client,
    config: &DirectoryConfig,
    people: &[Person],
) -> Result<Vec<Group>, DirectoryError> {
    if !wanted(config) {
        return Ok(Vec::new());
    }
    let known = Known::of(people);
    let mut raws = all(client, config, &known)?;
    add_primary(&mut raws, people);
    let chosen: Vec<usize> =
        (0..raws.len()).filter(|at| config.all_groups || is_named(&raws[*at], config)).collect();
    let by_dn: HashMap<String, usize> =
        raws.iter().enumerate().map(|(at, raw)| (dn_key(&raw.dn), at)).collect();
    let mut groups = Vec::with_capacity(chosen.len());
    let mut memberships = 0;
    for at in chosen {
        let members = match config.group_nesting {
            GroupNesting::Walk => walk(&raws, &by_dn, at),
            GroupNesting::InChain => in_chain(client, config, &raws[at], &known)?,
        };
        memberships += members.len();
        too_many(memberships)?;
        let raw = &raws[at];
        let (key, dn, name) = (raw.key.clone(), raw.dn.clone(), raw.name.clone());
        groups.push(Group { key, dn, name, members });
    }
    Ok(groups)
}

/// People by what lists of members call them.
struct Known {
    by_dn: HashMap<String, u32>,
    by_login: HashMap<String, u32>,
}

impl Known {
    fn of(people: &[Person]) -> Self {
        // Fewer people than 2^32: the configuration's limit.
        let places = || people.iter().zip(0_u32..);
        Self {
            by_dn: places().map(|(person, at)| (dn_key(&person.dn), at)).collect(),
            by_login: places().map(|(person, at)| (person.login.to_lowercase(), at)).collect(),
        }
    }
}

fn too_many(memberships: usize) -> Result<(), DirectoryError> {
    match memberships > MEMBERSHIPS_MAX {
        true => Err(DirectoryError::TooMuch {
            limit: MEMBERSHIPS_MAX as u64,
            what: "members of groups",
        }),
        false => Ok(()),
    }
}

/// Whether a rule names the group, by name or distinguished name.
fn is_named(raw: &Raw, config: &DirectoryConfig) -> bool {
    config.rules.iter().any(|rule| names(&rule.group, &raw.name, &raw.dn))
}

/// Whether `text` of a rule means this group.
pub(super) fn names(text: &str, name: &str, dn: &str) -> bool {
    let text = text.trim();
    text.to_lowercase() == name.to_lowercase() || (text.contains('=') && dn_key(text) == dn_key(dn))
}

fn all(
    client: &mut Client,
    config: &DirectoryConfig,
    known: &Known,
) -> Result<Vec<Raw>, DirectoryError> {
    let map = &config.attributes;
    let mut attributes: Vec<&str> = vec![&map.key, "objectSid"];
    attributes.extend(map.group_name.iter().map(String::as_str));
    let walked = config.group_nesting == GroupNesting::Walk;
    if walked {
        attributes.extend(map.member.iter().map(String::as_str));
    }
    let (mut raws, mut ranged, mut seen, mut memberships) =
        (Vec::new(), Vec::new(), HashSet::new(), 0);
    for base in bases(config) {
        let search = Search {
            base,
            depth: Depth::Subtree,
            filter: &config.group_filter,
            attributes: &attributes,
            page_size: config.page_size,
            entries_max: GROUPS_MAX,
        };
        client.search(&search, |entry| {
            let Some(key) = person::key(&entry, &map.key) else { return Ok(()) };
            if !seen.insert(key.clone()) {
                return Ok(());
            }
            let mut raw = Raw::of(key, &entry, config);
            let mut add = |name: &String, entry: &Entry, raw: &mut Raw| {
                memberships += raw.add(entry, name, known);
                too_many(memberships)
            };
            for name in &map.member {
                add(name, &entry, &mut raw)?;
                if let Some(last) = entry.range(name).and_then(|range| range.last) {
                    ranged.push((raws.len(), name.clone(), last));
                }
            }
            raws.push(raw);
            Ok(())
        })?;
    }
    for (at, name, last) in ranged {
        rest(client, &mut raws[at], &name, last, known, &mut memberships)?;
    }
    Ok(raws)
}

/// Reads the further parts of a long list of members.
fn rest(
    client: &mut Client,
    raw: &mut Raw,
    name: &str,
    mut last: u32,
    known: &Known,
    memberships: &mut usize,
) -> Result<(), DirectoryError> {
    for _ in 0..RANGES_MAX {
        let next = last.checked_add(1).ok_or(DirectoryError::Malformed)?;
        let wanted = format!("{name};range={next}-*");
        let Some(entry) = client.entry(&raw.dn, &[&wanted])? else { return Ok(()) };
        *memberships += raw.add(&entry, name, known);
        too_many(*memberships)?;
        match entry.range(name) {
            Some(range) => match range.last {
                Some(further) if further > last => last = further,
                Some(_) => return Err(DirectoryError::Malformed),
                None => return Ok(()),
            },
            // The list has become shorter meanwhile.
            None => return Ok(()),
        }
    }
    Err(DirectoryError::TooMuch { limit: u64::from(RANGES_MAX), what: "parts of one group" })
}

impl Raw {
    fn of(key: String, entry: &Entry, config: &DirectoryConfig) -> Self {
        let name = entry.first_text(&config.attributes.group_name).unwrap_or(&entry.dn);
        let sid = entry.values("objectSid").next().and_then(sid_parts);
        Self {
            key,
            dn: entry.dn.clone(),
            name: name.to_owned(),
            sid: sid.map(|(domain, rid)| (domain.to_vec(), rid)),
            people: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Adds the members that stand in `entry`; returns how many.
    fn add(&mut self, entry: &Entry, attribute: &str, known: &Known) -> usize {
        let by_login = attribute.eq_ignore_ascii_case("memberUid");
        let mut count = 0;
        for member in entry.texts(attribute) {
            count += 1;
            if by_login {
                self.people.extend(known.by_login.get(&member.to_lowercase()));
                continue;
            }
            let member = dn_key(member);
            match known.by_dn.get(&member) {
                Some(at) => self.people.push(*at),
                None => self.others.push(member),
            }
        }
        count
    }
}

/// People whose primary group it is are in no list of members (MS-ADTS §3.1.1.4.5.2).
fn add_primary(raws: &mut [Raw], people: &[Person]) {
    let mut by_sid: HashMap<(Vec<u8>, u32), Vec<u32>> = HashMap::new();
    for (person, at) in people.iter().zip(0_u32..) {
        if let Some(group) = &person.primary_group {
            by_sid.entry(group.clone()).or_default().push(at);
        }
    }
    for raw in raws {
        if let Some(people) = raw.sid.as_ref().and_then(|sid| by_sid.get(sid)) {
            raw.people.extend(people);
        }
    }
}

/// Everybody in the group and in the groups inside it; each group is entered once, so that groups
/// which contain each other end.
fn walk(raws: &[Raw], by_dn: &HashMap<String, usize>, start: usize) -> Vec<u32> {
    let mut members = HashSet::new();
    let mut entered = HashSet::from([start]);
    let mut waiting = vec![start];
    while let Some(at) = waiting.pop() {
        members.extend(&raws[at].people);
        let inside = raws[at].others.iter().filter_map(|dn| by_dn.get(dn));
        waiting.extend(inside.filter(|at| entered.insert(**at)));
    }
    sorted(members)
}

/// Asks the server who is in the group, however deep. Those whose primary group it is are added.
fn in_chain(
    client: &mut Client,
    config: &DirectoryConfig,
    raw: &Raw,
    known: &Known,
) -> Result<Vec<u32>, DirectoryError> {
    let mut members: HashSet<u32> = raw.people.iter().copied().collect();
    let group = escape(raw.dn.as_bytes());
    let filter = format!(
        "(&{}(memberOf:1.2.840.113556.1.4.1941:={group}))",
        super::filter::enclosed(&config.people_filter)
    );
    for base in &config.people_bases {
        let search = Search {
            base,
            depth: Depth::Subtree,
            filter: &filter,
            attributes: &["1.1"],
            page_size: config.page_size,
            entries_max: config.entries_max,
        };
        client.search(&search, |entry| {
            members.extend(known.by_dn.get(&dn_key(&entry.dn)));
            Ok(())
        })?;
    }
    Ok(sorted(members))
}

fn sorted(members: HashSet<u32>) -> Vec<u32> {
    let mut members: Vec<u32> = members.into_iter().collect();
    members.sort_unstable();
    members
}
