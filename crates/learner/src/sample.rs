//! What the program uses, measured once a second at a cost that does not show.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use trainyard_api::run::Usage;

use crate::processes::{descendants_for_measuring, process};
use crate::spool::{Spool, now};

const EVERY: Duration = Duration::from_secs(1);

/// Measures until it is dropped. `disk_bytes` is somebody else's measurement.
pub(crate) async fn sample(spool: Arc<Spool>, disk_bytes: Arc<AtomicU64>) {
    let mut meter = Meter::new();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let measured = tokio::task::spawn_blocking(move || {
            let usage = meter.measure();
            (meter, usage)
        });
        let (back, mut usage) = measured.await.expect("measuring does not panic");
        meter = back;
        usage.disk_bytes = disk_bytes.load(Ordering::Relaxed);
        spool.usage(usage);
    }
}

struct Meter {
    own: i32,
    ticks_per_second: f64,
    page_bytes: u64,
    /// Processor time of this process's own dead children, before the program.
    last: (Instant, u64),
}

impl Meter {
    fn new() -> Self {
        let ticks = u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100);
        Self {
            own: i32::try_from(std::process::id()).expect("a process id fits"),
            ticks_per_second: f64::from(ticks.max(1)),
            page_bytes: rustix::param::page_size() as u64,
            last: (Instant::now(), 0),
        }
    }

    fn measure(&mut self) -> Usage {
        // A dead process's time is in its parent's sum of waited-for children,
        // up to this process, which buries the orphans.
        let buried = process(self.own).map_or(0, |own| own.waited_ticks);
        let (mut ticks, mut pages, mut living) = (buried, 0, 0);
        for process in descendants_for_measuring(self.own) {
            ticks += process.own_ticks + process.waited_ticks;
            pages += process.resident_pages;
            living += u32::from(!process.dead);
        }
        let at = Instant::now();
        let (before, ticks_before) = std::mem::replace(&mut self.last, (at, ticks));
        let seconds = at.duration_since(before).as_secs_f64().max(0.001);
        // One that dies between two looks may be counted late, never twice.
        let spent = ticks.saturating_sub(ticks_before);
        Usage {
            at: now(),
            cpu_cores: self.seconds(spent) / seconds,
            cpu_seconds: self.seconds(ticks),
            memory_bytes: pages * self.page_bytes,
            disk_bytes: 0,
            processes: living,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are three million years")]
    fn seconds(&self, ticks: u64) -> f64 {
        ticks as f64 / self.ticks_per_second
    }
}
