//! An attempt with everything that it needs: a folder, a store, a server, and
//! the learner as a real process.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use trainyard_api::learner::{Assignment, EnvironmentView, ReportKind, StagingView};
use trainyard_learner::Ticket;
use trainyard_learner::processes::{Process, all};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::definition::{
    AsWritten, FrameworkRef, StoreKind, StoreRef, TrainingDefinition,
};
use trainyard_model::event::Verdict;
use trainyard_model::ids::{AttemptId, Digest};
use trainyard_model::retry::Past;
use trainyard_model::secret::ExposedSecrets;
use trainyard_model::size::Size;
use trainyard_model::state::Phase;
use trainyard_model::terms::Terms;
use trainyard_testkit::wait::eventually;

use crate::server::{Server, TOKEN};

pub(crate) const RUN: &str = "training-DOl4q2LkR";

/// Planted in the learner's environment; may never reach the program.
pub(crate) const PLANTED: &str = "planted-in-the-service";

pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What differs from one test to the next.
pub(crate) struct Setup {
    pub(crate) command: String,
    pub(crate) files: Vec<(&'static str, &'static str)>,
    pub(crate) data: Vec<(&'static str, &'static str)>,
    pub(crate) allowance: u64,
    pub(crate) terms: Terms,
    /// The attempts before this one.
    pub(crate) past: Past,
    pub(crate) results: &'static str,
    pub(crate) staging: StagingView,
    /// The framework's own root file system.
    pub(crate) rootfs: Option<PathBuf>,
}

impl Setup {
    pub(crate) fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            files: vec![("train.sh", "echo trained\n")],
            data: Vec::new(),
            allowance: 10 << 30,
            terms: Terms { grace_ms: Some(5000), ..Terms::default() },
            past: Past::default(),
            results: "results",
            staging: StagingView::default(),
            rootfs: None,
        }
    }

    pub(crate) fn start(self) -> Attempt {
        let mut attempt = self.prepare();
        attempt.start_learner();
        attempt
    }

    pub(crate) fn prepare(self) -> Attempt {
        let folder = TempDir::new().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for made in ["attempt", "home", "store", "store/results", "store/data"] {
            fs::create_dir(path(made)).expect("made");
        }
        for (name, content) in &self.data {
            fs::write(path("store/data").join(name), content).expect("written");
        }
        let store = |container: &str| {
            let root = path("store").display().to_string();
            StoreRef::new(StoreKind::Directory, "directory", root, container)
        };
        let attempt = AttemptId { run: RUN.parse().expect("an id"), attempt: self.past.next() };
        let zip = trainyard_testkit::zip::of(&self.files);
        let assignment = Assignment {
            attempt: attempt.clone(),
            definition: TrainingDefinition {
                name: "my job".to_owned(),
                description: None,
                author: None,
                framework: FrameworkRef { name: "none".to_owned(), version: "1".to_owned() },
                command: self.command,
                size: Size::Small,
                data: (!self.data.is_empty()).then(|| store("data")),
                data_version: None,
                evaluation_metrics: None,
                results: store(self.results),
                terms: self.terms,
                as_written: AsWritten::default(),
                trial: None,
            },
            secrets: ExposedSecrets::default(),
            code: digest(&zip),
            environment: EnvironmentView {
                lock_hash: String::new(),
                hold: None,
                rootfs: self.rootfs,
                variables: vec![("PATH".to_owned(), "/opt/env/bin:/usr/bin:/bin".to_owned())],
            },
            slots: vec![0],
            gpus: Vec::new(),
            past: self.past,
            disk_allowance: self.allowance,
            guard: serde_json::json!({"any_directory": true, "allow_loopback": true}),
            transfers: serde_json::Value::Null,
            staging: self.staging,
        };
        let server = Server::start(&path("home"), assignment, zip);
        let ticket = Ticket {
            attempt,
            token: TOKEN.to_owned(),
            // Only the runtime file tells where the server is.
            url: "http://127.0.0.1:9".to_owned(),
            runtime_file: server.runtime_file(),
        };
        ticket.write(&path("attempt")).expect("written");
        Attempt { folder, server, learner: None }
    }
}

pub(crate) fn digest(zip: &[u8]) -> Digest {
    use std::fmt::Write as _;

    use sha2::Digest as _;

    let mut text = String::new();
    for byte in sha2::Sha256::digest(zip) {
        write!(text, "{byte:02x}").expect("a String takes all writes");
    }
    Digest(text)
}

pub(crate) struct Attempt {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
    pub(crate) learner: Option<Child>,
}

/// What came of it.
pub(crate) struct End {
    pub(crate) verdict: Verdict,
    pub(crate) stored: bool,
    pub(crate) log: Vec<u8>,
}

