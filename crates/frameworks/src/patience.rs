//! Waiting for a child, but not for ever.

use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How the child ended; one that has not after `limit` is killed.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => {
                // Nothing more can be done about a child that does not end.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
