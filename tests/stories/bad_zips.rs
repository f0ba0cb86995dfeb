//! Model zips that must not be unpacked: refused at submission, the entry named.

use anyhow::ensure;
use trainyard_testkit::zip::{self, Entry};

use crate::harness::{Scene, Told};

/// A zip that is refused, with the code and a word that the complaint must hold.
struct Bad {
    what: &'static str,
    zip: Vec<u8>,
    code: &'static str,
    word: &'static str,
}

fn bad(what: &'static str, entries: &[Entry], code: &'static str, word: &'static str) -> Bad {
    Bad { what, zip: zip::write(entries), code, word }
}

fn refuse_all(cases: impl IntoIterator<Item = Bad>) -> Told {
    let scene = Scene::start()?;
    let job = scene.job("true").text();
    for Bad { what, zip, code, word } in cases {
        let answer = scene.server.post(&job, &zip)?;
        ensure!(answer.status == 400, "{what}: {} {}", answer.status, answer.text());
        let codes = answer.codes()?;
        ensure!(codes.iter().any(|own| own == code), "{what}: {codes:?}: {}", answer.text());
        ensure!(answer.text().contains(word), "{what} is not named: {}", answer.text());
    }
    let list = scene.server.client().get("/v3/models")?.json()?;
    ensure!(list["total_count"] == 0, "a refused zip left a run: {list}");
    Ok(())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // A gzip of one stored block (RFC 1952 and RFC 1951, 3.2.4) is enough to look like one.
    let length = u16::try_from(bytes.len()).expect("short");
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1];
    gzip.extend_from_slice(&length.to_le_bytes());
    gzip.extend_from_slice(&(!length).to_le_bytes());
    gzip.extend_from_slice(bytes);
    gzip
}

#[test]
fn archives_that_are_no_zips_are_named_for_what_they_are() -> Told {
    let raw = |what, zip, word| Bad { what, zip, code: "TY0201", word };
    refuse_all([
        raw("a tar.gz", gzip(&[0; 1024]), "gz"),
        raw("nothing", Vec::new(), "empty"),
        raw("a text", b"import tensorflow\n".to_vec(), "zip"),
    ])
}

#[test]
fn an_empty_zip_is_refused() -> Told {
    refuse_all([bad("an empty zip", &[], "TY0202", "zip")])
}

#[test]
fn names_that_lead_elsewhere_are_refused() -> Told {
    let named = |name: &str| Entry::stored(name, b"x");
    refuse_all([
        bad("a nested entry", &[named("models/deep.py")], "TY0203", "models/deep.py"),
        bad("a parent", &[named("../evil.py")], "TY0204", "../evil.py"),
        bad("a parent in the middle", &[named("a/../../evil.py")], "TY0204", "evil.py"),
        bad("an absolute path", &[named("/etc/evil.py")], "TY0204", "/etc/evil.py"),
        bad("a parent by backslash", &[named("..\\evil.py")], "TY0204", "evil.py"),
        bad("a drive", &[named("C:\\evil.py")], "TY0204", "evil.py"),
        bad("a NUL", &[named("evil\0.py")], "TY0204", "evil"),
        bad("a dot", &[named("..")], "TY0204", ".."),
        bad("two of one name", &[named("a.py"), named("a.py")], "TY0206", "a.py"),
    ])
}

#[test]
fn entries_that_are_no_files_are_refused() -> Told {
    let device = Entry { mode: 0o020_666, ..Entry::stored("null", b"") };
    refuse_all([
        bad("a link", &[Entry::link("data", "/etc/passwd")], "TY0205", "data"),
        bad("a device", &[device], "TY0205", "null"),
        bad(
            "an encrypted entry",
            &[Entry { flags: 1, ..Entry::stored("secret.py", b"0123456789abcdef") }],
            "TY0207",
            "secret.py",
        ),
    ])
}

#[test]
fn entries_that_lie_are_refused() -> Told {
    let small = Entry { size: 10, ..Entry::deflated("small.bin", &vec![0; 100_000]) };
    let wrong = Entry { crc: 1, ..Entry::stored("sum.py", b"print(1)") };
    let first = Entry::deflated("a.bin", &vec![0; 100_000]);
    let second = Entry { overlaps: true, ..Entry::deflated("a.bin", &vec![0; 100_000]) };
    let second = Entry { name: "b.bin".to_owned(), ..second };
    refuse_all([
        bad("a size that lies", &[small], "TY0208", "small.bin"),
        bad("a wrong checksum", &[wrong], "TY0210", "sum.py"),
        bad("two that overlap", &[first, second], "TY0208", "b.bin"),
    ])
}

#[test]
fn a_truncated_zip_is_refused() -> Told {
    let mut zip = zip::of(&[("main.py", "print('whole')\n")]);
    zip.truncate(zip.len() - 30);
    let scene = Scene::start()?;
    let answer = scene.server.post(&scene.job("true").text(), &zip)?.expect_status(400)?;
    let codes = answer.codes()?;
    ensure!(codes == ["TY0210"] || codes == ["TY0201"], "{codes:?}: {}", answer.text());
    Ok(())
}

#[test]
fn bombs_are_refused_before_they_go_off() -> Told {
    // 10 KB that inflate to 10 MB: the most that deflate can do in one entry.
    let charge = Entry::deflated("0.bin", &vec![0; 10 << 20]);
    // A thousand entries that all stand on the same bytes: 10 GB out of 60 KB.
    let many: Vec<Entry> = (0..1000)
        .map(|at| Entry { name: format!("{at}.bin"), overlaps: at > 0, ..charge.clone() })
        .collect();
    // One entry that says it has 4 GB.
    let claims = Entry { size: u32::MAX - 1, ..charge };
    let scene = Scene::start()?;
    let job = scene.job("true").text();
    for (what, zip) in [
        ("ten gigabytes that overlap", zip::write(&many)),
        ("a claim of four gigabytes", zip::write(&[claims])),
        ("too many entries", zip::write(&vec![Entry::stored("x", b""); 60_000])),
    ] {
        let start = std::time::Instant::now();
        let answer = scene.server.post(&job, &zip)?;
        ensure!(answer.status == 400, "{what}: {} {}", answer.status, answer.text());
        let codes = answer.codes()?;
        let known = ["TY0206", "TY0208", "TY0209", "TY0210"];
        ensure!(codes.iter().any(|code| known.contains(&code.as_str())), "{what}: {codes:?}");
        ensure!(start.elapsed().as_secs() < 10, "{what} kept the server busy");
    }
    // It is alive and well.
    scene.server.client().get("/health")?.expect_status(200)?;
    Ok(())
}

#[test]
fn what_a_mac_adds_is_skipped_and_said() -> Told {
    let scene = Scene::start()?;
    let zip = zip::of(&[
        ("main.sh", "echo here\nls -A\n"),
        ("__MACOSX/._main.sh", "resource fork"),
        (".DS_Store", "folder view"),
    ]);
    let answer = scene.server.post(&scene.job("sh main.sh").text(), &zip)?.expect_status(202)?;
    let told = answer.json()?["warnings"].to_string();
    ensure!(told.contains("TY0211") && told.contains("__MACOSX"), "{told}");
    Ok(())
}
