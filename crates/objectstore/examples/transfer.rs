//! Copies a whole bucket to a folder or a folder to a bucket, with the same engine as a
//! run's data and results. For `cargo xtask bench objectstore`.
//!
//!     transfer down|up ENDPOINT BUCKET FOLDER
//!
//! Access key and secret key come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.

#![expect(clippy::print_stderr, reason = "a program that speaks to a terminal")]

use std::path::Path;

use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Guard, GuardPolicy, download, open, upload_tree};

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [way, endpoint, bucket, folder] = words.as_slice() else {
        eprintln!("usage: transfer down|up ENDPOINT BUCKET FOLDER");
        std::process::exit(2);
    };
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
    let key = |name: &str| std::env::var(name).unwrap_or_default();
    let keys = Credentials::new(key("AWS_ACCESS_KEY_ID"), key("AWS_SECRET_ACCESS_KEY"));
    let place = StoreRef::new(StoreKind::S3, "s3_datastore", endpoint, bucket);
    let guard = Guard::new(GuardPolicy::local());
    let moved = async {
        let store = open(&guard, &place, Some(&keys)).await?;
        match way.as_str() {
            "down" => download(&store, Path::new(folder), &|_| {}).await,
            _ => upload_tree(&store, Path::new(folder), "", &|_| {}).await,
        }
    };
    match moved.await {
        Ok(moved) => eprintln!("{} objects, {} bytes", moved.objects, moved.bytes),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}
