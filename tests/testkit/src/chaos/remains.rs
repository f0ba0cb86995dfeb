//! Looks at what remains when no server runs any more: the record itself, folders,
//! processes, mounts and locks.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::judge::number_of;
use super::users::{Run, Verb};
use super::yard::Yard;
use crate::processes;

/// A run as the record has it.
struct Row {
    id: String,
    number: u64,
    state: Value,
    code: String,
}

/// What remains of a chaos.
pub(super) struct Remains<'a> {
    pub(super) yard: &'a Yard,
    pub(super) runs: &'a [Run],
}

impl Remains<'_> {
    /// Looks at everything.
    pub(super) fn look(&self, last_number: u64, wrong: &mut Vec<String>) -> Result<()> {
        for (query, right, what) in [
            ("PRAGMA integrity_check", r#"[["ok"]]"#, "the record is damaged"),
            ("PRAGMA foreign_key_check", "[]", "the record has loose references"),
            ("SELECT * FROM effects_due", "[]", "effects were not carried out"),
            (
                "SELECT r.id FROM attempt_tokens t JOIN runs r ON r.position = t.run WHERE r.settled",
                "[]",
                "a settled run has a token",
            ),
            (
                "SELECT r.id FROM attempts a JOIN runs r ON r.position = a.run \
                 WHERE r.settled AND NOT a.closed",
                "[]",
                "a settled run has an attempt that is not closed",
            ),
            (
                "SELECT * FROM (SELECT owner, wire, count(*) AS n FROM runs GROUP BY owner, wire) \
                 LEFT JOIN run_counts USING (owner, wire) WHERE n IS NOT runs",
                "[]",
                "the counts of lists are wrong",
            ),
        ] {
            let found = self.yard.ledger(query)?.to_string();
            if found != right {
                wrong.push(format!("{what}: {found}"));
            }
        }
        let rows = self.rows()?;
        self.look_at_folders(&rows, wrong)?;
        let numbers: BTreeSet<u64> = rows.iter().map(|row| row.number).collect();
        let deleted: BTreeSet<u64> = self
            .runs
            .iter()
            .filter(|run| matches!(run.wish, Some((Verb::Delete, _))))
            .map(|run| run.number)
            .collect();
        for number in 1..=last_number {
            let ran = self.yard.witness().join(number.to_string()).exists();
            if ran && !numbers.contains(&number) && !deleted.contains(&number) {
                wrong
                    .push(format!("a program ran for run number {number}, which is not on record"));
            }
        }
        let left = processes::mentioning(self.yard.home.path());
        for process in left {
            let read = |name: &str| {
                let bytes = std::fs::read(format!("/proc/{}/{name}", process.pid));
                String::from_utf8_lossy(&bytes.unwrap_or_default()).replace('\0', " ")
            };
            let (environment, status) = (read("environ"), read("status"));
            wrong.push(format!("left running: {process:?} {environment}\n{status}"));
        }
        let home = self.yard.home.path().display().to_string();
        for line in std::fs::read_to_string("/proc/self/mountinfo")?.lines() {
            if line.contains(&home) {
                wrong.push(format!("left mounted: {line}"));
            }
        }
        locked(self.yard.home.path(), wrong)
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let query = "SELECT id, json_extract(definition, '$.name'), state, code FROM runs";
        let rows = self.yard.ledger(query)?;
        let row = |row: &Value| {
            Some(Row {
                id: row[0].as_str()?.to_owned(),
                number: number_of(row[1].as_str()?)?,
                state: serde_json::from_str(row[2].as_str()?).ok()?,
                code: row[3].as_str()?.to_owned(),
            })
        };
        let rows = rows.as_array().context("rows")?;
        rows.iter().map(row).collect::<Option<_>>().context("a row that is none of ours")
    }

    fn look_at_folders(&self, rows: &[Row], wrong: &mut Vec<String>) -> Result<()> {
        let by_id: HashMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let home = self.yard.home.path();
        for id in names(&home.join("attempts"))? {
            let Some(row) = by_id.get(id.as_str()) else {
                wrong.push(format!("a folder of attempts that is nobody's: {id}"));
                continue;
            };
            let folder = home.join("attempts").join(&id);
            // An attempt may have left what could not be stored: one that another followed, or
            // the last, whose index is then not there.
            let stored = self.yard.stored(row.number, &row.id)?;
            let last = row.state["attempt"].as_u64().map(|last| last.to_string());
            let last = last.filter(|_| stored.contains_key("_trainyard.json"));
            let kept = names(&folder)?.into_iter().all(|attempt| {
                let folder = folder.join(&attempt);
                let holds =
                    |name: &str| names(&folder.join(name)).is_ok_and(|names| !names.is_empty());
                Some(attempt) != last && ["results", "checkpoints", "logs"].into_iter().any(holds)
            });
            if row.state["stored"] == true && kept {
                continue;
            }
            if row.state["stored"] == true {
                wrong.push(format!("{id} is stored, and its folder is still there"));
            }
            for attempt in names(&folder)? {
                let inside = names(&folder.join(attempt))?;
                let scratch = ["code", "data", "home", "tmp", "state", "assignment.json"];
                if inside.iter().any(|name| scratch.contains(&name.as_str())) {
                    wrong.push(format!(
                        "{id} has settled, and its folder is not cleared: {inside:?}"
                    ));
                }
            }
        }
        for id in names(&home.join("logs"))? {
            if !by_id.contains_key(id.as_str()) {
                wrong.push(format!("a log that is nobody's: {id}"));
            }
        }
        let codes: BTreeSet<&str> = rows.iter().map(|row| row.code.as_str()).collect();
        for blob in names(&home.join("blobs"))? {
            if !codes.contains(blob.as_str()) {
                wrong.push(format!("a zip that is nobody's: {blob}"));
            }
        }
        for code in codes {
            if !home.join("blobs").join(code).exists() {
                wrong.push(format!("a zip is lost: {code}"));
            }
        }
        for row in rows {
            let stored = self.yard.stored(row.number, &row.id)?;
            if row.state["stored"] == true
                && !stored.keys().any(|key| key.ends_with("_trainyard.json"))
            {
                wrong.push(format!("{} is on record as stored, and has no index", row.id));
            }
        }
        Ok(())
    }
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Locks that are still held.
fn locked(folder: &Path, wrong: &mut Vec<String>) -> Result<()> {
    use rustix::fs::{FlockOperation, flock};
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            locked(&path, wrong)?;
        } else if path.to_string_lossy().ends_with("lock") {
            let file = std::fs::File::open(&path)?;
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                wrong.push(format!("left locked: {}", path.display()));
            }
        }
    }
    Ok(())
}
