//! The server about itself.

use jiff::Timestamp;
use trainyard_api::service::Service;

use super::rows;
use crate::words::{self, printable};

/// As `serve --status` prints it.
pub fn service(service: &Service, url: &str, now: Timestamp) -> String {
    let slots = &service.slots;
    rows(&[
        (
            "server",
            format!(
                "{} (pid {}, version {})",
                printable(url),
                service.pid,
                printable(&service.version)
            ),
        ),
        ("home", printable(&service.home)),
        ("since", words::ago(service.started_at.0, now)),
        ("slots", format!("{} of {} free ({})", slots.free, slots.total, printable(&slots.note))),
        ("runs", format!("{} live, {} queued", service.live, service.queued)),
    ])
}
