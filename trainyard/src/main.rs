//! Wiring only: which function serves, which one is a learner, who draws errors.

use std::io::Write as _;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::prelude::*;
use trainyard_cli::{ServeArgs, Services};
use trainyard_server::{ServeOptions, serve};

pub(crate) fn main() -> ExitCode {
    // The one TLS provider of the process; nothing may make a connection before.
    // It fails only if there is one already, which is then this same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let services = Services {
        serve: Box::new(run_server),
        learner: Box::new(|attempt_dir| trainyard_learner::main(&attempt_dir)),
    };
    trainyard_cli::main(std::env::args_os(), services)
}

fn run_server(args: ServeArgs) -> ExitCode {
    watch_events();
    let runtime = runtime(tokio::runtime::Builder::new_multi_thread());
    let detached = args.detached;
    let served = runtime.block_on(async {
        let options = ServeOptions {
            home: args.home,
            cache: args.cache,
            listen: args.listen,
            allow_insecure_bind: args.allow_insecure_bind,
            config: args.config,
            program: std::env::current_exe()?,
        };
        serve(options, |url| say_serving(url, detached)).await?;
        Ok::<(), anyhow::Error>(())
    });
    // Open connections are not waited for: what is durable is durable.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn runtime(mut builder: tokio::runtime::Builder) -> tokio::runtime::Runtime {
    builder.enable_all().build().expect("threads and an event queue can be had")
}

/// Events go to stderr, which for a server in the background is its log file.
/// `RUST_LOG` says how much of our own; libraries are heard from `warn` up and no
/// further, because at `debug` some of them tell the credentials they work with.
fn watch_events() {
    let wanted =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("trainyard=info"));
    let ours = filter_fn(|event| {
        event.target().starts_with("trainyard") || *event.level() <= tracing::Level::WARN
    });
    let told = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(wanted.and(ours));
    tracing_subscriber::registry().with(told).init();
}

/// Tells whoever looks at the terminal where the server is. In the background
/// nobody does, and the runtime file says it.
fn say_serving(url: &str, detached: bool) {
    if !detached {
        say(&format!("serving on {url}; Ctrl-C stops the server and no run"));
    }
}

fn say(line: &str) {
    // Nobody to hear it is no reason to end differently.
    let _ = writeln!(std::io::stderr(), "{line}");
}
