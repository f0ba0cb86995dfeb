//! Zips that are refused, each with the entry named, and those that look odd but are right.

use trainyard_definition::ZipLimits;
use trainyard_definition::zip::{Layout, extract, inspect};

use crate::archive::{Piece, zip};
use crate::told::told;

/// What is said of a zip that is refused in either layout, and leaves nothing behind when it
/// is unpacked all the same.
pub(crate) fn refused(bytes: &[u8]) -> String {
    refused_whole(bytes);
    nested(bytes)
}

/// The same, where folders are allowed.
fn refused_whole(bytes: &[u8]) -> String {
    let limits = ZipLimits::default();
    let complaints = inspect(bytes, &limits, Layout::Folders).expect_err("this zip is wrong");
    let there = tempfile::tempdir().expect("a directory");
    let error = extract(bytes, &limits, there.path()).expect_err("this zip is wrong");
    let left = std::fs::read_dir(there.path()).expect("it is there").count();
    assert_eq!(left, 0, "extract left {left} files behind, after: {error}");
    assert!(!error.diagnostics().is_empty());
    told(&complaints)
}

/// The same, where folders are not allowed; what is wrong may be no more than that.
fn nested(bytes: &[u8]) -> String {
    told(&inspect(bytes, &ZipLimits::default(), Layout::Flat).expect_err("this zip is wrong"))
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
    let told = nested(&zip(&[
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
    let told = nested(&folder);
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
    let told = nested(&zip(&pieces));
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
    let inventory = inspect(&bytes, &ZipLimits::default(), Layout::Flat).expect("it is right");
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
    assert_eq!(
        inventory,
        inspect(&bytes, &ZipLimits::default(), Layout::Flat).expect("it is right")
    );
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

fn folder(name: &str) -> Piece {
    Piece::stored(name, b"").mode(0o040_755)
}

#[test]
fn folders_are_unpacked_where_the_zip_has_them() {
    use std::os::unix::fs::PermissionsExt;
    let bytes = zip(&[
        Piece::file("main.py", b"import models.net\n"),
        folder("models/"),
        Piece::file("models/net.py", b"x = 1\n"),
        Piece::file("./models/deep/er/run.sh", b"true\n").mode(0o100_755),
        folder("empty/one/"),
        folder("models/"),
        Piece::file("requirements.txt", b"six\n"),
        Piece::file("models/requirements.txt", b"seven\n"),
        Piece::file("models/.DS_Store", b"x"),
    ]);
    let limits = ZipLimits::default();
    let inventory = inspect(&bytes, &limits, Layout::Folders).expect("it is right");
    let names: Vec<&str> = inventory.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "main.py",
            "models/net.py",
            "models/deep/er/run.sh",
            "requirements.txt",
            "models/requirements.txt"
        ]
    );
    assert_eq!(inventory.warnings.len(), 1, "{:?}", inventory.warnings);
    assert_eq!(
        inventory.packages.requirements.as_deref(),
        Some("six\n"),
        "that of the first level"
    );
    let there = tempfile::tempdir().expect("a directory");
    extract(&bytes, &limits, there.path()).expect("it is right");
    let mode = |path: &str| {
        let metadata = std::fs::symlink_metadata(there.path().join(path)).expect(path);
        (metadata.is_dir(), metadata.permissions().mode() & 0o7777)
    };
    for (path, expected) in [
        ("models", (true, 0o755)),
        ("models/deep/er", (true, 0o755)),
        ("empty/one", (true, 0o755)),
        ("models/net.py", (false, 0o644)),
        ("models/deep/er/run.sh", (false, 0o755)),
    ] {
        assert_eq!(mode(path), expected, "{path}");
    }
    let text = std::fs::read_to_string(there.path().join("models/net.py")).expect("it is there");
    assert_eq!(text, "x = 1\n");
    // The seed takes none of that.
    assert!(nested(&bytes).contains("TY0203 models/net.py: 'models/net.py' lies in a folder"));
}

#[test]
fn slips_and_links_are_refused_in_folders_as_well() {
    for (piece, code) in [
        (Piece::file("a/../../evil", b"x"), "TY0204"),
        (Piece::file("a/b/../../../evil", b"x"), "TY0204"),
        (Piece::file("a//b", b"x"), "TY0204"),
        (Piece::file("a/./b", b"x"), "TY0204"),
        (Piece::file("a/..", b"x"), "TY0204"),
        (folder("a/../"), "TY0204"),
        (folder("../"), "TY0204"),
        (folder("/"), "TY0204"),
        (Piece::file("__MACOSX/../evil", b"x"), "TY0204"),
        (Piece::file("a\\b", b"x"), "TY0204"),
        (Piece::file(format!("{}x", "d/".repeat(33)), b"x"), "TY0204"),
        (Piece::file(format!("a/{}", "x".repeat(256)), b"x"), "TY0204"),
        (Piece::stored("a/link", b"/etc").mode(0o120_777), "TY0205"),
        (Piece::stored("a/link/", b"").mode(0o120_777), "TY0205"),
        (Piece::stored("a/null", b"").mode(0o020_666), "TY0205"),
        (Piece::stored("a/", b"data"), "TY0205"),
        (Piece::stored("a/", b"data").mode(0o040_755), "TY0208"),
    ] {
        let name = String::from_utf8_lossy(&piece.central.name).into_owned();
        let told = refused_whole(&zip(&[ok(), piece]));
        assert!(told.starts_with(code), "{name}: {told}");
    }
    // A link that is refused is not there for a file to go through.
    let told = refused_whole(&zip(&[
        Piece::stored("a", b"/etc").mode(0o120_777),
        Piece::file("a/passwd", b"x"),
    ]));
    assert!(told.contains("TY0205 a: 'a' is a symbolic link"), "{told}");
}

#[test]
fn names_that_are_one_on_some_machine_are_refused() {
    let file = |name: &str| Piece::file(name, b"x");
    for (pieces, expected) in [
        (vec![file("a"), file("a/b")], "TY0206 a/b: 'a/b' needs a folder where 'a' is a file"),
        (vec![file("a/b"), file("a")], "TY0206 a: 'a' is a file where 'a' is a folder"),
        (vec![file("a"), folder("a/")], "TY0206 a: 'a' needs a folder where 'a' is a file"),
        (vec![folder("a/"), file("a")], "TY0206 a: 'a' is a file where 'a' is a folder"),
        (vec![file("A"), file("a/b")], "TY0206 a/b: 'a/b' needs a folder where 'A' is a file"),
        (vec![file("d/a"), file("d/a")], "TY0206 d/a: 'd/a' is in the zip twice"),
        (vec![file("d/a"), file("d/A")], "TY0206 d/A: 'd/A' and 'd/a' differ only in case"),
        (vec![file("d/a"), file("D/b")], "TY0206 D/b: 'D' and 'd' differ only in case"),
        (vec![folder("d/"), folder("D/")], "TY0206 D: 'D' and 'd' differ only in case"),
        (
            vec![file("caf\u{e9}"), file("cafe\u{301}")],
            "TY0206 cafe\u{301}: 'cafe\u{301}' and 'caf\u{e9}' differ only in how their letters are encoded",
        ),
        (
            vec![file("caf\u{e9}/a"), file("CAFE\u{301}/b")],
            "TY0206 CAFE\u{301}/b: 'CAFE\u{301}' and 'caf\u{e9}' differ only in how their letters are encoded",
        ),
    ] {
        let mut whole = vec![ok()];
        whole.extend(pieces);
        assert_eq!(refused_whole(&zip(&whole)), expected);
    }
}

#[test]
fn more_folders_than_entries_may_be_are_refused_quickly() {
    // Each of 500 names says thirty folders of its own: 15,000 of them in 500 entries.
    let pieces: Vec<Piece> =
        (0..500).map(|n| Piece::stored(format!("{}x", format!("d{n}/").repeat(30)), b"")).collect();
    let began = std::time::Instant::now();
    assert_eq!(refused_whole(&zip(&pieces)), "TY0209: the zip has more than 10000 folders");
    assert!(began.elapsed().as_secs() < 5, "took {:?}", began.elapsed());
    let only = zip(&[folder("a/"), folder("a/b/")]);
    assert!(refused_whole(&only).starts_with("TY0202"));
}

#[test]
fn a_folder_that_is_there_is_not_gone_into() {
    let outside = tempfile::tempdir().expect("a directory");
    let bytes = zip(&[Piece::file("b/c/x.py", b"x"), Piece::file("a/x.py", b"x"), ok()]);
    for link in [true, false] {
        let there = tempfile::tempdir().expect("a directory");
        let a = there.path().join("a");
        if link {
            std::os::unix::fs::symlink(outside.path(), &a).expect("a link");
        } else {
            std::fs::create_dir(&a).expect("a folder");
        }
        let error = extract(&bytes, &ZipLimits::default(), there.path()).expect_err("it is there");
        assert!(error.to_string().contains("cannot write"), "{error}");
        let left: Vec<_> = std::fs::read_dir(there.path()).expect("there").collect();
        assert_eq!(left.len(), 1, "only what was there is left: {left:?}");
        assert_eq!(std::fs::read_dir(&a).expect("there").count(), 0);
    }
    assert_eq!(std::fs::read_dir(outside.path()).expect("there").count(), 0);
}
