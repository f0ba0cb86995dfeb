//! `trainyard user`: who may log in at the server on this machine.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anstyle::Style;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use trainyard_api::instance::{NewApiKey, NewPassword, NewUser};

use crate::args::{NewUserArgs, User, UserCommand};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::connect;
use crate::table::{Cell, Table};

pub(crate) async fn run(context: &Context, args: User) -> Result<Exit, Failure> {
    match args.command {
        UserCommand::Add(args) => add(context, args).await,
        UserCommand::List => list(context).await,
        UserCommand::Passwd { name, password_stdin } => {
            let password = password(password_stdin)?;
            let client = connect(context).await?.client;
            client.set_password(&name, &NewPassword { password }).await?;
            context.screen.talk(&format!(
                "{name} has another password; logins with the one before are over, API keys stay good"
            ));
            Ok(Exit::OK)
        }
        UserCommand::Remove { name } => {
            connect(context).await?.client.remove_user(&name).await?;
            context.screen.talk(&format!(
                "{name} cannot log in any more; what they submitted stays, and goes on"
            ));
            Ok(Exit::OK)
        }
        UserCommand::Key { name, key, revoke } => key_of(context, &name, &key, revoke).await,
    }
}

async fn add(context: &Context, args: NewUserArgs) -> Result<Exit, Failure> {
    let NewUserArgs { name, read_only, password_stdin } = args;
    let password = password(password_stdin)?;
    let access = read_only.then(|| "read".to_owned());
    let client = connect(context).await?.client;
    let user = client.create_user(&NewUser { name, password, access }).await?;
    if context.json {
        context.screen.json(&user)?;
    } else {
        let name = &user.name;
        context.screen.talk(&format!("{name} can log in; `trainyard instance create NAME --member {name}` makes the instance that the clients of 2017 ask for"));
    }
    Ok(Exit::OK)
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let users = connect(context).await?.client.users().await?;
    if context.json {
        context.screen.json(&users)?;
        return Ok(Exit::OK);
    }
    let mut table = Table::new(["USER", "MAY", "SINCE", "API KEYS"], 3);
    for user in &users.resources {
        table.row([
            Cell::from(&user.name),
            Cell::from(&user.access),
            Cell::painted(user.created_at.to_seconds(), Style::new()),
            Cell::from(user.api_keys.join(", ")),
        ]);
    }
    context.screen.data(&table.render(context.screen.table_width()))?;
    Ok(Exit::OK)
}

async fn key_of(context: &Context, user: &str, key: &str, revoke: bool) -> Result<Exit, Failure> {
    let client = connect(context).await?.client;
    if revoke {
        client.remove_api_key(user, key).await?;
        context.screen.talk(&format!("the key `{key}` of {user} is good for nothing any more"));
        return Ok(Exit::OK);
    }
    let made = client.create_api_key(user, &NewApiKey { name: key.to_owned() }).await?;
    if context.json {
        context.screen.json(&made)?;
    } else {
        context.screen.talk("this is the one time that the key is told:");
        context.screen.data(&format!("{}\n", made.api_key))?;
    }
    Ok(Exit::OK)
}

/// A new password: the first line of stdin, or typed twice on a terminal without being shown.
fn password(from_stdin: bool) -> Result<String, Failure> {
    if from_stdin {
        return line().map_err(Failure::from);
    }
    if !io::stdin().is_terminal() {
        let help =
            "pass it on stdin and say `--password-stdin`; on the command line others could read it";
        return Err(Failure::usage("there is no terminal to type a password on", help));
    }
    let (first, second) = (typed("Password: ")?, typed("Again: ")?);
    if first != second {
        return Err(Failure::usage("the two are not the same", "type it twice"));
    }
    Ok(first)
}

fn typed(prompt: &str) -> io::Result<String> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    let mut stderr = anstream::stderr();
    write!(stderr, "{prompt}")?;
    stderr.flush()?;
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let typed = line();
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    writeln!(stderr)?;
    typed
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
