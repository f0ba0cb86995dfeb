//! What programs print: all of it, as it is, however much and however odd.

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::harness::{SOON, Scene, Told, numbered};

#[test]
fn one_gibibyte_of_output_is_kept_to_the_byte() -> Told {
    const LINE: &[u8; 16] = b"0123456789abcde\n";
    const LINES: u64 = (1 << 30) / 16;
    let scene = Scene::start()?;
    let limit = Duration::from_mins(4);
    let id = scene.run(format!("yes 0123456789abcde | head -n {LINES}"))?;
    let status = scene.server.until_settled(&id, "completed", limit)?;
    let bytes = status["log_bytes"].as_u64().context("the log's length")?;
    ensure!(bytes >= 1 << 30, "{status}");

    // The stored log and the server's: the same length, and every line whole.
    let path = scene.stored_at(&id, "learner-1/training-log.txt");
    ensure!(std::fs::metadata(&path)?.len() == bytes, "stored and told lengths differ");
    let mut stored = std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(&path)?);
    let head = usize::try_from(bytes - (1 << 30))?;
    std::io::copy(&mut stored.by_ref().take(head as u64), &mut std::io::sink())?;
    let mut block = vec![0; 1 << 20];
    let expected = LINE.repeat(block.len() / LINE.len());
    for at in 0..1024 {
        stored.read_exact(&mut block)?;
        ensure!(block == expected, "MiB {at} differs");
    }
    let tail = scene.server.client().get(&format!("/v3/models/{id}/log?offset={}", bytes - 16))?;
    ensure!(tail.body == LINE, "{}", tail.text());
    Ok(())
}

#[test]
fn one_line_of_100_mib_is_kept() -> Told {
    const LENGTH: usize = 100 << 20;
    let scene = Scene::start()?;
    let id = scene.run(format!("head -c {LENGTH} /dev/zero | tr '\\0' x; echo; echo after"))?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let stored = scene.stored(&id, "learner-1/training-log.txt")?;
    ensure!(stored.ends_with(b"x\nafter\n"), "the end is missing");
    let line =
        stored.len().checked_sub(LENGTH + b"\nafter\n".len()).context("bytes are missing")?;
    ensure!(stored[line..][..LENGTH].iter().all(|byte| *byte == b'x'), "other bytes in the line");
    let log = scene.server.log(&id)?;
    ensure!(log == stored, "the server's log ({}) is another ({})", log.len(), stored.len());
    Ok(())
}

#[test]
fn invalid_utf8_passes_unchanged() -> Told {
    let scene = Scene::start()?;
    let id = scene.run(r"printf 'a\377\376\000b\n\303'")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let expected = b"a\xff\xfe\0b\n\xc3";
    ensure!(scene.server.log(&id)?.ends_with(expected));
    ensure!(scene.stored(&id, "learner-1/training-log.txt")?.ends_with(expected));
    // A terminal's reader gets a text, and the command does not stumble.
    scene.home.call(["logs", &id])?.expect_code(0)?;
    Ok(())
}

#[test]
fn both_streams_come_in_the_order_of_their_writing() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("for i in $(seq 200); do echo out $i; echo err $i >&2; done")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let log = String::from_utf8(scene.server.log(&id)?)?;
    let expected: String = numbered(200, |i| format!("out {i}\nerr {i}\n"));
    ensure!(log.ends_with(&expected), "{log}");
    Ok(())
}
