//! The courier: brings what is in the spool to the server, and orders back.
//!
//! Four errands that never wait for each other: the log and the metrics by offset, reports in
//! order, and a long poll for orders. Each goes on when the server comes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use trainyard_api::learner::Order;
use trainyard_api::log::MARKS;
use trainyard_client::LogPiece;

use crate::line::{Line, Over};
use crate::spool::Spool;
use crate::wish::Wish;

/// How many bytes of log go in one message.
const PIECE: usize = 1 << 20;

/// Messages shorter than this are paced, so that a program which writes a line
/// at a time does not cost a message a line.
const SMALL: usize = PIECE / 4;

/// In the long run one small message goes in this time ...
const PAUSE: Duration = Duration::from_millis(20);
/// ... but after a silence so many go at once: the block that the log begins
/// with may not keep the program's first line waiting.
const BURST: u32 = 5;

/// The number of the one learner that an attempt has.
const LEARNER: u32 = 1;

/// How long the server may keep the question for orders.
const WAIT_FOR_ORDERS: Duration = Duration::from_secs(20);

/// Delivers the log as it grows. Ends when the attempt is over.
pub(crate) async fn deliver_log(spool: Arc<Spool>, line: Arc<Line>) -> Over {
    let mut taken = 0;
    let mut pace = Pace { allowance: BURST, since: Instant::now() };
    loop {
        let asks = spool.must_ask_for_log();
        if taken >= spool.log_bytes() && !asks {
            spool.log_is_taken(taken);
            spool.log_grew.notified().await;
            continue;
        }
        let from = Arc::clone(&spool);
        let read = tokio::task::spawn_blocking(move || piece(&from, taken)).await;
        let piece = match read.expect("reading the log does not panic") {
            Ok(piece) => piece,
            Err(error) => {
                tracing::error!(%error, "the spooled log cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let is_small = piece.bytes.len() < SMALL;
        let put = line
            .insist("log", |client| {
                let piece = piece.clone();
                async move { client.put_log(piece).await }
            })
            .await;
        match put {
            // A server that has more than there is would be another attempt's.
            Ok(answer) => taken = answer.length.min(spool.log_bytes()),
            Err(over) => return over,
        }
        if is_small {
            spool.log_is_taken(taken);
            pace.wait().await;
        }
    }
}

/// Delivers metrics as they come. Ends when the attempt is over.
pub(crate) async fn deliver_metrics(spool: Arc<Spool>, line: Arc<Line>) -> Over {
    let mut taken = 0;
    loop {
        let stream = spool.metrics();
        let asks = stream.must_ask();
        if taken >= stream.length() && !asks {
            spool.metrics_are_taken(taken);
            stream.grew.notified().await;
            continue;
        }
        let from = Arc::clone(&spool);
        let read = tokio::task::spawn_blocking(move || from.metrics().read(taken, PIECE)).await;
        let bytes = match read.expect("reading metrics does not panic") {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => {
                tracing::error!(%error, "the spooled metrics cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let put = line
            .insist("metrics", |client| {
                let bytes = bytes.clone();
                async move { client.put_metrics(LEARNER, taken, bytes).await }
            })
            .await;
        match put {
            Ok(answer) => taken = answer.length.min(stream.length()),
            Err(over) => return over,
        }
    }
}

/// The next piece of the log, from `offset` on; empty at its end.
fn piece(spool: &Spool, offset: u64) -> std::io::Result<LogPiece> {
    let mut bytes = Bytes::from(spool.read_log(offset, PIECE)?);
    let mut marks = spool.log_marks(offset, offset + bytes.len() as u64, MARKS + 1);
    if marks.len() > MARKS
        && let Some(next) = marks.pop()
    {
        // The rest goes with the times that belong to it.
        bytes.truncate(usize::try_from(next.offset - offset).unwrap_or(bytes.len()));
    }
    Ok(LogPiece { learner: LEARNER, offset, bytes, marks })
}

/// Lets small messages through in bursts, and holds up a stream of them.
struct Pace {
    allowance: u32,
    since: Instant,
}

impl Pace {
    async fn wait(&mut self) {
        let earned = self.since.elapsed().as_millis() / PAUSE.as_millis();
        let earned = u32::try_from(earned).unwrap_or(BURST).min(BURST);
        if earned > 0 {
            self.allowance = (self.allowance + earned).min(BURST);
            self.since = Instant::now();
        }
        match self.allowance.checked_sub(1) {
            Some(rest) => self.allowance = rest,
            None => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Delivers reports, and returns when the last word is acknowledged.
pub(crate) async fn deliver_reports(spool: Arc<Spool>, line: Arc<Line>) -> Result<(), Over> {
    loop {
        let reports = spool.to_send();
        if reports.is_empty() {
            spool.news.notified().await;
            continue;
        }
        let answer = line
            .insist("reports", |client| {
                let (reports, spool) = (reports.clone(), &spool);
                async move {
                    let answer = client.report(reports).await;
                    if answer.as_ref().is_err_and(|error| error.status() == Some(409)) {
                        spool.log_is_missing();
                    }
                    answer
                }
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(over) => return Err(over),
        };
        line.wishes().wish(wish(answer.order));
        if spool.reports_are_taken(answer.acknowledged) {
            return Ok(());
        }
    }
}

fn wish(order: Order) -> Wish {
    match order {
        Order::Continue => Wish::GoOn,
        Order::Halt => Wish::Halt,
        Order::Cancel => Wish::Cancel,
    }
}

/// Asks for orders until the attempt is to be canceled or is over.
pub(crate) async fn listen(line: Arc<Line>) {
    let mut known = Order::Continue;
    // Whoever has canceled can still abandon; that comes with the reports.
    while known < Order::Cancel {
        let asked = Instant::now();
        let control =
            line.insist(
                "control",
                |client| async move { client.control(known, WAIT_FOR_ORDERS).await },
            );
        let Ok(control) = control.await else { return };
        known = known.max(control.order);
        line.wishes().wish(wish(known));
        // A server that answers at once is not asked in a tight loop.
        tokio::time::sleep_until(asked + PAUSE).await;
    }
}
