//! A million runs on record: a page of the list, one run, and the start.
//!
//! A million submissions would take an hour and say nothing more. A few runs are really
//! submitted and settle; then their rows, with their events and attempts, are multiplied in
//! the database while no server has it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;

use crate::bench::{Scene, Table, model};

use super::latency::{self, Latency};
use super::{memory, row};

const RUNS: i64 = 1_000_000;
const QUESTIONS: usize = 1000;
/// The runs that are multiplied, and how each ends.
const TEMPLATES: [(&str, &str); 3] =
    [("true", "completed"), ("false", "error"), ("echo hello", "completed")];
/// Rows of these tables belong to a run, by its position in the column `run`.
const BELONGINGS: [&str; 2] = ["events", "attempts"];

pub(super) fn measure(binary: &Path, table: &mut Table) -> Result<()> {
    let scene = Scene::start(binary, 4)?;
    for (command, state) in TEMPLATES {
        let run = scene.server.submit(&scene.definition(command), &model())?;
        scene.server.until_settled(&run, state, Duration::from_mins(3))?;
    }
    let Scene { server, home, store: _store } = scene;
    server.kill()?;
    multiply(&home.path().join("ledger.sqlite"))?;

    let case = "1,000,000 runs on record";
    let start = Instant::now();
    let server = home.serve()?;
    let took = start.elapsed().as_secs_f64() * 1000.0;
    table.rows.push(row(case, "start to first answer", took, "ms", 1));
    let list = server.client().get("/v3/models?limit=100")?.expect_status(200)?.json()?;
    ensure!(list["total_count"] == RUNS, "the list says {}", list["total_count"]);
    ensure!(list["resources"].as_array().is_some_and(|runs| runs.len() == 100), "a whole page");

    let mut connection = server.client().connect()?;
    let mut ask = |path: &str| -> Result<()> {
        connection.request("GET", path, &[], b"")?.expect_status(200).map(drop)
    };
    let floor = Latency::of(QUESTIONS, |_| ask("/health"))?;
    floor.tell(table, case, "/health, the floor");
    let pages = [
        ("newest page of 100", "/v3/models?limit=100".to_owned()),
        ("page of 25 in the middle", format!("/v3/models?limit=25&start={}", RUNS / 2)),
        ("page of 100 that failed", "/v3/models?limit=100&state=error".to_owned()),
    ];
    for (what, path) in pages {
        let latency = Latency::of(QUESTIONS, |_| ask(&path))?;
        latency.tell(table, case, what);
        let row = table.rows.last().expect("told").clone();
        latency::bar(table, &row, 50.0, 5.0);
    }
    let one = Latency::of(QUESTIONS, |number| {
        // Far apart, so that each is another page of the database.
        let position = (i64::try_from(number)? * 999_983) % (RUNS - 10) + 10;
        ask(&format!("/v3/models/training-{position:09}"))
    })?;
    one.tell(table, case, "show a run");
    memory::tell(table, case, server.pid())?;
    Ok(())
}

/// Makes a million runs of those that are there.
fn multiply(path: &Path) -> Result<()> {
    let mut database = Connection::open(path)?;
    database.execute_batch("PRAGMA synchronous = off; PRAGMA cache_size = -200000")?;
    let have: i64 = database.query_row("SELECT count(*) FROM runs", [], |row| row.get(0))?;
    let (first, last): (i64, i64) =
        database.query_row("SELECT min(position), max(position) FROM runs", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    ensure!(have == last - first + 1, "positions without gaps");
    let columns = columns_of(&database, "runs")?;
    let others = columns.iter().filter(|column| !["position", "id"].contains(&column.as_str()));
    let others = others.cloned().collect::<Vec<_>>().join(", ");
    let transaction = database.transaction()?;
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT {} UNION ALL SELECT i + 1 FROM n WHERE i < {})",
        last + 1,
        last + RUNS - have
    );
    transaction.execute_batch(&format!(
        "{numbers} INSERT INTO runs (position, id, {others})
         SELECT i, printf('training-%09d', i), {others}
         FROM n JOIN runs ON runs.position = {first} + i % {have}"
    ))?;
    for belongings in BELONGINGS {
        let columns = columns_of(&transaction, belongings)?;
        let others = columns.into_iter().filter(|column| column != "run").collect::<Vec<_>>();
        let others = others.join(", ");
        transaction.execute_batch(&format!(
            "{numbers} INSERT INTO {belongings} (run, {others})
             SELECT i, {others}
             FROM n CROSS JOIN {belongings} ON {belongings}.run = {first} + i % {have}"
        ))?;
    }
    transaction.commit()?;
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn columns_of(database: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    names.collect::<rusqlite::Result<_>>().with_context(|| format!("the columns of {table}"))
}
