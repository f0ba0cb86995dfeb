//! `trainyard instance`: what users of a server have in common, by the id that the clients of
//! 2017 name at login (`ML_INSTANCE`).

use anstyle::Style;
use trainyard_api::instance::{InstanceResource, NewInstance};

use crate::args::{Instance, InstanceCommand};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::connect;
use crate::table::{Cell, Table};

pub(crate) async fn run(context: &Context, args: Instance) -> Result<Exit, Failure> {
    match args.command {
        InstanceCommand::Create { name, members } => create(context, name, members).await,
        InstanceCommand::List => list(context).await,
        InstanceCommand::Delete { instance } => {
            let client = connect(context).await?.client;
            let found = find(client.instances().await?.resources, &instance)?;
            client.delete_instance(&found.metadata.guid).await?;
            context.screen.talk(&format!(
                "deleted instance {}; what its members made stays theirs",
                found.entity.name
            ));
            Ok(Exit::OK)
        }
        InstanceCommand::Member { instance, user, remove } => {
            let client = connect(context).await?.client;
            let found = find(client.instances().await?.resources, &instance)?;
            client.set_member(&found.metadata.guid, &user, !remove).await?;
            let what = if remove { "is no member any more of" } else { "is a member of" };
            context.screen.talk(&format!("{user} {what} {}", found.entity.name));
            Ok(Exit::OK)
        }
    }
}

async fn create(context: &Context, name: String, members: Vec<String>) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let made = connection.client.create_instance(&NewInstance { name, members }).await?;
    if context.json {
        context.screen.json(&made)?;
        return Ok(Exit::OK);
    }
    let url = connection.client.base_url();
    context.screen.talk(&format!(
        "the official client's credentials are {{\"url\": \"{url}\", \"username\", \"password\", \"instance_id\": \"{id}\"}}; those of `bx ml` are ML_ENV={url}, ML_INSTANCE={id}, ML_USERNAME, ML_PASSWORD",
        id = made.metadata.guid
    ));
    context.screen.data(&format!("{}\n", made.metadata.guid))?;
    Ok(Exit::OK)
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let list = connect(context).await?.client.instances().await?;
    if context.json {
        context.screen.json(&list)?;
        return Ok(Exit::OK);
    }
    let mut table = Table::new(["INSTANCE", "ID", "SINCE", "MEMBERS"], 3);
    for instance in &list.resources {
        table.row([
            Cell::from(&instance.entity.name),
            Cell::from(&instance.metadata.guid),
            Cell::painted(instance.metadata.created_at.to_seconds(), Style::new()),
            Cell::from(instance.entity.members.join(", ")),
        ]);
    }
    context.screen.data(&table.render(context.screen.table_width()))?;
    Ok(Exit::OK)
}

/// The instance of this name or id.
fn find(instances: Vec<InstanceResource>, wanted: &str) -> Result<InstanceResource, Failure> {
    let found =
        instances.into_iter().find(|one| one.entity.name == wanted || one.metadata.guid == wanted);
    found.ok_or_else(|| {
        let message = format!("there is no instance `{wanted}`");
        Failure::usage(message, "`trainyard instance list` shows those that there are")
    })
}
