//! The server as the commands see it: one far away, or the one on this
//! machine, which is started when it is first needed.

mod background;
mod connect;
mod local;

pub(crate) use background::start;
pub(crate) use connect::{Connection, client_of, connect};
pub(crate) use local::Local;
