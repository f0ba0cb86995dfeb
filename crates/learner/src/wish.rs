//! What the learner has been told to do. Only ever gets stronger.

use tokio::sync::watch;

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
pub(crate) struct Wishes(watch::Sender<Wish>);

impl Wishes {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Wish::GoOn))
    }

    /// Leaves a wish.
    pub(crate) fn wish(&self, wish: Wish) {
        self.0.send_if_modified(|now| {
            let stronger = wish > *now;
            *now = wish.max(*now);
            stronger
        });
    }

    /// The strongest wish so far.
    pub(crate) fn now(&self) -> Wish {
        *self.0.borrow()
    }

    /// Waits until a wish is at least as strong as `wish`.
    pub(crate) async fn at_least(&self, wish: Wish) -> Wish {
        let mut changes = self.0.subscribe();
        let found = changes.wait_for(|now| *now >= wish).await;
        *found.expect("the sender is in self")
    }
}
