//! Thousands watch one run: each is told every line, and the server bears it.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;

use crate::harness::{Scene, Told};

/// How many watch.
const WATCHERS: usize = 2000;

/// How many lines the program prints once all of them do.
const LINES: usize = 400;

/// What a watcher needs is little: a frame at a time.
const STACK: usize = 128 << 10;

const PATIENCE: Duration = Duration::from_mins(3);

/// One WebSocket, from its handshake on.
struct Monitor(BufReader<TcpStream>);

impl Monitor {
    fn open(authority: &str, token: &str, path: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(authority)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // The headers of the official client's library, with a key that is no secret.
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: bearer {token}\r\n\r\n"
        )?;
        let mut reader = BufReader::with_capacity(4 << 10, stream);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            reader.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let head = String::from_utf8_lossy(&head);
        ensure!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Ok(Self(reader))
    }

    /// The next frame of text, or the code with which the server closed.
    fn next(&mut self) -> Result<std::result::Result<String, u16>> {
        loop {
            let [first, second] = self.take::<2>()?;
            let length = match second {
                126 => u64::from(u16::from_be_bytes(self.take()?)),
                127 => u64::from_be_bytes(self.take()?),
                short => u64::from(short),
            };
            let mut payload = vec![0; usize::try_from(length)?];
            self.0.read_exact(&mut payload)?;
            match first {
                // Whole and text.
                0x81 => return Ok(Ok(String::from_utf8(payload)?)),
                0x88 => {
                    let code = payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                    return Ok(Err(code));
                }
                // The server asks whether somebody is there; whoever reads is.
                0x89 => {}
                other => bail!("a frame of kind {other:#x}"),
            }
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads to the end: which of the program's lines came, in order, and the closing code.
    fn all_lines(
        mut self,
        id: &str,
        begun: &mpsc::Sender<Result<()>>,
    ) -> Result<(Vec<usize>, u16)> {
        let prefix = format!("{id}: line ");
        let (mut lines, mut is_first) = (Vec::new(), true);
        loop {
            let text = match self.next()? {
                Ok(text) => text,
                Err(code) => return Ok((lines, code)),
            };
            if std::mem::take(&mut is_first) {
                let _ = begun.send(Ok(()));
            }
            let frame: Value = serde_json::from_str(&text)?;
            let status = frame.get("status").context("every frame has a status")?;
            let message = status["message"].as_str().unwrap_or_default();
            if let Some(number) = message.strip_prefix(&prefix) {
                lines.push(number.parse()?);
            }
        }
    }
}

fn read_status(pid: i32, key: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(key)).context("the kernel tells it")?;
    Ok(line.split_whitespace().nth(1).context("a number")?.parse()?)
}

/// Processor time of a process so far, in hundredths of a second.
fn ticks(pid: i32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("a name")?.split_whitespace().collect();
    let field = |number: usize| -> Result<u64> { Ok(fields.get(number).context("it")?.parse()?) };
    Ok(field(11)? + field(12)?)
}

#[test]
fn two_thousand_watch_one_run_and_each_is_told_every_line() -> Told {
    // Each watcher is a connection, here and there.
    let limit = getrlimit(Resource::Nofile);
    let wanted = 3 * WATCHERS as u64;
    if limit.current.is_some_and(|now| now < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit })
            .context("two thousand connections need `ulimit -n 6000`")?;
    }
    let scene = Scene::start()?;
    let gate = scene.store.path().join("gate");
    let id = scene.run(format!(
        "until [ -e {} ]; do sleep 0.05; done; for i in $(seq 1 {LINES}); do echo line $i; sleep 0.01; done",
        gate.display()
    ))?;
    scene.server.until_running(&id, PATIENCE)?;
    let (authority, token) = scene.server.client().parts();
    let (authority, token) = (authority.to_owned(), token.to_owned());
    let (told, begun) = mpsc::channel();
    let mut watchers = Vec::with_capacity(WATCHERS);
    for _ in 0..WATCHERS {
        let (authority, token, id, told) =
            (authority.clone(), token.clone(), id.clone(), told.clone());
        let watch = move || {
            let path = format!("/v3/models/{id}/monitor");
            let watched = Monitor::open(&authority, &token, &path)
                .and_then(|monitor| monitor.all_lines(&id, &told));
            // Whoever waits for all of them to begin should not wait for this one.
            watched.map_err(|error| drop(told.send(Err(error)))).ok()
        };
        watchers.push(std::thread::Builder::new().stack_size(STACK).spawn(watch)?);
    }
    for _ in 0..WATCHERS {
        begun.recv_timeout(PATIENCE).context("not all of them are served")??;
    }
    let pid = scene.server.pid();
    let (before, began) = (ticks(pid)?, Instant::now());
    std::fs::write(&gate, "")?;
    let expected: Vec<usize> = (1..=LINES).collect();
    for watcher in watchers {
        let Ok(watched) = watcher.join() else { bail!("a watcher panicked") };
        let (lines, code) = watched.context("a watcher was cut off")?;
        ensure!(lines == expected, "{} lines of {LINES}", lines.len());
        ensure!(code == 1000, "closed with {code}");
    }
    let took = began.elapsed();
    let busy = Duration::from_millis(10 * (ticks(pid)? - before));
    let peak = read_status(pid, "VmHWM:")? / 1024;
    say(&format!(
        "{WATCHERS} watchers, {LINES} lines each: {:.1} s, {:.1} s of them on processors, {peak} MiB at most",
        took.as_secs_f64(),
        busy.as_secs_f64()
    ));
    ensure!(peak < 300, "the server took {peak} MiB");
    Ok(())
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs it by hand")]
fn say(what: &str) {
    eprintln!("{what}");
}
