//! `learner-1/evaluation-metrics.txt`: the metrics beside the results, for whoever reads them there.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use trainyard_metrics::Record;
use trainyard_metrics::emetrics::{FILE, write_line};
use trainyard_metrics::stream::Entry;

use super::stream::Stream;

/// So many records of each phase are written; of more, each so many-th and the last.
const RECORDS: u64 = 200_000;

/// Writes the file into the spool. Nothing when there are no metrics.
pub(crate) fn export(stream: &Stream, spool: &Path, run: &str) -> io::Result<Option<PathBuf>> {
    if stream.length() == 0 {
        return Ok(None);
    }
    let mut counts: HashMap<String, u64> = HashMap::new();
    records(stream, |record| {
        *counts.entry(record.phase).or_default() += 1;
        Ok(())
    })?;
    if counts.is_empty() {
        return Ok(None);
    }
    let path = spool.join(FILE);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    let mut file = BufWriter::new(file);
    let (mut seen, mut number): (HashMap<String, u64>, u64) = (HashMap::new(), 0);
    records(stream, |record| {
        let count = counts.get(&record.phase).copied().unwrap_or(1);
        let seen = seen.entry(record.phase.clone()).or_default();
        *seen += 1;
        if seen.is_multiple_of(count.div_ceil(RECORDS)) || *seen == count {
            number += 1;
            file.write_all(write_line(&record, run, number).as_bytes())?;
        }
        Ok(())
    })?;
    file.flush()?;
    Ok(Some(path))
}

/// Shows all records, those of one moment as one.
fn records(stream: &Stream, mut look: impl FnMut(Record) -> io::Result<()>) -> io::Result<()> {
    let mut open: Option<Record> = None;
    let mut failed = Ok(());
    stream.each(|frame| {
        for entry in frame.entries() {
            let Entry::Record { phase, moment, values } = entry else { continue };
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            let record = Record { phase: phase.to_owned(), moment, values };
            let next = match &mut open {
                None => Some(record),
                Some(before) => before.join(record).err(),
            };
            if let Some(next) = next
                && let Some(whole) = open.replace(next)
                && failed.is_ok()
            {
                failed = look(whole);
            }
        }
    })?;
    failed?;
    open.map_or(Ok(()), look)
}
