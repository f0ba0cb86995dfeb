//! Frameworks, events, checks.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use trainyard_api::check::{CheckReport, CheckResult};
use trainyard_api::event::EventResource;
use trainyard_api::framework::{
    EnvironmentEntity, EnvironmentList, FrameworkEntity, FrameworkList, FrameworkResource, Pruned,
};

use crate::table::{Cell, Table};
use crate::words::{self, Grow as _, printable};

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
            Cell::from(entity.reason.as_deref().or(entity.note.as_deref()).unwrap_or_default()),
        ]);
    }
    table.render(width)
}

/// All about each version of a framework.
pub fn framework(list: &FrameworkList, environments: &EnvironmentList, now: Timestamp) -> String {
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
            environment,
        } = &resource.entity;
        let mut text = format!("{} {}", printable(name), printable(version));
        let release = format!("{name} {version}");
        // Its own, and those with packages of runs' own.
        let is_of_it = |one: &&EnvironmentEntity| {
            one.release == release || environment.as_ref() == Some(&one.hash)
        };
        let kept: Vec<_> =
            environments.resources.iter().map(|one| &one.entity).filter(is_of_it).collect();
        let disk = match kept.as_slice() {
            [] => format!("about {disk_mb} MB"),
            [one] => words::bytes(one.bytes),
            all => {
                let sum = all.iter().map(|one| one.bytes).sum();
                format!("{} in {} environments", words::bytes(sum), all.len())
            }
        };
        let used = kept.iter().map(|one| one.last_used).max();
        let used = match used {
            _ if kept.iter().any(|one| one.in_use) => "now: a run uses it".to_owned(),
            Some(used) => words::ago(used.0, now),
            None => String::new(),
        };
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
            ("disk", disk),
            ("last used", used),
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

/// Environments that went, or would, and those that could not; not those that need not.
pub fn pruned(pruned: &Pruned, dry_run: bool, now: Timestamp, width: Option<usize>) -> String {
    let mut table = Table::new(["ENVIRONMENT", "FOR", "DISK", "LAST USED", "WHAT"], 4);
    let mut row = |one: &EnvironmentEntity, what: &str| {
        let hash: String = one.hash.chars().take(8).collect();
        table.row([
            Cell::from(hash),
            Cell::from(&one.release),
            Cell::from(words::bytes(one.bytes)),
            Cell::from(words::ago(one.last_used.0, now)),
            Cell::from(what),
        ]);
    };
    for one in &pruned.removed {
        row(&one.entity, if dry_run { "would go" } else { "removed" });
    }
    let mut is_empty = pruned.removed.is_empty();
    for one in &pruned.kept {
        let why = match one.reason.as_str() {
            "recent" => continue,
            "in_use" => "stays: it is in use",
            "needed" => "stays: a run waits for it",
            other => other,
        };
        is_empty = false;
        row(&one.entity, why);
    }
    if is_empty { String::new() } else { table.render(width) }
}

/// What that comes to, in a sentence or two.
pub fn freed(pruned: &Pruned, dry_run: bool) -> String {
    let environments = |number: usize| words::count(number as u64, "environment", "environments");
    let left: u64 = pruned.kept.iter().map(|one| one.entity.bytes).sum();
    let left = format!("{} ({}) stay", environments(pruned.kept.len()), words::bytes(left));
    let (went, freed) = (environments(pruned.removed.len()), words::bytes(pruned.freed_bytes));
    if dry_run {
        return format!("{went} ({freed}) would go, {left}");
    }
    let mut text = format!("removed {went}, {freed} are free again; {left}");
    if pruned.packages_left {
        text.push_str(
            "\npackages that none of them has any more go later: an environment is being built",
        );
    }
    text
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
