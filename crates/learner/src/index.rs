//! The index: `<run id>/_trainyard.json`, which says what lies beside it, and from
//! what it came. Written last: where it is, the rest is.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use trainyard_api::Time;
use trainyard_api::learner::Assignment;
use trainyard_model::definition::TrainingDefinition;
use trainyard_objectstore::Receipt;

use crate::data::DATA;
use crate::milestone::{Milestone, Outcome};
use crate::spool::now;

/// The version of the format; another one when a reader of this one would be misled.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Index<'a> {
    format: u32,
    run: &'a str,
    attempt: u32,
    name: &'a str,
    #[serde(flatten)]
    outcome: &'a Outcome,
    began_at: &'a Time,
    started_at: Option<&'a Time>,
    ended_at: &'a Time,
    stored_at: Time,
    /// Without credentials, which it never holds.
    definition: &'a TrainingDefinition,
    code: String,
    environment: &'a str,
    data: Value,
    objects: Vec<Object<'a>>,
    left_out: &'a [String],
}

#[derive(Serialize)]
struct Object<'a> {
    key: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_parts: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_bytes: Option<u64>,
}

impl<'a> Object<'a> {
    fn of(receipt: &'a Receipt) -> Self {
        let Receipt { key, size, md5, part_bytes, .. } = receipt;
        let (md5, md5_of_parts) = match part_bytes {
            None => (Some(md5.as_str()), None),
            Some(_) => (None, Some(md5.as_str())),
        };
        Self { key, size: *size, md5, md5_of_parts, part_bytes: *part_bytes }
    }
}

/// Writes the index into the file at `path`.
pub(crate) fn write(
    path: &Path,
    assignment: &Assignment,
    milestone: &Milestone,
    objects: &[Receipt],
    left_out: &[String],
) -> io::Result<()> {
    let index = Index {
        format: FORMAT,
        run: assignment.attempt.run.as_str(),
        attempt: assignment.attempt.attempt.0,
        name: &assignment.definition.name,
        outcome: &milestone.outcome,
        began_at: &milestone.began,
        started_at: milestone.started.as_ref(),
        ended_at: &milestone.ended,
        stored_at: now(),
        definition: &assignment.definition,
        code: format!("sha256:{}", assignment.code),
        environment: &assignment.environment.lock_hash,
        data: staged(path.parent().unwrap_or(Path::new("")))?,
        objects: objects.iter().map(Object::of).collect(),
        left_out,
    };
    let mut text = serde_json::to_vec_pretty(&index).expect("an index is plain data");
    text.push(b'\n');
    fs::write(path, text)
}

/// What staging has left word of; `null` when it has not.
fn staged(spool: &Path) -> io::Result<Value> {
    match fs::read(spool.join(DATA)) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Value::Null),
        Err(error) => Err(error),
    }
}
