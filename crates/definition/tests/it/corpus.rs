//! Zips that are refused, each with the entry named, and those that look odd but are right.

use trainyard_definition::ZipLimits;
use trainyard_definition::zip::{extract, inspect};

use crate::archive::{Piece, zip};
use crate::told::told;

pub(crate) fn refused(bytes: &[u8]) -> String {
    let limits = ZipLimits::default();
    let complaints = inspect(bytes, &limits).expect_err("this zip is wrong");
    let there = tempfile::tempdir().expect("a directory");
    let error = extract(bytes, &limits, there.path()).expect_err("this zip is wrong");
    let left = std::fs::read_dir(there.path()).expect("it is there").count();
    assert_eq!(left, 0, "extract left {left} files behind, after: {error}");
    assert!(!error.diagnostics().is_empty());
    told(&complaints)
}

fn ok() -> Piece {
    Piece::file("train.py", b"print('hello')\n")
}

#[test]
fn other_formats_are_recognised() {
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, complaint) in [
        (
            b"\x1f\x8b\x08\0\0".to_vec(),
            "this is a gzip file (a tar.gz, most likely); only zip is taken",
        ),
        (b"BZh91AY".to_vec(), "this is a bzip2 file (a tar.bz2, most likely); only zip is taken"),
        (b"\xfd7zXZ\0\0".to_vec(), "this is an xz file (a tar.xz, most likely); only zip is taken"),
        (b"7z\xbc\xaf\x27\x1c".to_vec(), "this is a 7z archive; only zip is taken"),
        (tar, "this is a tar archive; only zip is taken"),
        (b"{}".to_vec(), "this looks like JSON; the zip comes first, then the definition"),
        (b"import os".to_vec(), "this is not a zip"),
        (Vec::new(), "the file is empty; a zip was expected"),
    ] {
        let told = refused(&bytes);
        assert_eq!(
            told,
            format!(
                "TY0201: {complaint} (pack the files with 'zip model.zip *.py', or give the directory itself)"
            )
        );
    }
    // A zip that hides behind something else is not taken either.
    let hidden = [b"\x1f\x8b\x08".to_vec(), zip(&[ok()])].concat();
    assert!(refused(&hidden).contains("a gzip file"));
}

#[test]
fn an_empty_zip_is_refused() {
    let empty = "TY0202: the zip is empty (put the files that the command needs into it)";
    assert_eq!(refused(&zip(&[])), empty);
    let debris = zip(&[Piece::file("__MACOSX/._a", b"x"), Piece::file(".DS_Store", b"x")]);
    assert!(refused(&debris).starts_with("TY0202: the zip holds no files but what was skipped"));
}

#[test]
fn nested_entries_are_named_with_the_way_out() {
    let told = refused(&zip(&[
        ok(),
        Piece::file("lib/a.py", b""),
        Piece::file("empty/", b"").mode(0o040_755),
    ]));
    assert_eq!(
        told,
        "\
TY0203 lib/a.py: 'lib/a.py' lies in a folder [all files on the first level, not in 'lib'] (put all files on the first level, or let the command unpack an archive among them)
TY0203 empty/: 'empty/' is a folder [files on the first level, no folders] (put all files on the first level, or let the command unpack an archive among them)"
    );
    let folder = zip(&[
        Piece::stored("model/", b"").mode(0o040_755),
        Piece::file("model/a.py", b""),
        Piece::file("model/b.py", b""),
    ]);
    let told = refused(&folder);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.contains("(cd model && zip ../model.zip *)"), "{told}");
}

#[test]
fn ten_thousand_nested_entries_are_told_quickly() {
    let pieces: Vec<Piece> = (0..5_000)
        .flat_map(|n| {
            let folder = Piece::stored(format!("d{n}/"), b"").mode(0o040_755);
            [folder, Piece::stored(format!("e{n}/a.py"), b"")]
        })
        .collect();
    let began = std::time::Instant::now();
    let told = refused(&zip(&pieces));
    assert!(told.ends_with("TY0203: and 9950 more complaints"), "{told}");
    assert!(began.elapsed().as_secs() < 5, "took {:?}", began.elapsed());
}

#[test]
fn slips_in_each_form_are_refused() {
    for (name, why) in [
        (&b"../evil"[..], "'../evil' cannot be unpacked: its path leaves the directory with '..'"),
        (b"a/../../evil", "its path leaves the directory with '..'"),
        (b"/etc/cron.d/evil", "its path is absolute"),
        (b"..\\..\\evil", "its name holds a backslash"),
        (b"C:\\evil", "its name holds a backslash"),
        (b"C:evil", "its path begins with a drive letter"),
        (b"a\0.py", "'a\\u{0}.py' cannot be unpacked: its name holds a NUL character"),
        (b"a\x1b[2J", "its name holds a control character"),
        (b"..", "its path leaves the directory with '..'"),
        (b".", "its path holds an empty part"),
        (b"", "it has no name"),
        (b"\xff\xfe", "its name is not UTF-8"),
        (&[b'x'; 256], "its name is longer than 255 bytes"),
    ] {
        let told = refused(&zip(&[ok(), Piece::file(name, b"x")]));
        assert!(told.starts_with("TY0204") && told.contains(why), "{name:?}: {told}");
        assert!(!told.contains(['\0', '\u{1b}']), "raw control characters in {told:?}");
    }
}

