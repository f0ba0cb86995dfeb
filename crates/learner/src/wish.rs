//! What the learner has been told to do. Only ever gets stronger.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio::time::Instant;

/// In rising order: a stronger wish is never taken back by a weaker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// Nothing special.
    GoOn,
    /// End the program, store what there is so that another attempt can go on, report.
    Halt,
    /// End the program, store what there is, report.
    Cancel,
    /// The attempt is over for everybody else: end everything and say nothing.
    Abandon,
}

/// Where wishes are left, and waited for.
#[derive(Debug, Clone)]
pub(crate) struct Wishes {
    wish: watch::Sender<Wish>,
    canceled: Arc<OnceLock<Instant>>,
}

impl Wishes {
    pub(crate) fn new() -> Self {
        Self { wish: watch::Sender::new(Wish::GoOn), canceled: Arc::default() }
    }

    /// Leaves a wish.
    pub(crate) fn wish(&self, wish: Wish) {
        if wish >= Wish::Cancel {
            self.canceled.get_or_init(Instant::now);
        }
        self.wish.send_if_modified(|now| {
            let stronger = wish > *now;
            *now = wish.max(*now);
            stronger
        });
    }

    /// The strongest wish so far.
    pub(crate) fn now(&self) -> Wish {
        *self.wish.borrow()
    }

    /// Waits until a wish is at least as strong as `wish`.
    pub(crate) async fn at_least(&self, wish: Wish) -> Wish {
        let mut changes = self.wish.subscribe();
        let found = changes.wait_for(|now| *now >= wish).await;
        *found.expect("the sender is in self")
    }

    /// Waits until it is to be canceled or abandoned; gives since when it is.
    pub(crate) async fn canceled(&self) -> Instant {
        self.at_least(Wish::Cancel).await;
        *self.canceled.get_or_init(Instant::now)
    }
}
