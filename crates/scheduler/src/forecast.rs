//! When enough slots may be free.

use trainyard_model::Timestamp;

/// Slots that somebody holds, and until when as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// How many.
    pub slots: u32,
    /// Until when; `None`: nobody knows.
    pub at: Option<Timestamp>,
}

/// When `needed` slots will be free, of which `free` are now, if those who hold the others
/// give them back when they are expected to. `None` when too few are expected back.
pub fn enough_at(needed: u32, free: u32, releases: &[Release]) -> Option<Timestamp> {
    let mut known: Vec<(Timestamp, u32)> =
        releases.iter().filter_map(|release| Some((release.at?, release.slots))).collect();
    known.sort_unstable();
    let mut free = free;
    known.into_iter().find_map(|(at, slots)| {
        free = free.saturating_add(slots);
        (free >= needed).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_as_they_come_back() {
        let at = |second| Timestamp::from_second(second).ok();
        let holds = |slots, second| Release { slots, at: at(second) };
        let releases = [holds(2, 30), holds(1, 10), Release { slots: 4, at: None }];
        assert_eq!(enough_at(1, 0, &releases), at(10));
        assert_eq!(enough_at(2, 1, &releases), at(10));
        assert_eq!(enough_at(3, 0, &releases), at(30));
        assert_eq!(enough_at(4, 0, &releases), None, "nobody knows when the others come back");
    }
}
