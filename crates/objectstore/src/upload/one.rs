//! One file to one object.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::OFlags;

use super::Sent;
use crate::blocking::{blocking, here_or_aside};
use crate::error::{StoreError, StoreErrorKind};
use crate::md5sum;
use crate::retry::Attempts;
use crate::store::Store;

/// What is read in a moment.
const SHORT: u64 = 256 << 10;

/// Files up to this size go in one request; also the size of the parts of others.
const PART: u64 = 8 << 20;

/// What the store should hold in the end.
struct Expected {
    size: u64,
    /// The ETag that S3 gives to this content, sent this way.
    etag: String,
}

/// What the store holds.
pub(super) struct Stored {
    pub(super) size: u64,
    /// As [`Receipt::md5`](super::Receipt::md5).
    pub(super) md5: String,
    /// The size of its parts, where it was sent in parts.
    pub(super) part: Option<u64>,
    /// The ETag, as the store told it.
    pub(super) told: Option<String>,
}

impl Stored {
    fn new(expected: Expected, part: Option<u64>, told: Option<String>) -> Self {
        Self { size: expected.size, md5: expected.etag, part, told }
    }
}

/// A file that is open, and what it is called.
pub(super) struct Source {
    pub(super) file: Arc<File>,
    /// In messages.
    pub(super) path: PathBuf,
}

impl Source {
    /// Opens a file; follows no link, waits for no pipe.
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        blocking(move || {
            let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
            let file = OpenOptions::new().read(true).custom_flags(flags).open(&path)?;
            if !file.metadata()?.is_file() {
                return Err(io::Error::other("it is no regular file"));
            }
            Ok(Self { file: Arc::new(file), path })
        })
        .await
    }
}

/// Stores the file, trying again from the file where that may help.
pub(super) async fn store_file(
    store: &Store,
    source: &Source,
    key: &str,
    say: &(dyn Fn(Sent) + Send + Sync),
) -> Result<Stored, StoreError> {
    let mut attempts = Attempts::new();
    loop {
        let mut sent = 0;
        match store_once(store, source, key, say, &mut sent).await {
            Ok(stored) => return Ok(stored),
            Err(error) => {
                say(Sent::Bytes(-sent));
                if !error.is_transient() || !attempts.another().await {
                    return Err(error);
                }
                tracing::debug!(%error, key, "storing a file again");
            }
        }
    }
}

async fn store_once(
    store: &Store,
    source: &Source,
    key: &str,
    say: &(dyn Fn(Sent) + Send + Sync),
    sent: &mut i64,
) -> Result<Stored, StoreError> {
    let tried = || format!("read {}", source.path.display());
    let local = |error| StoreError::local(store.name(), tried(), error);
    let file = &source.file;
    // It may have grown since the last attempt.
    let size = file.metadata().map_err(local)?.len();
    if store.take_file(key, file, size).await? {
        *sent += size.cast_signed();
        say(Sent::Bytes(size.cast_signed()));
        // The bytes went past us; whoever compares later wants their checksum all the same.
        let reading = Arc::clone(file);
        let sum = blocking(move || md5sum::of_file(&reading)).await.map_err(local)?;
        return Ok(Stored::new(Expected { size, etag: md5sum::etag(&sum) }, None, None));
    }
    if size <= PART {
        let (content, sum) = read(store, file, 0, size).await.map_err(local)?;
        let expected = Expected { size, etag: md5sum::etag(&sum) };
        let told = store.put(key, content).await?;
        *sent += size.cast_signed();
        say(Sent::Bytes(size.cast_signed()));
        let told = verify(store, key, &expected, told).await?;
        return Ok(Stored::new(expected, None, told));
    }

    let part = part_size(store, size);
    let mut upload = store.upload(key).await?;
    let mut sums = Vec::new();
    let filled = async {
        for start in (0..size).step_by(usize::try_from(part).expect("a part fits into memory")) {
            let length = part.min(size - start);
            let (content, sum) = read(store, file, start, length).await.map_err(local)?;
            sums.push(sum);
            upload.part(content).await?;
            *sent += length.cast_signed();
            say(Sent::Bytes(length.cast_signed()));
        }
        Ok(())
    }
    .await;
    let completed = match filled {
        Ok(()) => upload.complete().await,
        Err(error) => Err(error),
    };
    let expected = Expected { size, etag: md5sum::etag_of_parts(&sums) };
    if let Err(error) = completed {
        // The answer to the completion may be what was lost, and the next attempt
        // at it was told that there is no such upload.
        if error.kind() == StoreErrorKind::Failed
            && let Some(told) = stored(store, key, &expected).await
        {
            return Ok(Stored::new(expected, Some(part), Some(told)));
        }
        if let Err(left) = upload.abort().await {
            tracing::debug!(error = %left, key, "parts of a failed upload may stay in the store");
        }
        return Err(error);
    }
    // The ETag in the answer may be made from anything; the object's own is told
    // only where it is a checksum.
    let told = verify(store, key, &expected, None).await?;
    Ok(Stored::new(expected, Some(part), told))
}

