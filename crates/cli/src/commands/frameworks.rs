//! `trainyard frameworks`: what a definition may name, whether it can be had here, and what
//! of it may go.

use jiff::{Span, SpanRelativeTo, Timestamp};
use trainyard_api::framework::{FrameworkList, FrameworkResource, Prune};
use trainyard_definition::nearest;

use crate::args::{self, Frameworks, FrameworksCommand};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::connect;
use crate::views;

pub(crate) async fn run(context: &Context, args: Frameworks) -> Result<Exit, Failure> {
    match args.command {
        None => list(context).await,
        Some(FrameworksCommand::Show { name, version }) => {
            show(context, &name, version.as_deref()).await
        }
        Some(FrameworksCommand::Prune(args)) => prune(context, &args).await,
    }
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let list = connect(context).await?.client.frameworks().await?;
    let screen = &context.screen;
    if context.json {
        screen.json(&list)?;
    } else {
        screen.data(&views::frameworks(&list, screen.table_width()))?;
    }
    Ok(Exit::OK)
}

async fn show(context: &Context, name: &str, version: Option<&str>) -> Result<Exit, Failure> {
    let client = connect(context).await?.client;
    let list = only(client.frameworks().await?, name, version)?;
    if context.json {
        context.screen.json(&list)?;
    } else {
        let environments = client.environments().await?;
        context.screen.data(&views::framework(&list, &environments, Timestamp::now()))?;
    }
    Ok(Exit::OK)
}

async fn prune(context: &Context, args: &args::Prune) -> Result<Exit, Failure> {
    let unused = if args.all { 0 } else { seconds(&args.older_than)? };
    let asked = Prune { unused_seconds: Some(unused), dry_run: args.dry_run };
    let pruned = connect(context).await?.client.prune_environments(&asked).await?;
    let screen = &context.screen;
    if context.json {
        screen.json(&pruned)?;
        return Ok(Exit::OK);
    }
    let width = screen.table_width();
    screen.data(&views::pruned(&pruned, args.dry_run, Timestamp::now(), width))?;
    screen.talk(&views::freed(&pruned, args.dry_run));
    Ok(Exit::OK)
}

/// A span of time, in days, hours, minutes or seconds.
fn seconds(text: &str) -> Result<u64, Failure> {
    let span = text.parse::<Span>().ok();
    let span = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    span.and_then(|span| u64::try_from(span.as_secs()).ok()).ok_or_else(|| {
        let hint = "say how long ago: `30d`, `12h`, `90m`; `--all` asks for no time at all";
        Failure::usage(format!("`{text}` is no span of time"), hint)
    })
}

/// Those of the list that are meant.
fn only(
    mut list: FrameworkList,
    name: &str,
    version: Option<&str>,
) -> Result<FrameworkList, Failure> {
    let known: Vec<String> = list.resources.iter().map(|one| one.entity.name.clone()).collect();
    list.resources.retain(|one| one.entity.name == name);
    if list.resources.is_empty() {
        return Err(unknown(format!("there is no framework '{name}'"), name, &known));
    }
    let Some(version) = version else { return Ok(list) };
    let known: Vec<String> = list.resources.iter().map(|one| one.entity.version.clone()).collect();
    list.resources.retain(|FrameworkResource { entity }| {
        entity.version == version || entity.aliases.iter().any(|alias| alias == version)
    });
    if list.resources.is_empty() {
        return Err(unknown(format!("there is no version '{version}' of {name}"), version, &known));
    }
    Ok(list)
}

fn unknown(what: String, word: &str, known: &[String]) -> Failure {
    let hint = match nearest(word, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? `trainyard frameworks` lists them all"),
        None => "`trainyard frameworks` lists them all".to_owned(),
    };
    Failure::usage(what, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_understood_as_people_write_them() {
        let read = |text: &str| seconds(text).ok();
        for (text, expected) in
            [("30d", 2_592_000), ("2w", 1_209_600), ("12h", 43_200), ("1d 12h", 129_600), ("0s", 0)]
        {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in ["", "30", "soon", "2 months", "-3d"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
