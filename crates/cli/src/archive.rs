//! Archives of models between the disk and the server, however large: never whole in memory,
//! and never half a file under the name that was asked for.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use trainyard_client::ClientError;

use crate::failure::Failure;
use crate::submission::missing;

/// How much is read at once.
const PIECE: usize = 1 << 20;
/// What every gzip begins with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An archive that is about to be sent.
#[derive(Debug)]
pub(crate) struct Archive {
    file: File,
    /// Its size in bytes.
    pub(crate) length: u64,
}

impl Archive {
    /// Opens it, and looks whether it can be one at all.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |source| Failure::File { doing: "read", path: path.to_owned(), source };
        let mut file = File::open(path).map_err(|source| missing(path, source))?;
        let metadata = file.metadata().map_err(unreadable)?;
        let not_one = |what: &str| {
            Failure::usage(
                format!("{} is {what}, not the archive of a model", path.display()),
                "pack it: `tar -czf model.tar.gz -C FOLDER-OF-THE-MODEL .`",
            )
        };
        if metadata.is_dir() {
            return Err(not_one("a folder"));
        }
        let mut start = [0; 2];
        if file.read_exact(&mut start).is_err() || start != GZIP {
            return Err(not_one("no .tar.gz"));
        }
        std::io::Seek::rewind(&mut file).map_err(unreadable)?;
        Ok(Self { file, length: metadata.len() })
    }

    /// Its bytes.
    pub(crate) fn into_pieces(self) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
        // Reading blocks this thread for a moment; a command has nothing else to do meanwhile.
        stream::unfold(Some(self.file), |file| async move {
            let mut file = file?;
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece) {
                Ok(0) => None,
                Ok(length) => {
                    piece.truncate(length);
                    Some((Ok(piece.into()), Some(file)))
                }
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

/// Writes what comes into a new file at `path`; gives how many bytes. A file that is there
/// already is not touched.
pub(crate) async fn save(
    path: &Path,
    content: impl Stream<Item = Result<Bytes, ClientError>>,
) -> Result<u64, Failure> {
    let failed = |source| Failure::File { doing: "write", path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut content = std::pin::pin!(content);
    let mut length = 0;
    while let Some(piece) = content.next().await {
        let piece = piece?;
        file.write_all(&piece).map_err(failed)?;
        length += piece.len() as u64;
    }
    file.as_file().sync_all().map_err(failed)?;
    make_readable(file.as_file()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(length),
        Err(refused) => Err(there_already(path, refused.error)),
    }
}

/// Complains before anything is fetched, if `path` is taken.
pub(crate) fn must_be_free(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(there_already(path, std::io::ErrorKind::AlreadyExists.into()));
    }
    Ok(())
}

fn there_already(path: &Path, source: std::io::Error) -> Failure {
    if source.kind() == std::io::ErrorKind::AlreadyExists {
        let message = format!("there is a {} already", path.display());
        return Failure::usage(message, "move it away first; nothing is overwritten");
    }
    Failure::File { doing: "write", path: path.to_owned(), source }
}

/// A temporary file is its owner's alone; what was asked for is as other files are.
fn make_readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_told_with_the_way_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.tar.gz");
        assert!(Archive::open(folder.path()).is_err(), "a folder");
        std::fs::write(&path, "PK").expect("written");
        let failure = Archive::open(&path).expect_err("a zip");
        assert!(failure.draw(80).contains("tar -czf"), "{failure}");
        std::fs::write(&path, [0x1f, 0x8b, 8]).expect("written");
        assert_eq!(Archive::open(&path).expect("one").length, 3);
    }

    #[test]
    fn an_archive_travels_whole_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a.tar.gz"), folder.path().join("b.tar.gz"));
        let mut bytes = vec![7; 3 * PIECE + 5];
        bytes[..2].copy_from_slice(&GZIP);
        std::fs::write(&from, &bytes).expect("written");
        let copy = || async {
            let archive = Archive::open(&from)?;
            let pieces = archive.into_pieces().map(|piece| Ok(piece.expect("read")));
            save(&to, pieces).await
        };
        let length = crate::asking(copy()).expect("copied");
        assert_eq!(length, bytes.len() as u64);
        assert!(std::fs::read(&to).expect("there") == bytes);
        let again = crate::asking(copy()).expect_err("it is there");
        assert!(again.draw(80).contains("nothing is overwritten"), "{again}");
        let left = std::fs::read_dir(folder.path()).expect("listed").count();
        assert_eq!(left, 2, "no half files");
    }

    #[test]
    fn a_transfer_that_breaks_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("b.tar.gz");
        let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err(ClientError::BadToken)]);
        crate::asking(save(&to, broken)).expect_err("it broke");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0);
    }
}