/// What the store holds, if it is what the file holds now.
pub(super) async fn found_stored(
    store: &Store,
    source: &Source,
    key: &str,
) -> Result<Option<Stored>, StoreError> {
    let local =
        |error| StoreError::local(store.name(), format!("read {}", source.path.display()), error);
    let size = source.file.metadata().map_err(local)?.len();
    // The file is read only if the object may be the same.
    match store.head(key).await {
        Ok(object) if object.size == size => {}
        _ => return Ok(None),
    }
    let part = part_size(store, size);
    let mut sums = Vec::new();
    for start in (0..size.max(1)).step_by(usize::try_from(part).expect("a part fits into memory")) {
        let length = part.min(size - start);
        sums.push(read(store, &source.file, start, length).await.map_err(local)?.1);
    }
    let (etag, part) = match &*sums {
        [sum] => (md5sum::etag(sum), None),
        sums => (md5sum::etag_of_parts(sums), Some(part)),
    };
    let expected = Expected { size, etag };
    let told = stored(store, key, &expected).await;
    Ok(told.map(|told| Stored::new(expected, part, Some(told))))
}

fn part_size(store: &Store, size: u64) -> u64 {
    PART.max(size.div_ceil(store.parts_max()).next_multiple_of(1 << 20))
}

/// Content of the file, in memory of the budget's.
async fn read(
    store: &Store,
    file: &Arc<File>,
    start: u64,
    length: u64,
) -> io::Result<(Bytes, [u8; 16])> {
    let room = store.budget().memory(length).await;
    let file = file.clone();
    let read = move || {
        let mut content = vec![0; usize::try_from(length).expect("a part fits into memory")];
        file.read_exact_at(&mut content, start)?;
        let sum = md5sum::of(&content);
        Ok((room.hold(content), sum))
    };
    // A large piece takes its time, and there are others who need this thread.
    if length <= SHORT { here_or_aside(read).await } else { blocking(read).await }
}

/// Compares what the store says about the object with what was sent, and gives its ETag.
async fn verify(
    store: &Store,
    key: &str,
    expected: &Expected,
    told: Option<String>,
) -> Result<Option<String>, StoreError> {
    // One request less where the answer to the upload said it all.
    if let Some(sum) = told.as_deref().and_then(md5sum::told_by) {
        return if sum == expected.etag {
            Ok(told)
        } else {
            Err(damaged(store, key, expected, &sum))
        };
    }
    let found = store.head(key).await?;
    if found.size != expected.size {
        let size = format!("{} bytes", found.size);
        return Err(damaged(store, key, expected, &size));
    }
    match found.etag.as_deref().map(md5sum::plain) {
        // An object of parts may have the MD5 of its whole for its ETag, which was not computed.
        Some(etag)
            if speaks_of_content(etag)
                && etag.contains('-') == expected.etag.contains('-')
                && !etag.eq_ignore_ascii_case(&expected.etag) =>
        {
            Err(damaged(store, key, expected, etag))
        }
        _ => Ok(found.etag),
    }
}

/// The object's ETag, if it is that of what was sent.
async fn stored(store: &Store, key: &str, expected: &Expected) -> Option<String> {
    // Here only the certain case counts: an older object may have the same size.
    let found = store.head(key).await.ok()?;
    let etag = found.etag.filter(|_| found.size == expected.size)?;
    md5sum::plain(&etag).eq_ignore_ascii_case(&expected.etag).then_some(etag)
}

/// Whether an ETag is of one of S3's two forms: an MD5, or `<MD5 of MD5s>-<parts>`.
fn speaks_of_content(etag: &str) -> bool {
    let sum = match etag.split_once('-') {
        Some((sum, parts)) if parts.bytes().all(|byte| byte.is_ascii_digit()) => sum,
        Some(_) => return false,
        None => etag,
    };
    md5sum::told_by(sum).is_some()
}

fn damaged(store: &Store, key: &str, expected: &Expected, found: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupted, store.name(), format!("write {key:?}"))
        .said(format!(
            "{} bytes with ETag {} were sent, the store holds {found}",
            expected.size, expected.etag
        ))
        .transient(true)
}
