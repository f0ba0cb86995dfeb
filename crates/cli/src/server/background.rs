//! Starts a server in the background: a process of its own session whose
//! output goes to `server.log`, and waits until it answers.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use trainyard_api::service::RuntimeFile;
use trainyard_client::Client;

use super::local::{is_locked, runtime};
use crate::failure::Failure;
use crate::places::Places;
use crate::screen::Screen;

/// How long a server may take until it answers.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often is looked whether it does.
const LOOK: Duration = Duration::from_millis(5);
/// How many lines of a server that did not start are shown.
const LOG_LINES: usize = 12;

/// Starts a server, says so, and gives its runtime file once it answers.
/// `options` are further words for `trainyard serve`.
///
/// Two commands may do this at the same moment: the lock of the data directory
/// lets one server live, and both commands find that one.
pub(crate) async fn start(
    screen: &Screen,
    places: &Places,
    options: &[String],
) -> Result<RuntimeFile, Failure> {
    let log_start = std::fs::metadata(places.server_log()).map_or(0, |it| it.len());
    let mut child = spawn(places, options)?;
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(file) = answering(places).await {
            say(screen, places, &file, child.id());
            return Ok(file);
        }
        let ended = child.try_wait().ok().flatten();
        if let Some(status) = ended
            && !is_locked(places)
        {
            return Err(not_started(places, log_start, format!("it ended at once ({status})")));
        }
        if Instant::now() >= deadline {
            let why = format!("it does not answer after {} s", DEADLINE.as_secs());
            return Err(not_started(places, log_start, why));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The runtime file of a server that answers.
async fn answering(places: &Places) -> Option<RuntimeFile> {
    let file = runtime(places)?;
    let client = Client::anonymous(&file.url).ok()?;
    client.health().await.ok()?;
    Some(file)
}

fn spawn(places: &Places, options: &[String]) -> Result<Child, Failure> {
    let failed = |doing, path: &std::path::Path| {
        let path = path.to_owned();
        move |source| Failure::File { doing, path, source }
    };
    let home = &places.home;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .map_err(failed("make the directory", home))?;
    let path = places.server_log();
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed("write", &path))?;
    let log_too = log.try_clone().map_err(failed("write", &path))?;
    let program =
        std::env::current_exe().map_err(failed("find the program", "trainyard".as_ref()))?;
    Command::new(&program)
        .arg("serve")
        .arg("--home")
        .arg(home)
        .arg("--detached")
        .args(options)
        .env("TRAINYARD_HOME", home)
        .env("TRAINYARD_CACHE", &places.cache)
        // Where the user stands may be unmounted or removed while the server lives.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .map_err(failed("start", &program))
}

fn say(screen: &Screen, places: &Places, file: &RuntimeFile, child: u32) {
    // Somebody else's was quicker: then they say so.
    if file.pid == child {
        screen.talk(&format!(
            "started a server in the background (pid {}, home {}); stop it with `trainyard serve --stop`",
            file.pid,
            places.home.display(),
        ));
    }
}

fn not_started(places: &Places, from: u64, why: String) -> Failure {
    Failure::NotStarted { why, log: tail(places, from).unwrap_or_default() }
}

/// The last lines that were written after byte `from`.
fn tail(places: &Places, from: u64) -> std::io::Result<Vec<String>> {
    let mut file = File::open(places.server_log())?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(16 << 10)).min(length)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    Ok(lines[lines.len().saturating_sub(LOG_LINES)..].to_vec())
}
