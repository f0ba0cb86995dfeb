//! A run's results as one file: a gzipped tar, the same bytes whenever the same files are
//! packed. Only plain files are in it, by their keys, and nothing of who packed them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};
use trainyard_model::hex::hex;

/// What every file in an archive may be: read by everybody.
const MODE: u32 = 0o644;

/// Packs the files below `folder` into `archive`, which must not be there yet. Returns its
/// size and SHA-256; it is on disk then.
pub(crate) fn pack(folder: &Path, archive: &Path) -> io::Result<(u64, String)> {
    let file = File::create_new(archive)?;
    let counted = Counted { inner: BufWriter::new(file), bytes: 0, digest: Sha256::new() };
    let mut builder = Builder::new(GzEncoder::new(counted, Compression::fast()));
    for (name, path) in files(folder)? {
        let mut content = File::open(&path)?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.metadata()?.len());
        header.set_mode(MODE);
        builder.append_data(&mut header, name, &mut content)?;
    }
    let Counted { inner, bytes, digest } = builder.into_inner()?.finish()?;
    inner.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok((bytes, hex(&digest.finalize())))
}

/// The plain files below a folder by their paths in it, sorted.
fn files(folder: &Path) -> io::Result<Vec<(String, std::path::PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if kind.is_dir() {
                folders.push((format!("{name}/"), entry.path()));
            } else if kind.is_file() {
                found.push((name, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Counts and digests what is written through it.
struct Counted<W> {
    inner: W,
    bytes: u64,
    digest: Sha256,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(piece)?;
        self.digest.update(&piece[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_make_the_same_archive() {
        let folder = tempfile::tempdir().expect("it is right");
        let model = folder.path().join("model");
        std::fs::create_dir_all(model.join("variables")).expect("it is right");
        std::fs::write(model.join("saved_model.pb"), b"graph").expect("it is right");
        std::fs::write(model.join("variables/data"), vec![7; 100_000]).expect("it is right");
        std::os::unix::fs::symlink("/etc/passwd", model.join("link")).expect("it is right");
        let (one, two) = (folder.path().join("1.tar.gz"), folder.path().join("2.tar.gz"));
        let packed = pack(&model, &one).expect("it is right");
        assert_eq!(packed, pack(&model, &two).expect("it is right"));
        let bytes = std::fs::read(&one).expect("it is right");
        assert_eq!(packed, (bytes.len() as u64, hex(&Sha256::digest(&bytes))));
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let names: Vec<String> = archive
            .entries()
            .expect("it is right")
            .map(|entry| {
                entry.expect("it is right").path().expect("it is right").display().to_string()
            })
            .collect();
        assert_eq!(names, ["saved_model.pb", "variables/data"]);
    }
}
