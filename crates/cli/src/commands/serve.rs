//! `trainyard serve`: runs a server, starts one in the background, ends it, or
//! tells about it. The server itself is lent by the binary.

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use crate::args::Serve;
use crate::asking;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::{self, Local, client_of};
use crate::services::{ServeArgs, Services};
use crate::views;

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(context: &Context, args: Serve, services: Services) -> Result<ExitCode, Failure> {
    if args.stop {
        return stop(context).map(Into::into);
    }
    if args.status {
        return asking(status(context)).map(Into::into);
    }
    if args.background {
        return asking(background(context, &args)).map(Into::into);
    }
    if args.detached {
        // Away from the terminal: its Ctrl-C and its end are not the server's.
        // It fails where the process leads a group already, which is as good.
        let _leads_already = rustix::process::setsid();
    }
    let Serve { listen, i_know_there_is_no_tls, config, detached, .. } = args;
    let places = context.places.clone();
    Ok((services.serve)(ServeArgs {
        home: places.home,
        cache: places.cache,
        listen,
        allow_insecure_bind: i_know_there_is_no_tls,
        config,
        detached,
    }))
}

async fn background(context: &Context, args: &Serve) -> Result<Exit, Failure> {
    if let Some(local) = Local::find(&context.places) {
        context.screen.talk(&format!("a server runs already (pid {})", local.file.pid));
        return Ok(Exit::OK);
    }
    let mut options = Vec::new();
    if let Some(listen) = args.listen {
        options.extend(["--listen".to_owned(), listen.to_string()]);
    }
    if args.i_know_there_is_no_tls {
        options.push("--i-know-there-is-no-tls".to_owned());
    }
    if let Some(config) = &args.config {
        let config = std::path::absolute(config).map_err(|source| Failure::File {
            doing: "find",
            path: config.clone(),
            source,
        })?;
        options.extend(["--config".to_owned(), config.display().to_string()]);
    }
    server::start(&context.screen, &context.places, &options).await?;
    Ok(Exit::OK)
}

fn stop(context: &Context) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let Some(local) = Local::find(&context.places) else {
        screen.talk(&format!("no server runs in {}", context.places.home.display()));
        return Ok(Exit::OK);
    };
    let pid = local.file.pid;
    // Asked for before it is gone; it may be too busy to tell.
    let live = asking(async { Ok(client_of(local.file.clone())?.service().await?.live) }).ok();
    local.terminate()?;
    if !local.wait(PATIENCE)? {
        return Err(Failure::StillThere { pid, seconds: PATIENCE.as_secs() });
    }
    let runs = match live {
        Some(0) => String::new(),
        Some(1) => {
            "; 1 run goes on without it, and is told about when it is started again".to_owned()
        }
        Some(live) => {
            format!("; {live} runs go on without it, and are told about when it is started again")
        }
        None => "; runs that are under way go on without it".to_owned(),
    };
    screen.talk(&format!("stopped the server (pid {pid}){runs}"));
    Ok(Exit::OK)
}

async fn status(context: &Context) -> Result<Exit, Failure> {
    let Some(local) = Local::find(&context.places) else {
        return Err(Failure::NoServer { home: context.places.home.clone() });
    };
    let url = local.file.url.clone();
    let service = client_of(local.file)?.service().await?;
    if context.json {
        context.screen.json(&service)?;
    } else {
        context.screen.data(&views::service(&service, &url, Timestamp::now()))?;
    }
    Ok(Exit::OK)
}
