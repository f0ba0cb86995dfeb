//! `trainyard runs`: the list, once or again and again.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use trainyard_api::run::{RunList, RunResource};

use crate::args::Runs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::{Connection, connect};
use crate::views;
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
    let listed = list(&connection, args).await?;
    let screen = &context.screen;
    if context.json {
        screen.json(&RunList { resources: listed.runs, total_count: listed.total, next: None })?;
    } else if screen.quiet() {
        let id = |run: &RunResource| format!("{}\n", run.metadata.guid);
        screen.data(&listed.runs.iter().map(id).collect::<Vec<_>>().concat())?;
    } else if listed.runs.is_empty() && !listed.more {
        screen.talk("no runs yet; `trainyard train ZIP DEFINITION` submits one");
    } else {
        screen.data(&views::runs(&listed.runs, Timestamp::now(), screen.table_width()))?;
        if listed.more {
            let shown = words::count(listed.runs.len() as u64, "run", "runs");
            screen.talk(&format!("{shown} of {} shown; --all shows the rest", listed.total));
        }
    }
    Ok(Exit::OK)
}

struct Listed {
    runs: Vec<RunResource>,
    total: u64,
    /// There were more than were asked for.
    more: bool,
}

async fn list(connection: &Connection, args: &Runs) -> Result<Listed, Failure> {
    let limit =
        if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let wanted = |run: &RunResource| {
        args.state.is_empty() || args.state.iter().any(|it| it.as_str() == run.entity.status.state)
    };
    let size = if args.state.is_empty() && !args.all { args.limit.min(PAGE) } else { PAGE };
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
