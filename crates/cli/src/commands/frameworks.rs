//! `trainyard frameworks`: what a definition may name, and whether it can be had here.

use trainyard_api::framework::{FrameworkList, FrameworkResource};
use trainyard_definition::nearest;

use crate::args::{Frameworks, FrameworksCommand};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::connect;
use crate::views;

pub(crate) async fn run(context: &Context, args: Frameworks) -> Result<Exit, Failure> {
    let list = connect(context).await?.client.frameworks().await?;
    let screen = &context.screen;
    let (list, is_shown) = match args.command {
        Some(FrameworksCommand::Show { name, version }) => {
            (only(list, &name, version.as_deref())?, true)
        }
        None => (list, false),
    };
    if context.json {
        screen.json(&list)?;
    } else if is_shown {
        screen.data(&views::framework(&list))?;
    } else {
        screen.data(&views::frameworks(&list, screen.table_width()))?;
    }
    Ok(Exit::OK)
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
