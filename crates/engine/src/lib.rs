//! place, run: where learners start.
//!
//! - [`Engine`]: what every place that can run learners offers to `control`.
//! - [`LocalEngine`]: this machine, with a slot for each GPU, or four CPU slots.
//!
//! An engine starts learners and looks after their processes. What a learner
//! does is the learner's business, which run is started is the scheduler's.

mod detach;
mod engine;
mod evidence;
mod handle;
mod kill;
mod local;
mod slots;

pub use engine::{Engine, EngineError, LaunchSpec, Probe};
pub use local::{LocalConfig, LocalEngine};
pub use slots::{GpuDriver, Slot, SlotInventory, SlotKind};
pub use trainyard_learner::Rest;