#[test]
fn links_and_devices_are_refused() {
    for (mode, what) in [
        (0o120_777, "a symbolic link"),
        (0o060_600, "a block device"),
        (0o020_600, "a character device"),
        (0o010_600, "a pipe"),
        (0o140_600, "a socket"),
        (0o040_755, "a folder with the name of a file"),
        (0o150_000, "of no known kind"),
    ] {
        let told = refused(&zip(&[ok(), Piece::stored("x", b"/etc/passwd").mode(mode)]));
        assert_eq!(told, format!("TY0205 x: 'x' is {what} [plain files]"));
    }
}

#[test]
fn duplicates_are_refused_also_those_that_differ_in_case() {
    let told = refused(&zip(&[ok(), Piece::file("TRAIN.py", b"x"), Piece::file("train.py", b"y")]));
    assert_eq!(
        told,
        "\
TY0206 TRAIN.py: 'TRAIN.py' and 'train.py' differ only in case
TY0206 train.py: 'train.py' and 'TRAIN.py' differ only in case"
    );
    let told = refused(&zip(&[ok(), ok()]));
    assert_eq!(told, "TY0206 train.py: 'train.py' is in the zip twice");
}

#[test]
fn encrypted_and_foreign_entries_are_refused() {
    for flag in [1, 0x41, 0x2001] {
        let piece = Piece::file("a.py", b"x").both(|header| header.flags |= flag);
        let told = refused(&zip(&[piece]));
        assert_eq!(told, "TY0207 a.py: 'a.py' is encrypted (pack it without a password)");
    }
    for (method, how) in [
        (12, "with BZIP2"),
        (9, "with DEFLATE64"),
        (93, "with ZSTD"),
        (77, "by the unknown method 77"),
    ] {
        let piece = Piece::file("a.py", b"x").both(|header| header.method = method);
        let told = refused(&zip(&[piece]));
        assert_eq!(
            told,
            format!(
                "TY0212 a.py: 'a.py' is compressed {how} [files stored as they are, or deflated]"
            )
        );
    }
}

#[test]
fn several_faults_are_told_at_once() {
    let told = refused(&zip(&[
        Piece::file("../a", b"x"),
        Piece::stored("b", b"c").mode(0o120_777),
        Piece::file("c", b"x").both(|header| header.crc ^= 1),
        Piece::file("d/e", b"x"),
        ok(),
    ]));
    let codes: Vec<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(codes, ["TY0204", "TY0205", "TY0203", "TY0210"], "{told}");
}

#[test]
fn what_macos_adds_is_skipped_and_said() {
    let bytes = zip(&[
        ok(),
        Piece::stored("__MACOSX/", b"").mode(0o040_755),
        Piece::file("__MACOSX/._train.py", b"x"),
        Piece::file(".DS_Store", b"x"),
    ]);
    let inventory = inspect(&bytes, &ZipLimits::default()).expect("it is right");
    let names: Vec<&str> = inventory.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["train.py"]);
    assert_eq!(
        told(&inventory.warnings),
        "\
TY0211 __MACOSX/: '__MACOSX/' is left out: what macOS adds about files
TY0211 __MACOSX/._train.py: '__MACOSX/._train.py' is left out: what macOS adds about files
TY0211 .DS_Store: '.DS_Store' is left out: what macOS remembers about a folder"
    );
    assert!(inventory.warnings.iter().all(|warning| !warning.is_error()));
}

#[test]
fn unpacked_files_have_their_bytes_and_a_mode_of_two() {
    use std::os::unix::fs::PermissionsExt;
    let bytes = zip(&[
        ok().mode(0o106_664),
        Piece::stored("./run.sh", b"#!/bin/sh\n").mode(0o104_775),
        Piece::stored("empty", b""),
    ]);
    let there = tempfile::tempdir().expect("a directory");
    let inventory = extract(&bytes, &ZipLimits::default(), there.path()).expect("it is right");
    assert_eq!(inventory, inspect(&bytes, &ZipLimits::default()).expect("it is right"));
    for (name, content, mode) in [
        ("train.py", "print('hello')\n", 0o644),
        ("run.sh", "#!/bin/sh\n", 0o755),
        ("empty", "", 0o644),
    ] {
        let path = there.path().join(name);
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), content);
        let found = std::fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(found & 0o7777, mode, "{name}");
    }
}

#[test]
fn extract_touches_nothing_that_is_there() {
    let there = tempfile::tempdir().expect("a directory");
    let outside = tempfile::tempdir().expect("a directory");
    let target = outside.path().join("target");
    std::os::unix::fs::symlink(&target, there.path().join("train.py")).expect("a link");
    let bytes = zip(&[Piece::file("a.py", b"a"), ok()]);
    let error = extract(&bytes, &ZipLimits::default(), there.path()).expect_err("it is there");
    assert!(error.to_string().contains("cannot write"), "{error}");
    assert!(!target.exists(), "it was written through a link");
    let left: Vec<_> = std::fs::read_dir(there.path()).expect("there").collect();
    assert_eq!(left.len(), 1, "only the link is left: {left:?}");

    let there = tempfile::tempdir().expect("a directory");
    std::fs::write(there.path().join("train.py"), "mine").expect("a file");
    extract(&bytes, &ZipLimits::default(), there.path()).expect_err("it is there");
    let kept = std::fs::read_to_string(there.path().join("train.py")).expect("it is there");
    assert_eq!(kept, "mine");
}