impl End {
    pub(crate) fn cause(&self) -> &Cause {
        match &self.verdict {
            Verdict::Failed { cause } => cause,
            other => panic!("expected a failure, got {other:?}"),
        }
    }

    pub(crate) fn kind(&self) -> &CauseKind {
        &self.cause().kind
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.log).into_owned()
    }

    /// The log without the block that it begins with.
    pub(crate) fn printed(&self) -> &[u8] {
        let lines = self.log.split_inclusive(|byte| *byte == b'\n').take(7);
        &self.log[lines.map(<[u8]>::len).sum::<usize>()..]
    }
}

impl Attempt {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file in the results' container, under the run's folder.
    pub(crate) fn stored(&self, name: &str) -> PathBuf {
        self.path("store/results").join(RUN).join(name)
    }

    pub(crate) fn start_learner(&mut self) -> u32 {
        let learner = self.spawn_learner();
        let pid = learner.id();
        self.learner = Some(learner);
        pid
    }

    pub(crate) fn spawn_learner(&self) -> Child {
        let tests = std::env::current_exe().expect("this program");
        let folder = tests.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
        let log = File::options().create(true).append(true).open(self.path("attempt/learner.log"));
        Command::new(folder.join("examples/learner_alone"))
            .args(["learner", "--attempt-dir"])
            .arg(self.path("attempt"))
            .env("A_SECRET", PLANTED)
            .env("RUST_LOG", "debug,hyper=info,reqwest=info")
            .stdin(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("the example is built with the tests")
    }

    /// Waits for the learner's last word and its end.
    pub(crate) fn end(&mut self) -> End {
        self.end_within(LIMIT)
    }

    pub(crate) fn end_within(&mut self, limit: Duration) -> End {
        let status = self.exit(limit);
        assert!(status.success(), "{status}: {}", self.learner_log());
        let (verdict, stored, log_bytes) = self.server.finished().expect("a last word");
        assert_eq!(log_bytes, self.server.memory().log_bytes);
        assert_eq!(self.processes(), [], "nothing runs any more");
        End { verdict, stored, log: self.server.log() }
    }

    /// Waits for the learner's end.
    pub(crate) fn exit(&mut self, limit: Duration) -> ExitStatus {
        let learner = self.learner.as_mut().expect("it was started");
        let exited = eventually("the learner's end", limit, || learner.try_wait().expect("ours"));
        exited.unwrap_or_else(|error| panic!("{error}\n{}", self.learner_log()))
    }

    pub(crate) fn kill_learner(&mut self) {
        let mut learner = self.learner.take().expect("it was started");
        learner.kill().expect("ours");
        assert_eq!(learner.wait().expect("ours").signal(), Some(9));
    }

    pub(crate) fn learner_log(&self) -> String {
        fs::read_to_string(self.path("attempt/learner.log")).unwrap_or_default()
    }

    /// Waits until the learner has entered a room.
    pub(crate) fn until_phase(&self, wanted: Phase) {
        let came = eventually(&format!("{wanted:?}"), LIMIT, || {
            let memory = self.server.memory();
            let mut reports = memory.reports.iter();
            reports
                .any(|report| matches!(report.what, ReportKind::Phase { phase } if phase == wanted))
                .then_some(())
        });
        came.unwrap_or_else(|error| panic!("{error}\n{}", self.learner_log()));
    }

    /// Waits until `text` has been printed and delivered.
    pub(crate) fn until_log(&self, text: &str) {
        let came = eventually(&format!("`{text}` in the log"), LIMIT, || {
            let log = self.server.log();
            let log = String::from_utf8_lossy(&log);
            // What the program printed, not the header: that names the command, and with it
            // what the command is about to print.
            let (_, below) = log.split_once("\n  RESULT_DIR: ")?;
            let (_, printed) = below.split_once('\n')?;
            printed.contains(text).then_some(())
        });
        came.unwrap_or_else(|error| panic!("{error}\n{}", self.learner_log()));
    }

    pub(crate) fn notes(&self, wanted: &str) -> Vec<String> {
        let memory = self.server.memory();
        let notes = memory.reports.iter().filter_map(|report| match &report.what {
            ReportKind::Note { kind, message } if kind == wanted => Some(message.clone()),
            _ => None,
        });
        notes.collect()
    }

    /// The living processes of the attempt's program, known by their environment.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let mark = format!("RESULT_DIR={}", self.path("attempt/results").display());
        let has_mark = |process: &Process| {
            let environment =
                fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
        };
        all().into_iter().filter(|process| !process.dead && has_mark(process)).collect()
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(learner) = self.learner.as_mut() {
            let _ = learner.kill();
            let _ = learner.wait();
        }
        for process in self.processes() {
            let _ = process.signal(rustix::process::Signal::KILL);
        }
    }
}
