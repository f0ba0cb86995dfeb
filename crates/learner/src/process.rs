//! The learner as a process: what it sets up before the attempt's life begins,
//! and what it waits for before it ends.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{getpid, set_child_subreaper};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use trainyard_client::ClientError;
use trainyard_crashpoint::crash_point;
use trainyard_objectstore::Isolation;

use crate::courier;
use crate::diary;
use crate::dirs::Dirs;
use crate::life::{self, House};
use crate::line::{Line, Over};
use crate::lock;
use crate::mark;
use crate::milestone::{Rest, rest};
use crate::spool::Spool;
use crate::stop;
use crate::ticket::{Ticket, TicketError};
use crate::wish::{Wish, Wishes};

/// Why a learner could not even begin.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("the process is left between two namespaces")]
    Isolation(#[source] io::Error),
    #[error("there are no threads or no event queue to be had")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Ticket(#[from] TicketError),
    #[error("the attempt's folder cannot be used")]
    Folder(#[source] io::Error),
    #[error("signals cannot be caught")]
    Signals(#[source] io::Error),
    #[error("orphans of the program cannot be taken in")]
    Subreaper(#[source] io::Error),
    #[error("the ticket's address cannot be used")]
    Address(#[source] ClientError),
}

/// The whole life of a learner process: returns when the server has taken the
/// last word, or when the attempt is over for another reason.
///
/// Process-wide: leaves the mount namespace of its parent, catches signals, waits
/// for every child. Call it from the binary's `main` and nowhere else, before there
/// is another thread.
pub fn main(attempt_dir: &Path) -> ExitCode {
    diary::begin();
    let lived = Isolation::enter().map_err(StartError::Isolation).and_then(|isolation| {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.map_err(StartError::Runtime)?.block_on(run(attempt_dir, isolation))
    });
    match lived {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the learner cannot work");
            ExitCode::FAILURE
        }
    }
}

async fn run(attempt_dir: &Path, isolation: Isolation) -> Result<(), StartError> {
    let dirs = Dirs::new(attempt_dir).map_err(StartError::Folder)?;
    let ticket = Ticket::read(&dirs.root)?;
    let Some(_held) = lock::take(&dirs.root).map_err(StartError::Folder)? else {
        tracing::info!(attempt = %ticket.attempt, "another learner is at work here");
        return Ok(());
    };
    set_child_subreaper(Some(getpid())).map_err(|error| StartError::Subreaper(error.into()))?;
    let wishes = Wishes::new();
    heed_signals(&wishes).map_err(StartError::Signals)?;
    let attempt = ticket.attempt.clone();
    tracing::info!(%attempt, "the learner begins");
    crash_point!("learner.lock_held");
    let spool = Arc::new(Spool::open(&dirs.spool).map_err(StartError::Folder)?);
    if let Err(error) = mark::put(&isolation, &dirs.root) {
        // What clears its environment is then not found, should this process be killed.
        tracing::warn!(%error, "the attempt's processes cannot be marked");
    }
    let line = Line::new(dirs.root.clone(), ticket, wishes).map_err(StartError::Address)?;
    let line = Arc::new(line);
    tokio::spawn(courier::deliver_log(Arc::clone(&spool), Arc::clone(&line)));
    tokio::spawn(courier::deliver_metrics(Arc::clone(&spool), Arc::clone(&line)));
    let delivery = tokio::spawn(courier::deliver_reports(Arc::clone(&spool), Arc::clone(&line)));
    let house = House { dirs, spool: Arc::clone(&spool), line: Arc::clone(&line), isolation };
    let lived = match rest(&house.dirs.root) {
        Rest::All => life::live(&house).await,
        Rest::Storing => life::go_on(&house, false).await,
        Rest::Salvaging | Rest::Lost => life::go_on(&house, true).await,
        Rest::Telling => Ok(()),
    };
    let told = match lived {
        Ok(()) => delivery.await.expect("the courier does not panic"),
        Err(Over) => Err(Over),
    };
    if told.is_ok() {
        crash_point!("learner.all_told");
        tracing::info!(%attempt, "everything is told");
    } else {
        stop::kill().await;
        tracing::info!(%attempt, "the attempt is over");
    }
    Ok(())
}

/// SIGTERM and SIGINT cancel, SIGHUP does nothing: the terminal that the server
/// was started from may go.
fn heed_signals(wishes: &Wishes) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move { while hangup.recv().await.is_some() {} });
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let wishes = wishes.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                tracing::info!("told by a signal to end the program");
                wishes.wish(Wish::Cancel);
            }
        });
    }
    Ok(())
}
