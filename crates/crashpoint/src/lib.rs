//! Named points between two steps, at which a process can be made to die, to stop or
//! to dawdle.
//!
//! The usual build has none: a point compiles to nothing. With the feature `armed`, which
//! only the binary for chaos has, each point looks into the folder that the variable
//! [`VARIABLE`] names (read once). A file there with the point's name *arms* it:
//!
//! ```text
//! kill            SIGKILL to this very process
//! stop            SIGSTOP to it; somebody else has it go on
//! delay 500       so many milliseconds pass here
//! 3 kill          the same at the third time that anybody gets here
//! ```
//!
//! Whoever gets there first takes the file away, so it goes off once, whichever of the
//! processes that is; what has gone off is a line in `fired.log` beside it. Learners know
//! the folder because the engine hands the variable on.
//!
//! Knows no room and nothing of runs. Must never be armed in what users get.

/// The variable that names the folder with the armed points.
pub const VARIABLE: &str = "TRAINYARD_CRASH_POINTS";

/// The file in that folder that tells what has gone off, a line each: point, process id,
/// action, and the last word of the process's command line (of a learner its attempt's folder).
pub const FIRED: &str = "fired.log";

/// Does this build have crash points?
pub const ARMED: bool = cfg!(feature = "armed");

/// A point that execution passes, by its name: `room.step`.
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::pass($name)
    };
}

/// Nothing: this build has no crash points.
#[cfg(not(feature = "armed"))]
#[inline]
pub fn pass(_name: &'static str) {}

/// Does what the point is armed with, if it is. Blocks when that is to dawdle.
#[cfg(feature = "armed")]
pub fn pass(name: &'static str) {
    if let Some(folder) = armed::folder() {
        armed::pass(folder, name);
    }
}

#[cfg(feature = "armed")]
mod armed;
