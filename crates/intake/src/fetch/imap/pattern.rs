//! Which folders of a mailbox are fetched.

use super::folders::{Folder, SpecialUse};

/// Letters of one pattern.
pub const PATTERN_LETTERS_MAX: usize = 500;
/// Patterns of one source.
pub const PATTERNS_MAX: usize = 200;

/// A pattern of folders, in the words of the settings:
///
/// - `\Trash`: the folder of that special use, and all beneath it;
/// - `Projects/2024`: that folder and all beneath it; `/` stands for the server's delimiter, upper
///   and lower case are the same;
/// - `Projects/*/Old`: `*` is anything, `%` anything within one name;
/// - `=INBOX`: that folder alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderPattern {
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Name { letters: Vec<char>, alone: bool },
    SpecialUse(SpecialUse),
}

/// What is wrong with a pattern; for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongPattern(pub String);

/// Why a folder is fetched or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Excluded,
    Fetched,
    /// Only a place for other folders.
    NoMails,
    NotIncluded,
}

impl FolderPattern {
    /// # Errors
    /// When it is empty or too long, or names a special use that does not exist.
    pub fn parse(text: &str) -> Result<Self, WrongPattern> {
        let text = text.trim();
        if text.starts_with('\\') {
            let unknown = || WrongPattern(format!("{text} is no special use of folders"));
            let special_use = SpecialUse::parse(text).ok_or_else(unknown)?;
            return Ok(Self { form: Form::SpecialUse(special_use) });
        }
        let (alone, name) = match text.strip_prefix('=') {
            Some(name) => (true, name),
            None => (false, text.trim_end_matches('/')),
        };
        if name.is_empty() || name.chars().count() > PATTERN_LETTERS_MAX {
            let what = format!("a pattern has between 1 and {PATTERN_LETTERS_MAX} letters");
            return Err(WrongPattern(what));
        }
        Ok(Self { form: Form::Name { letters: lower(name), alone } })
    }

    /// `above`: the folders that lie on the way to `folder`, for special uses.
    fn matches(&self, folder: &Folder, above: &[&Folder]) -> bool {
        let path = folder.path();
        match &self.form {
            Form::SpecialUse(wanted) => {
                let mut all = above.iter().copied().chain([folder]);
                all.any(|it| it.special_use == Some(*wanted))
            }
            Form::Name { letters, alone } => {
                let shortest = if *alone { path.len() } else { 1 };
                (shortest..=path.len()).any(|length| {
                    let name = lower(&path[..length].join("/"));
                    wild(letters, &name)
                })
            }
        }
    }
}

/// Whether each folder is fetched; in the order given. No pattern to include means all; what is
/// excluded is so even where it is included as well.
pub fn choose(
    folders: &[Folder],
    include: &[FolderPattern],
    exclude: &[FolderPattern],
) -> Vec<Choice> {
    let special: Vec<&Folder> = folders.iter().filter(|it| it.special_use.is_some()).collect();
    let choice = |folder: &Folder| {
        let above: Vec<&Folder> =
            special.iter().copied().filter(|it| lies_beneath(folder, it)).collect();
        let any = |patterns: &[FolderPattern]| patterns.iter().any(|it| it.matches(folder, &above));
        match folder.is_selectable() {
            false => Choice::NoMails,
            true if any(exclude) => Choice::Excluded,
            true if include.is_empty() || any(include) => Choice::Fetched,
            true => Choice::NotIncluded,
        }
    };
    folders.iter().map(choice).collect()
}

fn lies_beneath(folder: &Folder, other: &Folder) -> bool {
    let behind = folder.name.strip_prefix(other.name.as_str());
    match (behind, other.delimiter.or(folder.delimiter)) {
        (Some(rest), Some(delimiter)) => rest.starts_with(delimiter),
        _ => false,
    }
}

fn lower(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// `*` and `%` in `pattern`, in time of pattern times name: `reached[n]` says whether what was seen
/// of the pattern can be the first `n` letters of the name.
fn wild(pattern: &[char], name: &[char]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for letter in pattern {
        match letter {
            '*' | '%' => {
                for at in 0..name.len() {
                    reached[at + 1] |= reached[at] && (*letter == '*' || name[at] != '/');
                }
            }
            _ => {
                for at in (0..name.len()).rev() {
                    reached[at + 1] = reached[at] && name[at] == *letter;
                }
                reached[0] = false;
            }
        }
    }
    reached[name.len()]
}
