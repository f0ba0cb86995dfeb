//! Lines of logs: those that match, or of several learners, who are told apart by a word
//! before each line.

use trainyard_client::{LineEvent, LinesQuestion};
use trainyard_model::ids::RunId;

use crate::context::Context;
use crate::documents::without_keys;
use crate::escapes::Filter;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::server::Connection;

use super::summary;

/// Prints lines of `run`; with `follow` until it has ended, and then exits as its program did.
/// `are_several` learners are told apart; those that begin later are, too.
pub(crate) async fn lines(
    context: &Context,
    connection: &Connection,
    run: &RunId,
    question: LinesQuestion,
    are_several: bool,
) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let follows = question.follow;
    let mut are_several = are_several;
    let mut lines = connection.lines(run.clone(), question);
    let mut is_lost = false;
    let interrupted = tokio::signal::ctrl_c();
    let mut interrupted = std::pin::pin!(interrupted);
    loop {
        // Nothing of an event is lost when the other branch is taken: the command ends then.
        let event = tokio::select! {
            biased;
            _ = &mut interrupted => {
                screen.talk(&summary::detached(run));
                return Ok(Exit::NOT_FINISHED);
            }
            event = lines.next() => event?,
        };
        match event {
            Some(LineEvent::Lines(found)) => {
                if std::mem::take(&mut is_lost) {
                    screen.talk("the server answers again");
                }
                let mut out = Vec::new();
                for line in found {
                    are_several |= line.learner > 1;
                    if are_several {
                        out.extend_from_slice(format!("learner-{} | ", line.learner).as_bytes());
                    }
                    if screen.stdout_is_terminal() {
                        out.extend_from_slice(&Filter::default().pass(&line.text));
                    } else {
                        out.extend_from_slice(&line.text);
                    }
                    out.push(b'\n');
                }
                screen.raw(&out)?;
            }
            // A server that is restarted is away for a moment; that is no news.
            Some(LineEvent::Lost(5)) => {
                is_lost = true;
                screen.talk("the server does not answer; the run goes on, and so does the waiting");
            }
            Some(LineEvent::Lost(_)) => {}
            Some(LineEvent::End(end)) if follows => {
                let resource = connection.client.run(run).await.ok();
                if let (true, Some(resource)) = (context.json, &resource) {
                    screen.json_line(&without_keys(resource.clone()))?;
                }
                screen.talk(&summary::end(run, &end.status, resource.as_ref(), None));
                return Ok(exit::of_run(&end.status));
            }
            Some(LineEvent::End(_)) | None => return Ok(Exit::OK),
        }
    }
}
