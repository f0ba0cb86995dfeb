//! Complaints about entries of a zip, collected and capped.

use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

/// The one complaint that ends the reading; boxed, for it travels in many results.
pub(super) type Fatal = Box<Diagnostic>;

/// More complaints than this help nobody.
const SHOWN: usize = 50;

/// What is wrong with a zip so far.
#[derive(Default)]
pub(super) struct Complaints {
    told: Vec<Diagnostic>,
    more: usize,
    hostile: bool,
}

impl Complaints {
    pub(super) fn add(&mut self, complaint: Diagnostic) {
        self.hostile |= matches!(complaint.code, Code::LyingEntry | Code::ZipTooLarge);
        if self.told.len() < SHOWN {
            self.told.push(complaint);
        } else {
            self.more += 1;
        }
    }

    /// About one entry.
    pub(super) fn entry(&mut self, code: Code, name: &str, message: impl Into<String>) {
        self.add(Diagnostic::error(code, message).at(name));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Did the structure lie, or is it too large? Then nothing gets decompressed.
    pub(super) fn hostile(&self) -> bool {
        self.hostile
    }

    pub(super) fn into_vec(mut self) -> Vec<Diagnostic> {
        if let (Some(last), more @ 1..) = (self.told.last(), self.more) {
            let message = format!("and {more} more complaints");
            self.told.push(Diagnostic::error(last.code, message));
        }
        self.told
    }
}

/// Bytes for people: `12 bytes`, `3.5 MiB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, UNITS[unit]),
        tenth => format!("{}.{tenth} {}", tenths / 10, UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_a_unit_that_fits() {
        for (count, told) in
            [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (2 << 30, "2 GiB")]
        {
            assert_eq!(bytes(count), told);
        }
        assert_eq!(bytes(u64::MAX), "16777215.9 TiB");
    }

    #[test]
    fn a_thousand_complaints_become_fifty_and_a_count() {
        let mut complaints = Complaints::default();
        for number in 0..1000 {
            complaints.entry(Code::NestedEntry, &format!("a/{number}"), "lies in a folder");
        }
        let told = complaints.into_vec();
        assert_eq!(told.len(), SHOWN + 1);
        assert_eq!(told[SHOWN].message, "and 950 more complaints");
    }
}
