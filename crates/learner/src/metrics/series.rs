//! Which source each series comes from.
//!
//! A program may tell the same twice: it prints its loss and writes it into a file. A series
//! is of the source that told it first, files going before what the log was guessed from.
//! Event files in another folder are another experiment of the same program: theirs get the
//! folder's name before their own.

use std::collections::HashMap;

use trainyard_metrics::name_of;

/// More series are not kept.
const SERIES: usize = 2000;

/// What kind of source, the least reliable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The log, guessed.
    Lines,
    /// A list left at the end.
    List,
    /// A file, or expressions that the user has written.
    Told,
}

/// A source as the owner of series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub rank: Rank,
    /// Sources of the same are one: the files of a folder.
    pub of: String,
    /// What is put before the names of a series that is another's; without it they are left out.
    pub prefix: Option<String>,
}

/// All series, by phase and name.
#[derive(Debug, Default)]
pub(crate) struct Series {
    owners: HashMap<String, HashMap<String, (Rank, String)>>,
    count: usize,
    pub left_out: bool,
}

impl Series {
    /// Under which name the source may tell a series; nothing when it may not.
    pub(crate) fn name(&mut self, phase: &str, name: &str, owner: &Owner) -> Option<String> {
        if self.take(phase, name, owner) {
            return Some(name.to_owned());
        }
        let prefix = owner.prefix.as_ref()?;
        let name = name_of(&format!("{prefix}/{name}"))?;
        self.take(phase, &name, owner).then_some(name)
    }

    fn take(&mut self, phase: &str, name: &str, owner: &Owner) -> bool {
        if let Some(known) = self.owners.get_mut(phase).and_then(|of| of.get_mut(name)) {
            if known.0 < owner.rank {
                *known = (owner.rank, owner.of.clone());
            }
            return known.0 == owner.rank && known.1 == owner.of;
        }
        if self.count >= SERIES {
            self.left_out = true;
            return false;
        }
        self.count += 1;
        let of_phase = self.owners.entry(phase.to_owned()).or_default();
        of_phase.insert(name.to_owned(), (owner.rank, owner.of.clone()));
        true
    }

    /// A series that an earlier learner has found to be that source's.
    pub(crate) fn is_of(&mut self, phase: &str, name: &str, owner: &Owner) {
        self.take(phase, name, owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(rank: Rank, of: &str, prefix: Option<&str>) -> Owner {
        Owner { rank, of: of.to_owned(), prefix: prefix.map(str::to_owned) }
    }

    #[test]
    fn a_series_is_of_one_source() {
        let mut series = Series::default();
        let log = owner(Rank::Lines, "log", None);
        let (one, two) = (owner(Rank::Told, "a", Some("a")), owner(Rank::Told, "b", Some("b")));
        let file = owner(Rank::Told, "file", None);
        let mut name = |owner: &Owner| series.name("train", "loss", owner);
        assert_eq!(name(&log).as_deref(), Some("loss"));
        assert_eq!(name(&one).as_deref(), Some("loss"), "a file goes before a guess");
        assert_eq!(name(&log), None);
        assert_eq!(name(&two).as_deref(), Some("b/loss"));
        assert_eq!(name(&two).as_deref(), Some("b/loss"));
        assert_eq!(name(&file), None);
        assert_eq!(series.name("test", "loss", &file).as_deref(), Some("loss"));
    }
}
