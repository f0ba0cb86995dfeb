//! Training data from a store to DATA_DIR, for the first run and for those after it.
//!
//! What is measured is a whole process that lists the container, asks the cache, and makes
//! the view that the program gets, as a learner does; the second time with nothing fetched.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use trainyard_testkit::binary;
use trainyard_testkit::s3::S3Server;

use super::objectstore::{Load, upload};
use super::{Row, Table};

const NAME: &str = "staging";
const ROUNDS: usize = 5;

pub(super) fn run(_: &Path) -> Result<Table> {
    let (stager, transfer) = (binary::build_stager()?, binary::build_transfer()?);
    let server = S3Server::start()?;
    let mut table = Table::default();
    for load in [Load::OneLarge, Load::ManySmall] {
        let folder = tempfile::Builder::new().prefix("trainyard-bench-").tempdir()?;
        let source = folder.path().join("source");
        load.make(&source)?;
        server.create_bucket(load.bucket())?;
        upload(&transfer, &server, load.bucket(), &source)?;
        let (mut first, mut again, mut view) = (Vec::new(), Vec::new(), String::new());
        for round in 0..ROUNDS {
            let cache = folder.path().join(format!("cache-{round}"));
            let data = |which: &str| folder.path().join(format!("data-{round}-{which}"));
            rustix::fs::sync();
            let (took, staged) = stage(&stager, &server, load, &cache, &data("first"))?;
            ensure!(staged["fetched_bytes"] == load.bytes(), "the first run: {staged}");
            first.push(took);
            let (took, staged) = stage(&stager, &server, load, &cache, &data("again"))?;
            ensure!(staged["fetched_bytes"] == 0, "the second run: {staged}");
            again.push(took);
            staged["view"].as_str().unwrap_or_default().clone_into(&mut view);
            std::fs::remove_dir_all(&cache)?;
        }
        for (subject, samples) in
            [("first run", &mut first), ("again, 0 bytes fetched", &mut again)]
        {
            table.rows.push(Row::milliseconds(NAME, load.words(), subject, samples));
        }
        table.remarks.push(format!("{}: DATA_DIR is a view by {view}", load.words()));
    }
    Ok(table)
}

fn stage(
    stager: &Path,
    server: &S3Server,
    load: Load,
    cache: &Path,
    data: &Path,
) -> Result<(Duration, Value)> {
    let wanted = json!({
        "source": {
            "kind": "s3", "kind_word": "s3_datastore",
            "endpoint": server.endpoint(), "container": load.bucket(),
        },
        "credentials": { "user": server.access_key(), "secret": server.secret_key() },
        "cache": cache, "data": data,
    });
    let began = Instant::now();
    let done = Command::new(stager).arg(wanted.to_string()).stdin(Stdio::null()).output()?;
    let took = began.elapsed();
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told = String::from_utf8(done.stdout)?;
    let staged = told.lines().last().context("the stager said nothing")?;
    Ok((took, serde_json::from_str(staged)?))
}
