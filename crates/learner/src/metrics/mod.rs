//! What the program tells about its training, found in its files and in its log.
//!
//! - `stream`: the metrics on disk until they are delivered, and how far each source was read.

mod stream;

pub(crate) use stream::Stream;
