//! `trainyard metrics RUN [NAME…]`: curves in the terminal, a table elsewhere, or all of it.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use trainyard_api::metrics::MetricCurves;
use trainyard_client::Client;
use trainyard_client::MetricSelection;
use trainyard_model::ids::RunId;

use crate::args::Metrics;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;
use crate::views;
use crate::words::Grow as _;

/// How often `--follow` looks.
const EVERY: Duration = Duration::from_secs(1);
/// So much of a table of values is printed at once.
const PIECE: usize = 64 << 10;

pub(crate) async fn run(context: &Context, args: Metrics) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    let id = select::run(client, &args.run).await?;
    let selection =
        MetricSelection { series: args.names, points: args.points, attempt: args.attempt };
    if args.csv {
        return csv(context, client, &id, &selection).await;
    }
    if !args.follow {
        let curves = client.metrics(&id, &selection).await?;
        show(context, &curves)?;
        return Ok(Exit::OK);
    }
    loop {
        let run = client.run(&id).await?;
        let curves = client.metrics(&id, &selection).await?;
        let is_over = run.entity.status.finished_at.is_some();
        if context.screen.stdout_is_terminal() && !context.json {
            let width = context.screen.table_width().unwrap_or(80);
            let drawn = views::curves(&curves, width).replace('\n', "\x1b[K\n");
            context.screen.data(&format!("\x1b[H{drawn}"))?;
            context.screen.raw(b"\x1b[J")?;
        } else if is_over {
            show(context, &curves)?;
        }
        if is_over {
            return Ok(Exit::OK);
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn show(context: &Context, curves: &MetricCurves) -> Result<(), Failure> {
    let screen = &context.screen;
    if context.json {
        screen.json(curves)?;
        return Ok(());
    }
    if curves.series.is_empty() {
        screen.talk("no metrics: what programs write for TensorBoard or into evaluation-metrics.txt is found by itself");
        return Ok(());
    }
    match screen.table_width() {
        Some(width) => screen.data(&views::curves(curves, width))?,
        None => screen.data(&views::metrics_table(curves, None))?,
    }
    if curves.left_out {
        screen.talk("there are more; name those that you want to see");
    }
    Ok(())
}

/// Every value on a line of its own.
async fn csv(
    context: &Context,
    client: &Client,
    id: &RunId,
    selection: &MetricSelection,
) -> Result<Exit, Failure> {
    let mut records = pin!(client.all_metrics(id, selection).await?);
    let mut text = "phase,name,iteration,timestamp,value\n".to_owned();
    while let Some(record) = records.try_next().await? {
        let (phase, at) = (quoted(&record.phase), record.timestamp.0);
        for value in &record.values {
            let name = quoted(&value.name);
            text.add(format_args!("{phase},{name},{},{at:.3},{}\n", record.iteration, value.value));
        }
        if text.len() >= PIECE {
            context.screen.data(&text)?;
            text.clear();
        }
    }
    context.screen.data(&text)?;
    Ok(Exit::OK)
}

/// A field as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
