//! `trainyard logs RUN`: the bytes of a log as the program wrote them.

use std::pin::pin;

use futures_util::TryStreamExt;
use trainyard_client::Client;
use trainyard_model::ids::RunId;

use crate::args::Logs;
use crate::context::Context;
use crate::escapes::Filter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{self, Show};
use crate::select;
use crate::server::connect;

/// How much of the end of a log is fetched at once while its last lines are looked for.
const PIECE: u64 = 64 << 10;

pub(crate) async fn run(context: &Context, args: &Logs) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    let id = select::run(client, &args.run).await?;
    let offset = match args.tail {
        Some(lines) => start_of_last(client, &id, lines).await?,
        None => 0,
    };
    if args.follow {
        return follow::follow(context, &connection, &id, offset, Show::Log).await;
    }
    let screen = &context.screen;
    let mut filter = screen.stdout_is_terminal().then(Filter::default);
    let mut log = pin!(client.log_from(&id, offset));
    while let Some(bytes) = log.try_next().await? {
        match &mut filter {
            Some(filter) => screen.raw(&filter.pass(&bytes))?,
            None => screen.raw(&bytes)?,
        }
    }
    Ok(Exit::OK)
}

/// Where the last `lines` lines begin: looked for from the end, a piece at a time.
async fn start_of_last(client: &Client, run: &RunId, lines: u64) -> Result<u64, Failure> {
    // Nothing is asked for but the length.
    let total = client.log(run, 0, Some(0)).await?.total;
    let mut search = Backwards { wanted: lines, found: 0, end: total };
    let mut upper = total;
    while upper > 0 {
        let lower = upper.saturating_sub(PIECE);
        let range = client.log(run, lower, Some(upper - lower)).await?;
        if let Some(start) = search.piece(lower, &range.bytes) {
            return Ok(start);
        }
        upper = lower;
    }
    Ok(0)
}

/// Counts line ends from the end of a log.
struct Backwards {
    wanted: u64,
    found: u64,
    end: u64,
}

impl Backwards {
    /// Looks at the piece that begins at `offset` and ends where the last one began.
    fn piece(&mut self, offset: u64, bytes: &[u8]) -> Option<u64> {
        if self.wanted == 0 {
            return Some(self.end);
        }
        for (at, byte) in bytes.iter().enumerate().rev() {
            let after = offset + at as u64 + 1;
            // The line end at the very end ends the last line; it begins no further one.
            if *byte == b'\n' && after < self.end {
                self.found += 1;
                if self.found == self.wanted {
                    return Some(after);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(log: &str, lines: u64, piece: usize) -> String {
        let mut search = Backwards { wanted: lines, found: 0, end: log.len() as u64 };
        let mut upper = log.len();
        let mut start = None;
        while upper > 0 && start.is_none() {
            let lower = upper.saturating_sub(piece);
            start = search.piece(lower as u64, &log.as_bytes()[lower..upper]);
            upper = lower;
        }
        log[usize::try_from(start.unwrap_or(0)).expect("small")..].to_owned()
    }

    #[test]
    fn the_last_lines_are_found_whatever_the_pieces() {
        for piece in 1..9 {
            assert_eq!(last("a\nb\nc\n", 2, piece), "b\nc\n");
            assert_eq!(last("a\nb\nc", 2, piece), "b\nc");
            assert_eq!(last("a\nb\n\n", 1, piece), "\n");
            assert_eq!(last("a\nb\n", 9, piece), "a\nb\n");
            assert_eq!(last("a\nb\n", 0, piece), "");
        }
        assert_eq!(last("", 3, 4), "");
    }
}
