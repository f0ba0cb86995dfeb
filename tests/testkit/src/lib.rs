//! What tests, demo and benches need beside the product: real servers, real
//! data, tools from the package registries.
//!
//! Everything lands in `~/.cache/trainyard/testkit` (or `$TRAINYARD_CACHE/testkit`)
//! and is made once; servers listen on loopback, on free ports, and are stopped
//! by the process id that started them.

pub mod apt;
pub mod aws_cli;
pub mod binary;
pub mod chaos;
pub mod faults;
pub mod home;
pub mod http;
pub mod juicefs;
mod keeper;
pub mod lenient_s3;
pub mod mnist;
pub mod multipart;
pub mod official_client;
pub mod peers;
pub mod ports;
pub mod processes;
pub mod s3;
pub mod s3_client;
pub mod schemathesis;
pub mod server;
pub mod swift;
pub mod tools;
pub mod wait;
pub mod watched_s3;
pub mod zip;
