//! The event stream of a run: cut off anywhere, it goes on where it was.

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use serde_json::Value;

use crate::harness::{Cutter, Scene, Told, numbered};

/// One server-sent event.
#[derive(Debug)]
struct Event {
    name: String,
    id: Option<u64>,
    data: Value,
}

/// Reads the next event; comments that keep the connection alive are passed over.
fn next(stream: &mut impl std::io::BufRead) -> Result<Option<Event>> {
    let (mut name, mut id, mut data) = (String::new(), None, String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches('\n');
        match line.split_once(':') {
            _ if line.is_empty() && data.is_empty() => {}
            _ if line.is_empty() => {
                return Ok(Some(Event { name, id, data: serde_json::from_str(&data)? }));
            }
            Some(("event", value)) => value.trim_start().clone_into(&mut name),
            Some(("id", value)) => id = Some(value.trim().parse()?),
            Some(("data", value)) => data += value.trim_start(),
            Some(_) => {}
            None => bail!("not a line of an event stream: {line:?}"),
        }
    }
}

fn bytes(event: &Event) -> Result<Vec<u8>> {
    let data = event.data["data"].as_str().context("log data")?;
    Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
}

#[test]
fn a_follower_that_was_cut_off_gets_every_byte_once() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("for i in $(seq 300); do echo line $i; sleep 0.01; done")?;
    let path = format!("/v3/models/{id}/stream");

    let mut log = Vec::new();
    let mut seen = 0;
    let mut connections = 0;
    let end = 'run: loop {
        connections += 1;
        ensure!(connections < 1000, "the stream never ends");
        let last = seen.to_string();
        let resume = [("Last-Event-ID", last.as_str())];
        let headers = if seen == 0 { &[][..] } else { &resume[..] };
        let mut stream = scene.server.client().stream(&path, headers)?;
        let first = next(&mut stream)?.context("a stream begins with the status")?;
        ensure!(first.name == "status", "{first:?}");
        // Three chunks, then the connection is dropped.
        for _ in 0..3 {
            match next(&mut stream)? {
                Some(event) if event.name == "log" => {
                    ensure!(event.data["offset"] == seen, "{event:?} after {seen}");
                    log.extend_from_slice(&bytes(&event)?);
                    seen = event.id.context("a log event has an id")?;
                    ensure!(seen == log.len() as u64, "{seen} is not {}", log.len());
                }
                Some(event) if event.name == "end" => break 'run event,
                Some(event) => ensure!(event.name == "status", "{event:?}"),
                None => bail!("the stream ended without `end`"),
            }
        }
    };
    ensure!(connections > 2, "the program was too quick to be cut off");
    ensure!(end.data["log_bytes"] == seen && end.data["status"]["state"] == "completed", "{end:?}");
    ensure!(log == scene.server.log(&id)?);
    let expected: String = numbered(300, |i| format!("line {i}\n"));
    ensure!(String::from_utf8(log)?.ends_with(&expected));
    Ok(())
}

#[test]
fn followers_come_and_go_as_they_like() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("echo one; sleep 0.3; echo two")?;
    let followers: Vec<_> = (0..20)
        .map(|_| {
            let mut command = scene.home.command(["logs", "-f", &id]);
            std::thread::spawn(move || trainyard_testkit::home::finish(&mut command))
        })
        .collect();
    for follower in followers {
        let done = follower.join().expect("no panic")?.expect_code(0)?;
        ensure!(done.stdout.ends_with("one\ntwo\n"), "{done:?}");
    }
    Ok(())
}

/// The command line behind a connection that is cut again and again, in the middle of
/// heads, events and characters: what it prints is the log.
#[test]
fn logs_over_a_connection_that_is_cut_at_random_bytes_are_whole() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("for i in $(seq 12000); do echo line $i of a run that is followed; done; sleep 1; echo ä end")?;
    let file = std::fs::read_to_string(scene.home.path().join("server.json"))?;
    let file: Value = serde_json::from_str(&file)?;
    let (url, token) =
        (file["url"].as_str().context("url")?, file["token"].as_str().context("token")?);
    let mut cuts = 0;
    for seed in [3, 1 << 20, 0x5eed_5eed] {
        let cutter = Cutter::start(url, seed, 200_000)?;
        let call = |options: &[&str]| {
            let mut command = scene.home.command(["--server", &cutter.url(), "logs", &id]);
            command.args(options).env("TRAINYARD_TOKEN", token);
            trainyard_testkit::home::finish(&mut command)
        };
        let followed = call(&["-f"]).and_then(|done| done.expect_code(0))?;
        let log = String::from_utf8(scene.server.log(&id)?)?;
        ensure!(followed.stdout == log, "seed {seed}: {} of {}", followed.stdout.len(), log.len());
        let found = call(&["-f", "--grep", "^line [0-9]*7 of"])
            .and_then(|done| done.expect_code(0))
            .context("lines")?;
        let expected: String =
            numbered(1200, |i| format!("line {} of a run that is followed\n", i * 10 - 3));
        ensure!(found.stdout == expected, "seed {seed}: other lines: {}", found.stdout);
        cuts += cutter.cuts();
    }
    ensure!(cuts > 10, "only {cuts} cuts");
    Ok(())
}
