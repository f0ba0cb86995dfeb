//! Frameworks, events, checks.

use anstyle::{AnsiColor, Style};
use trainyard_api::check::{CheckReport, CheckResult};
use trainyard_api::event::EventResource;
use trainyard_api::framework::{FrameworkEntity, FrameworkList, FrameworkResource};

use crate::table::{Cell, Table};
use crate::words::{Grow as _, printable};

/// What a definition may name.
pub fn frameworks(list: &FrameworkList, width: Option<usize>) -> String {
    let mut table = Table::new(["FRAMEWORK", "VERSION", "STATUS", "HERE", "NOTE"], 4);
    for resource in &list.resources {
        let entity = &resource.entity;
        let here = match entity.availability.as_str() {
            "ready" => AnsiColor::Green.on_default(),
            "unavailable" => AnsiColor::Red.on_default(),
            _ => Style::new(),
        };
        table.row([
            Cell::from(&entity.name),
            Cell::from(&entity.version),
            Cell::from(&entity.status),
            Cell::painted(&entity.availability, here),
            Cell::from(entity.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.render(width)
}

/// All about each version of a framework.
pub fn framework(list: &FrameworkList) -> String {
    let about = |resource: &FrameworkResource| {
        let FrameworkEntity {
            name,
            title,
            version,
            aliases,
            provider,
            note,
            image,
            python,
            requirements,
            disk_mb,
            status,
            availability,
            reason,
        } = &resource.entity;
        let mut text = format!("{} {}", printable(name), printable(version));
        for (called, value) in [
            ("title", title.clone()),
            ("also", aliases.join(", ")),
            ("status", status.clone()),
            ("here", availability.clone()),
            ("because", reason.clone().unwrap_or_default()),
            ("note", note.clone().unwrap_or_default()),
            ("made by", provider.clone()),
            ("python", python.join(", ")),
            ("packages", requirements.join(" ")),
            ("image", image.clone().unwrap_or_default()),
            ("disk", format!("about {disk_mb} MB")),
        ] {
            if !value.is_empty() {
                text.add(format_args!("\n  {called:<9} {}", printable(&value)));
            }
        }
        text.push('\n');
        text
    };
    list.resources.iter().map(about).collect::<Vec<_>>().join("\n")
}

/// What happened to a run: time, room, what.
pub fn events(events: &[EventResource]) -> String {
    events
        .iter()
        .map(|event| {
            let (room, message) = (printable(&event.room), printable(&event.message));
            format!("{}  {room:<7}  {message}\n", event.at)
        })
        .collect::<Vec<_>>()
        .concat()
}

/// What was checked, a line each.
pub fn checks(report: &CheckReport) -> String {
    let width = report.checks.iter().map(|check| check.what.len()).max().unwrap_or(0);
    report
        .checks
        .iter()
        .map(|check| {
            let (word, style) = match check.result {
                CheckResult::Ok => ("ok", AnsiColor::Green.on_default()),
                CheckResult::Warning => ("warning", AnsiColor::Yellow.on_default()),
                CheckResult::Failed => ("failed", AnsiColor::Red.on_default()),
                CheckResult::Skipped => ("skipped", Style::new().dimmed()),
            };
            let what = printable(&check.what);
            let message = printable(&check.message);
            format!("{style}{word:<7}{style:#}  {what:<width$}  {message}\n")
        })
        .collect::<Vec<_>>()
        .concat()
}
