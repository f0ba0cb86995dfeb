//! One line that says what a run is doing.

use trainyard_api::run::{Progress, Status};

use crate::words::{self, Grow};

/// Room, what is going on in it, and for how long (milliseconds).
pub(crate) fn status(status: &Status, in_room: i64) -> String {
    let mut parts = doing(status, true);
    if in_room >= 1000 {
        parts.push(words::span(in_room));
    }
    format!("{:<8}{}", shown_room(status), parts.join(" · ")).trim_end().to_owned()
}

/// The same without what changes all the time: two of these tell whether there is news.
pub(crate) fn without_time(status: &Status) -> String {
    format!("{:<8}{}", shown_room(status), doing(status, false).join(" · "))
}

fn shown_room(status: &Status) -> &str {
    match status {
        _ if status.canceling => "cancel",
        _ if status.halting => "halt",
        _ => &status.room,
    }
}

fn doing(status: &Status, with_rate: bool) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(first) = status.waiting_for.first() {
        let more = status.waiting_for.len() - 1;
        let rest = if more > 0 { format!(" (+{more} more)") } else { String::new() };
        parts.push(format!("{}{rest}", words::printable(first)));
    }
    if let Some(progress) = &status.progress {
        parts.push(told(progress, with_rate));
    }
    if status.room == "run"
        && let Some(usage) = &status.usage
    {
        parts.push(format!("{:.1} cores", usage.cpu_cores));
        parts.push(words::bytes(usage.memory_bytes));
    }
    if status.room == "run" && status.log_bytes > 0 {
        parts.push(format!("log {}", words::bytes(status.log_bytes)));
    }
    parts
}

fn told(progress: &Progress, with_rate: bool) -> String {
    let mut text = words::printable(&progress.what);
    match (progress.bytes, progress.bytes_total) {
        (Some(bytes), Some(total)) => {
            text.add(format_args!(" {} of {}", words::bytes(bytes), words::bytes(total)));
        }
        (Some(bytes), None) => text.add(format_args!(" {}", words::bytes(bytes))),
        (None, _) => {}
    }
    match (progress.items, progress.items_total) {
        // One object is what the bytes are of.
        (Some(_), Some(0 | 1)) if progress.bytes.is_some() => {}
        (Some(items), Some(total)) if progress.bytes.is_some() => {
            text.add(format_args!(" ({items} of {total} objects)"));
        }
        (Some(items), Some(total)) => text.add(format_args!(" {items} of {total}")),
        (Some(items), None) if progress.bytes.is_none() => text.add(format_args!(" {items}")),
        _ => {}
    }
    if !with_rate {
        return text;
    }
    if let Some(rate) = progress.bytes_per_second {
        text.add(format_args!(", {}/s", words::bytes(rate)));
    }
    if let Some(left @ 1..) = progress.seconds_left {
        let left = i64::try_from(left).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
        text.add(format_args!(", {} left", words::span(left)));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(more: &Value, in_room: i64) -> String {
        let mut document = json!({
            "state": "running", "message": "", "metrics": [], "log_bytes": 0, "room": "queue",
            "submitted_at": "2017-10-26T11:00:00.000Z", "current_at": "2017-10-26T11:00:10.000Z",
        });
        let fields = document.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        status(&serde_json::from_value(document).expect("a status"), in_room)
    }

    #[test]
    fn a_room_says_what_goes_on_in_it() {
        let waits = json!({ "waiting_for": ["2 more slots", "its environment"] });
        assert_eq!(told(&waits, 12_000), "queue   2 more slots (+1 more) · 12 s");
        let fetches = json!({ "room": "prepare", "progress": {
            "what": "fetching training data", "bytes": 5_242_880, "bytes_total": 10_485_760,
            "items": 3, "items_total": 7, "since": "2017-10-26T11:00:08.000Z",
            "bytes_per_second": 2_621_440, "seconds_left": 2,
        } });
        let line = "prepare fetching training data 5.0 MiB of 10.0 MiB (3 of 7 objects), 2.5 MiB/s, 2.0 s left · 2.1 s";
        assert_eq!(told(&fetches, 2_100), line);
        let runs = json!({ "room": "run", "log_bytes": 2048, "usage": {
            "at": "2017-10-26T11:00:09.000Z", "cpu_cores": 1.94, "cpu_seconds": 7.0,
            "memory_bytes": 536_870_912, "disk_bytes": 0, "processes": 2,
        } });
        let line = "run     1.9 cores · 512 MiB · log 2.0 KiB · 1 min 02 s";
        assert_eq!(told(&runs, 62_000), line);
        assert_eq!(told(&json!({ "room": "run", "canceling": true }), 0), "cancel");
    }
}
