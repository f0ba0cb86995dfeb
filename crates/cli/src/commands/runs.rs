//! `trainyard runs`: the list, once or again and again.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use trainyard_api::metrics::Metric;
use trainyard_api::run::{RunList, RunResource};

use crate::args::Runs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::{Connection, connect};
use crate::views::{self, Measured};
use crate::words;

/// How often `--watch` asks.
const EVERY: Duration = Duration::from_secs(1);
/// How many runs one request asks for.
const PAGE: u32 = 200;

pub(crate) async fn run(context: &Context, args: &Runs) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    if args.watch {
        return watch(context, &connection, args).await;
    }
    let mut listed = list(&connection, args).await?;
    let screen = &context.screen;
    let measured = args.sort.as_deref().map(|sort| by_metric(&mut listed.runs, sort));
    if context.json {
        screen.json(&RunList { resources: listed.runs, total_count: listed.total, next: None })?;
    } else if screen.quiet() {
        let id = |run: &RunResource| format!("{}\n", run.metadata.guid);
        screen.data(&listed.runs.iter().map(id).collect::<Vec<_>>().concat())?;
    } else if listed.runs.is_empty() && !listed.more {
        screen.talk("no runs yet; `trainyard train ZIP DEFINITION` submits one");
    } else {
        let (now, width) = (Timestamp::now(), screen.table_width());
        screen.data(&match &measured {
            Some(measured) => views::runs_with(&listed.runs, measured, now, width),
            None => views::runs(&listed.runs, now, width),
        })?;
        if listed.more {
            let shown = words::count(listed.runs.len() as u64, "run", "runs");
            screen.talk(&format!("{shown} of {} shown; --all shows the rest", listed.total));
        }
    }
    Ok(Exit::OK)
}

/// Puts the runs into the order of a metric, those that have it first, and gives its values.
fn by_metric(runs: &mut Vec<RunResource>, sort: &str) -> Measured {
    let (name, order) = sort.rsplit_once(':').unwrap_or((sort, ""));
    let (name, falls) = match order {
        "desc" => (name, true),
        "asc" => (name, false),
        // It belongs to the name.
        _ => (sort, false),
    };
    let mut valued: Vec<(Option<f64>, RunResource)> =
        runs.drain(..).map(|run| (value_of(&run, name), run)).collect();
    valued.sort_by(|(one, _), (other, _)| match (one, other) {
        (Some(one), Some(other)) if falls => other.total_cmp(one),
        (Some(one), Some(other)) => one.total_cmp(other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    });
    let (values, sorted): (Vec<_>, Vec<_>) = valued.into_iter().unzip();
    *runs = sorted;
    Measured { name: name.to_uppercase(), values }
}

/// The last value of a metric: of what was not trained with, else of the training.
fn value_of(run: &RunResource, name: &str) -> Option<f64> {
    let metrics = &run.entity.status.metrics;
    let (phase, bare) = match name.split_once('/') {
        Some((phase, bare)) if metrics.iter().any(|metric| metric.phase == phase) => {
            (Some(phase), bare)
        }
        _ => match name.strip_prefix("val_") {
            Some(bare) => (Some("validation"), bare),
            None => (None, name),
        },
    };
    let found = |metric: &Metric, name: &str| {
        metric.values.iter().find(|value| value.name == name).map(|value| value.value)
    };
    let of = |phase: &str, name: &str| {
        metrics.iter().filter(|metric| metric.phase == phase).find_map(|metric| found(metric, name))
    };
    match phase {
        Some(phase) => of(phase, bare).or_else(|| metrics.iter().find_map(|own| found(own, name))),
        None => of("test", name)
            .or_else(|| of("validation", name))
            .or_else(|| metrics.iter().find_map(|own| found(own, name))),
    }
}

struct Listed {
    runs: Vec<RunResource>,
    total: u64,
    /// There were more than were asked for.
    more: bool,
}

async fn list(connection: &Connection, args: &Runs) -> Result<Listed, Failure> {
    // Which of them are best is known when all are.
    let limit = if args.all || args.sort.is_some() {
        usize::MAX
    } else {
        usize::try_from(args.limit).unwrap_or(usize::MAX)
    };
    let wanted = |run: &RunResource| {
        args.state.is_empty() || args.state.iter().any(|it| it.as_str() == run.entity.status.state)
    };
    let size = if args.state.is_empty() && !args.all && args.sort.is_none() {
        args.limit.min(PAGE)
    } else {
        PAGE
    };
    let mut page = connection.client.runs_page(Some(size)).await?;
    let total = page.total_count;
    let mut runs = Vec::new();
    loop {
        for run in page.resources {
            if wanted(&run) {
                if runs.len() == limit {
                    return Ok(Listed { runs, total, more: true });
                }
                runs.push(run);
            }
        }
        let Some(next) = page.next else { return Ok(Listed { runs, total, more: false }) };
        if runs.len() == limit {
            return Ok(Listed { runs, total, more: true });
        }
        page = connection.client.runs_after(&next).await?;
    }
}

/// On a terminal the table is drawn anew; elsewhere, and as JSON, what has changed is told, a line each.
async fn watch(context: &Context, connection: &Connection, args: &Runs) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let mut seen: HashMap<String, String> = HashMap::new();
    loop {
        let listed = list(connection, args).await?;
        let now = Timestamp::now();
        if screen.stdout_is_terminal() && !context.json {
            // Home, the table, and nothing of what stood below it before.
            let table = views::runs(&listed.runs, now, screen.table_width());
            let table = table.replace('\n', "\x1b[K\n");
            screen.data(&format!("\x1b[H{table}"))?;
            screen.raw(b"\x1b[J")?;
        } else {
            for run in listed.runs.iter().rev() {
                let status = &run.entity.status;
                let stands = format!("{} {} {}", status.state, status.room, status.canceling);
                if seen.insert(run.metadata.guid.clone(), stands.clone()).as_ref() != Some(&stands)
                {
                    if context.json {
                        screen.json_line(run)?;
                    } else {
                        screen.data(&format!("{}\n", views::run_line(run)))?;
                    }
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// All runs, for those who want no table.
pub(crate) async fn all(connection: &Connection) -> Result<Vec<RunResource>, Failure> {
    let mut runs = Vec::new();
    let mut stream = pin!(connection.client.runs(PAGE));
    while let Some(run) = stream.try_next().await? {
        runs.push(run);
    }
    Ok(runs)
}
