//! Following a run: its log on stdout, its way through the rooms on stderr.

mod clock;
mod describe;
mod line;
mod lines;
mod output;
mod summary;

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use trainyard_api::run::Status;
use trainyard_client::{FollowEvent, LogSelection};
use trainyard_model::ids::RunId;

use self::clock::RoomClock;
use self::line::StatusLine;
use crate::context::Context;
use crate::documents::without_keys;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::screen::Screen;
use crate::server::Connection;

pub(crate) use lines::lines;
pub(crate) use output::Output;
pub(crate) use summary::{failure, next, place};

/// How often the line on a terminal moves.
const TICK: Duration = Duration::from_millis(100);
/// How often is looked whether there is something to say where lines stay ...
const SLOW_TICK: Duration = Duration::from_secs(1);
/// ... and how long at least is kept still after it was said.
const STILL: Duration = Duration::from_secs(10);

/// What is shown besides the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Every room, and at the end what came of it.
    Everything,
    /// Only what came of it.
    Log,
}

/// Where following a log begins.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct From {
    /// Which log.
    pub(crate) selection: LogSelection,
    /// The attempt that the offset speaks of; the latest without it.
    pub(crate) attempt: Option<u32>,
    /// The first byte.
    pub(crate) offset: u64,
}

/// Follows `run` from a byte of its log to its end; its exit code is the
/// program's. Ctrl-C leaves the run alone and says how to come back.
pub(crate) async fn follow(
    context: &Context,
    connection: &Connection,
    run: &RunId,
    from: From,
    show: Show,
    raw: bool,
) -> Result<Exit, Failure> {
    let mut follower = Follower::new(context, show, raw);
    // A stream keeps what is under way when another branch is taken; a call to `next` would not.
    let follow = connection.follow(run.clone(), from.offset);
    let follow = follow.selecting(from.selection).from_attempt(from.attempt);
    let mut events = std::pin::pin!(follow.into_stream());
    let interrupted = tokio::signal::ctrl_c();
    let mut interrupted = std::pin::pin!(interrupted);
    let mut tick = tokio::time::interval(if follower.line.is_live() { TICK } else { SLOW_TICK });
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = &mut interrupted => {
                follower.print_rest()?;
                follower.line.clear();
                context.screen.talk(&summary::detached(run));
                return Ok(Exit::NOT_FINISHED);
            }
            event = events.try_next() => match event? {
                Some(FollowEvent::Log(bytes)) => follower.log(&bytes)?,
                Some(FollowEvent::Status(status)) => follower.status(*status),
                Some(FollowEvent::Lost { failures, .. }) => follower.lost(failures),
                Some(FollowEvent::End(end)) => {
                    follower.print_rest()?;
                    follower.status(end.status.clone());
                    follower.line.finish();
                    let resource = connection.client.run(run).await.ok();
                    if let (true, Some(resource)) = (context.json, &resource) {
                        context.screen.json_line(&without_keys(resource.clone()))?;
                    }
                    let rooms = (show == Show::Everything).then(|| follower.clock.finish(&end.status));
                    context.screen.talk(&summary::end(run, &end.status, resource.as_ref(), rooms.as_deref()));
                    return Ok(exit::of_run(&end.status));
                }
                None => return Ok(Exit::NOT_FINISHED),
            },
            _ = tick.tick() => follower.tick(),
        }
    }
}

struct Follower<'a> {
    screen: &'a Screen,
    json: bool,
    show: Show,
    output: Output,
    line: StatusLine,
    clock: RoomClock,
    status: Option<Status>,
    lost: bool,
    said: String,
    said_at: Option<Instant>,
}

impl<'a> Follower<'a> {
    fn new(context: &'a Context, show: Show, raw: bool) -> Self {
        let screen = &context.screen;
        let live = screen.live() && show == Show::Everything;
        Self {
            screen,
            json: context.json,
            show,
            output: Output::new(screen, raw),
            line: StatusLine::new(live, screen.stdout_is_terminal()),
            clock: RoomClock::default(),
            status: None,
            lost: false,
            said: String::new(),
            said_at: None,
        }
    }

    fn log(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.found_again();
        if self.json {
            // One document at the end: a log and documents on one stream would be neither.
            return Ok(());
        }
        let shown = self.output.pass(bytes);
        if shown.is_empty() {
            return Ok(());
        }
        self.line.make_way();
        self.screen.raw(&shown)?;
        self.line.after(&shown);
        Ok(())
    }

    /// Nothing follows: prints what was kept back.
    fn print_rest(&mut self) -> Result<(), Failure> {
        let rest = self.output.finish();
        if !rest.is_empty() && !self.json {
            self.line.make_way();
            self.screen.raw(&rest)?;
            self.line.after(&rest);
        }
        Ok(())
    }

    fn status(&mut self, status: Status) {
        self.found_again();
        let room_is_new = self.clock.see(&status);
        self.status = Some(status);
        if self.line.is_live() {
            self.draw();
        } else if room_is_new {
            self.say();
        }
    }

    fn lost(&mut self, failures: u32) {
        // A server that is restarted is away for a moment; that is no news.
        if failures >= 5 && !self.lost {
            self.lost = true;
            self.line.make_way();
            self.screen
                .talk("the server does not answer; the run goes on, and so does the waiting");
        }
    }

    fn found_again(&mut self) {
        if std::mem::take(&mut self.lost) {
            self.line.make_way();
            self.screen.talk("the server answers again");
        }
    }

    fn tick(&mut self) {
        if self.line.is_live() {
            self.draw();
        } else if self.said_at.is_none_or(|at| at.elapsed() >= STILL) {
            self.say();
        }
    }

    /// The line that is drawn over and over.
    fn draw(&mut self) {
        if let Some(status) = &self.status {
            let text = describe::status(status, self.clock.in_room());
            self.line.draw(&text, self.screen.talk_width());
        }
    }

    /// A line that stays; not the same one twice.
    fn say(&mut self) {
        if self.show == Show::Log {
            return;
        }
        let Some(status) = &self.status else { return };
        if status.room == "settle" {
            return;
        }
        let text = describe::status(status, self.clock.in_room());
        let what = describe::without_time(status);
        if what != self.said {
            self.screen.talk(&text);
            self.said = what;
            self.said_at = Some(Instant::now());
        }
    }
}
