//! How long a run was in each room, as a follower sees it.

use std::time::Instant;

use jiff::Timestamp;
use trainyard_api::run::Status;

/// Measures by the server's clock, so that a follower with a wrong one is not misled.
#[derive(Debug, Default)]
pub(crate) struct RoomClock {
    room: Option<Visit>,
    past: Vec<(String, i64)>,
}

#[derive(Debug)]
struct Visit {
    room: String,
    since: Timestamp,
    /// The server's time when it was last heard, and ours then.
    heard: (Timestamp, Instant),
}

impl RoomClock {
    /// Takes a status; is its room another one than before?
    pub(crate) fn see(&mut self, status: &Status) -> bool {
        let now = status.current_at.0;
        let heard = (now, Instant::now());
        match &mut self.room {
            Some(visit) if visit.room == status.room => {
                visit.heard = heard;
                false
            }
            _ => {
                let since = match (&self.room, status.room.as_str()) {
                    // Whoever comes late is told when it began, where that is on record.
                    (None, "queue" | "submit") => status.submitted_at.0,
                    (_, "run") => status.running_at.map_or(now, |at| at.0),
                    (_, "settle") => status.finished_at.map_or(now, |at| at.0),
                    _ => now,
                };
                self.leave(since);
                self.room = Some(Visit { room: status.room.clone(), since, heard });
                true
            }
        }
    }

    /// Milliseconds in the present room, up to this moment.
    pub(crate) fn in_room(&self) -> i64 {
        self.room.as_ref().map_or(0, |visit| {
            let (server, ours) = visit.heard;
            let since_heard = i64::try_from(ours.elapsed().as_millis()).unwrap_or(i64::MAX);
            server.as_millisecond() - visit.since.as_millisecond() + since_heard
        })
    }

    /// Rooms and milliseconds, in order, once the run has settled.
    pub(crate) fn finish(&mut self, last: &Status) -> Vec<(String, i64)> {
        self.leave(last.finished_at.unwrap_or(last.current_at).0);
        std::mem::take(&mut self.past)
    }

    fn leave(&mut self, at: Timestamp) {
        if let Some(visit) = self.room.take()
            && visit.room != "settle"
        {
            let spent = (at.as_millisecond() - visit.since.as_millisecond()).max(0);
            match self.past.iter_mut().find(|(room, _)| *room == visit.room) {
                Some((_, sum)) => *sum += spent,
                None => self.past.push((visit.room, spent)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(room: &str, at: &str, more: &Value) -> Status {
        let mut document = json!({
            "state": "running", "message": "", "metrics": [], "log_bytes": 0,
            "submitted_at": "2017-10-26T11:00:00.000Z", "room": room, "current_at": at,
        });
        let fields = document.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        serde_json::from_value(document).expect("a status")
    }

    #[test]
    fn rooms_are_timed_by_the_servers_clock() {
        let mut clock = RoomClock::default();
        let none = json!({});
        assert!(clock.see(&status("queue", "2017-10-26T11:00:01.000Z", &none)));
        assert!(!clock.see(&status("queue", "2017-10-26T11:00:02.000Z", &none)));
        assert!((2_000..60_000).contains(&clock.in_room()), "{}", clock.in_room());
        assert!(clock.see(&status("prepare", "2017-10-26T11:00:03.000Z", &none)));
        let running = json!({ "running_at": "2017-10-26T11:00:04.000Z" });
        assert!(clock.see(&status("run", "2017-10-26T11:00:09.000Z", &running)));
        let ended = json!({ "finished_at": "2017-10-26T11:00:10.000Z" });
        let last = status("settle", "2017-10-26T11:00:12.000Z", &ended);
        clock.see(&last);
        let times = [("queue", 3_000), ("prepare", 1_000), ("run", 6_000)];
        let times: Vec<_> = times.map(|(room, spent)| (room.to_owned(), spent)).into();
        assert_eq!(clock.finish(&last), times);
    }

    #[test]
    fn whoever_comes_late_is_told_when_the_program_was_started() {
        let mut clock = RoomClock::default();
        let running = json!({ "running_at": "2017-10-26T11:00:00.000Z" });
        clock.see(&status("run", "2017-10-26T12:00:00.000Z", &running));
        assert!(clock.in_room() >= 3_600_000);
    }
}
