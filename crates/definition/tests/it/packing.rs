//! Directories given in the place of a zip.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use trainyard_definition::ZipLimits;
use trainyard_definition::zip::{Layout, PackError, Packed, extract, inspect, pack};

use crate::told::told;

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn packed(dir: &Path) -> Packed {
    pack(dir, &ZipLimits::default(), Layout::Flat)
        .unwrap_or_else(|error| panic!("{}", told(&error.diagnostics())))
}

#[test]
fn a_directory_is_packed_the_same_every_time_and_what_is_left_out_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let here = dir.path();
    write(here, "train.py", "print(1)\n");
    write(here, "a.py", "");
    write(here, "run.sh", "#!/bin/sh\n");
    fs::set_permissions(here.join("run.sh"), fs::Permissions::from_mode(0o700)).expect("a mode");
    write(here, "data/big.bin", "x");
    write(here, "notes.txt", "x");
    write(here, ".trainyardignore", "data/\n*.txt\n");
    write(here, ".gitignore", "*.py\n");
    write(here, "__pycache__/a.pyc", "x");
    write(here, ".git/HEAD", "x");
    symlink("/etc/passwd", here.join("link")).expect("a link");
    fs::create_dir(here.join("empty")).expect("a folder");

    let first = packed(here);
    let names: Vec<(&str, u64)> =
        first.included.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    assert_eq!(names, [(".gitignore", 5), ("a.py", 0), ("run.sh", 10), ("train.py", 9)]);
    assert_eq!(
        first.ignored,
        [
            ".git/",
            ".trainyardignore",
            "__pycache__/",
            "data/",
            "link (a link, not followed)",
            "notes.txt"
        ]
    );
    assert_eq!(first.ignore_file, Some(here.join(".trainyardignore")));
    assert_eq!(packed(here).bytes, first.bytes);

    let inventory = inspect(&first.bytes, &ZipLimits::default(), Layout::Flat)
        .expect("what is packed is right");
    let executable: Vec<&str> = inventory
        .entries
        .iter()
        .filter(|entry| entry.mode_executable)
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(executable, ["run.sh"]);
}

#[test]
fn gitignore_is_followed_when_there_is_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "train.py", "");
    write(dir.path(), "venv/lib.py", "");
    write(dir.path(), ".gitignore", "venv\n");
    let packed = packed(dir.path());
    assert_eq!(packed.included, [("train.py".to_owned(), 0)]);
    assert_eq!(packed.ignored, [".gitignore", "venv/"]);
}

#[test]
fn nested_files_are_named_with_the_way_out() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "train.py", "");
    write(dir.path(), "lib/a.py", "");
    write(dir.path(), "lib/b/c.py", "");
    let error = pack(dir.path(), &ZipLimits::default(), Layout::Flat).expect_err("it is nested");
    assert_eq!(
        told(&error.diagnostics()),
        "\
TY0203 lib/a.py: 'lib/a.py' lies in a folder [all files on the first level, not in 'lib'] (put all files on the first level, or leave the folder out with a line in .trainyardignore)
TY0203 lib/b/c.py: 'lib/b/c.py' lies in a folder [all files on the first level, not in 'lib/b'] (put all files on the first level, or leave the folder out with a line in .trainyardignore)"
    );
    assert!(error.to_string().contains("'lib/a.py' lies in a folder"));
}

#[test]
fn what_makes_no_zip_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let limits = ZipLimits { file_bytes: 10, total_bytes: 15, ..ZipLimits::default() };
    let told_of = |dir: &Path| {
        let error = pack(dir, &limits, Layout::Flat).expect_err("it makes no zip");
        told(&error.diagnostics())
    };
    assert!(told_of(dir.path()).contains("TY0202: there are no files to pack"));
    write(dir.path(), "a", "0123456789x");
    assert!(
        told_of(dir.path()).contains("TY0209")
            && told_of(dir.path()).contains("more than 10 bytes")
    );
    write(dir.path(), "a", "0123456789");
    write(dir.path(), "b", "0123456789");
    assert!(told_of(dir.path()).contains("the files have more than 15 bytes together"));
    write(dir.path(), "b", "");
    write(dir.path(), "B", "");
    assert!(told_of(dir.path()).contains("TY0206 b: 'b' and 'B' differ only in case"));
    fs::remove_file(dir.path().join("B")).expect("it was there");
    write(dir.path(), "a\\b", "");
    assert!(told_of(dir.path()).contains("TY0204"));
    let file =
        pack(&dir.path().join("a"), &limits, Layout::Flat).expect_err("a file is no directory");
    assert!(matches!(file, PackError::NotADirectory { .. }), "{file}");
    let nothing =
        pack(&dir.path().join("nothing"), &limits, Layout::Flat).expect_err("it is not there");
    assert!(matches!(nothing, PackError::Read { .. }), "{nothing}");
}

#[test]
fn files_too_dense_to_pass_as_deflated_are_stored() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("zeros"), vec![0; 10 << 20]).expect("a file");
    let packed = packed(dir.path());
    assert!(packed.bytes.len() > 10 << 20);
    inspect(&packed.bytes, &ZipLimits::default(), Layout::Flat)
        .expect("what is packed is accepted");
}

#[test]
fn folders_are_packed_for_the_dialects_that_have_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let here = dir.path();
    write(here, "main.py", "import lib.a\n");
    write(here, "lib/a.py", "");
    write(here, "lib/b/run.sh", "true\n");
    write(here, "lib/__pycache__/a.pyc", "x");
    fs::create_dir(here.join("empty")).expect("a folder");
    fs::set_permissions(here.join("lib/b/run.sh"), fs::Permissions::from_mode(0o700))
        .expect("a mode");
    let limits = ZipLimits::default();
    let first = pack(here, &limits, Layout::Folders).expect("it may have folders");
    let names: Vec<&str> = first.included.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["lib/a.py", "lib/b/run.sh", "main.py"]);
    assert_eq!(first.ignored, ["lib/__pycache__/"]);
    let to = tempfile::tempdir().expect("a directory");
    let unpacked = extract(&first.bytes, &limits, to.path()).expect("what is packed is right");
    assert!(
        unpacked.entries.iter().any(|entry| entry.name == "lib/b/run.sh" && entry.mode_executable)
    );
    let again = pack(to.path(), &limits, Layout::Folders).expect("the same");
    assert_eq!(again.bytes, first.bytes);

    write(here, "lib/A.py", "");
    write(here, "Lib/x.py", "");
    let error = pack(here, &limits, Layout::Folders).expect_err("they clash");
    assert_eq!(
        told(&error.diagnostics()),
        "\
TY0206 lib/A.py: 'lib' and 'Lib' differ only in case
TY0206 lib/a.py: 'lib' and 'Lib' differ only in case
TY0206 lib/b/run.sh: 'lib' and 'Lib' differ only in case"
    );
    fs::remove_dir_all(here.join("Lib")).expect("it was there");
    write(here, &format!("{}x", "d/".repeat(40)), "");
    let error = pack(here, &limits, Layout::Folders).expect_err("it is deep");
    let told = told(&error.diagnostics());
    assert!(told.contains("cannot be packed: it lies more than 32 folders deep"), "{told}");
    assert!(told.contains("'lib/a.py' and 'lib/A.py' differ only in case"), "{told}");
}
