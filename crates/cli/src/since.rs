//! `--since`: how long ago, or a time.

use jiff::civil;
use jiff::{Span, Timestamp, Zoned};
use trainyard_api::Time;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::exit::Exit;
use crate::failure::Failure;

/// Reads `text` as a time before `now`: `10m`, `1h 30m`, `1d`; as a time of today or the day
/// before, `14:05`; as a date, with a time or without one, in the zone of `now`; or as RFC 3339.
pub(crate) fn since(text: &str, now: &Zoned) -> Result<Time, Failure> {
    let found = ago(text, now).or_else(|| point(text, now));
    found.map(Time).ok_or_else(|| {
        let complaint = Diagnostic::error(Code::BadRequest, format!("`{text}` is no time"))
            .help("say how long ago (`10m`, `2h 30m`, `1d`), or when (`14:05`, `2026-03-01`, `2026-03-01T14:05:00Z`)");
        Failure::other(complaint, Exit::USAGE)
    })
}

fn ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    let span: Span = text.parse().ok()?;
    Some(now.checked_sub(span.abs()).ok()?.timestamp())
}

fn point(text: &str, now: &Zoned) -> Option<Timestamp> {
    let zone = now.time_zone();
    let in_zone = |at: civil::DateTime| Some(at.to_zoned(zone.clone()).ok()?.timestamp());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // Before the date and time: that would read a mere date as its midnight, too.
    if let Ok(time) = text.parse::<civil::Time>()
        && text.contains(':')
    {
        let today = in_zone(now.date().to_datetime(time))?;
        if today <= now.timestamp() {
            return Some(today);
        }
        return in_zone(now.date().yesterday().ok()?.to_datetime(time));
    }
    text.parse::<civil::DateTime>().ok().and_then(in_zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_understood_as_people_write_them() {
        let now: Zoned = "2026-03-02T12:00:00+01:00[Europe/Berlin]".parse().expect("a time");
        let read = |text: &str| since(text, &now).map(|time| time.to_string()).ok();
        for (text, expected) in [
            ("10m", "2026-03-02T10:50:00.000Z"),
            ("2h 30m", "2026-03-02T08:30:00.000Z"),
            ("1d", "2026-03-01T11:00:00.000Z"),
            ("45s", "2026-03-02T10:59:15.000Z"),
            ("11:30", "2026-03-02T10:30:00.000Z"),
            ("23:00", "2026-03-01T22:00:00.000Z"),
            ("2026-03-01", "2026-02-28T23:00:00.000Z"),
            ("2026-03-01 14:05", "2026-03-01T13:05:00.000Z"),
            ("2026-03-01T14:05:00Z", "2026-03-01T14:05:00.000Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        assert!(read("soon").is_none() && read("").is_none() && read("10").is_none());
    }
}
