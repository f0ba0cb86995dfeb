//! prepare, store: object stores, transfers and the endpoint guard.
//!
//! A store is one container behind the small trait [`ObjectStore`]: S3 and
//! what speaks its protocol, OpenStack Swift, or a directory. [`open`] makes one from a
//! definition's [`StoreRef`](trainyard_model::definition::StoreRef), past the
//! [`Guard`], which is the only maker of HTTP clients in the house.
//!
//! On top of the trait, and the same for every store: the checks made before a
//! run starts ([`check_readable`], [`check_writable`]), the way of the training
//! data to the program ([`stage`]: from the [`Cache`] or by [`download`], shown as a
//! view of its own) and of results and logs back ([`upload_tree`], [`upload_file`]).
//! [`upload_rest`] goes on where an earlier try was cut off.
//!
//! The caller installs the TLS provider before the first store is opened.

mod beneath;
mod blocking;
mod budget;
mod cache;
mod check;
mod directory;
mod download;
mod endpoint;
mod error;
mod guard;
mod keys;
mod md5sum;
mod open;
mod progress;
mod retry;
mod s3;
mod staging;
mod store;
mod swift;
mod upload;
mod view;
mod wire;

pub use budget::{Budget, BudgetPolicy};
pub use cache::{Cache, Step};
pub use check::{ContainerSummary, PROBE, check_readable, check_writable};
pub use download::{Layout, download, download_folder, fetch, list_container, list_folder};
pub use error::{StoreError, StoreErrorKind};
pub use guard::{Forbidden, Guard, GuardPolicy, Limits};
pub use keys::{Place, UnsafeKey, place};
pub use open::open;
pub use progress::Transferred;
pub use staging::{FetchedAhead, Staged, Staging, fetch_ahead, stage};
pub use store::{Content, Object, ObjectStore, PlainFolder, Probed, Store, StoreName, Upload};
pub use upload::{
    Identity, Manner, Plan, Receipt, Receipts, upload_file, upload_file_once, upload_rest,
    upload_tree,
};
pub use view::{Isolation, View, ViewKind};
