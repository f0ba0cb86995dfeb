//! The official Python client of the service of 2017 to 2021, unmodified: installed from its
//! registry, led through its whole workflow by scripts, each step told for a test to judge.
//!
//! The client is proprietary: it is a tool of the tests, and nothing of it is part of this
//! project. What a step means stands in the scripts; what has to come of it, in the stories.

mod telling;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::tools;

pub use telling::{Judge, Step, Telling};

/// The program that its runs train with: its file's name, and its text.
pub const PROGRAM: (&str, &str) = ("train.py", include_str!("official_client/train.py"));

const SCRIPTS: [(&str, &str); 6] = [
    ("steps.py", include_str!("official_client/steps.py")),
    ("modern.py", include_str!("official_client/modern.py")),
    ("modern_training.py", include_str!("official_client/modern_training.py")),
    ("modern_models.py", include_str!("official_client/modern_models.py")),
    ("modern_experiments.py", include_str!("official_client/modern_experiments.py")),
    ("seed_era.py", include_str!("official_client/seed_era.py")),
];

/// The pip that the client of 2017 asks for what is installed.
const OLD_PIP: &str = "pip==9.0.3";

/// A generation of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// 0.3.113 of December 2017, the nearest to the page of November 2017.
    Of2017,
    /// 1.0.260 of July 2018: the last that asks the service for the logs of finished runs.
    Of2018,
    /// 1.0.391 of March 2021, the last of all: reads them from the object store.
    Last,
}

impl Generation {
    /// The version on the registry.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Of2017 => "0.3.113",
            Self::Of2018 => "1.0.260",
            Self::Last => "1.0.391",
        }
    }

    /// The Python that it runs on.
    #[must_use]
    pub fn python(self) -> &'static str {
        match self {
            Self::Of2017 => "3.6",
            Self::Of2018 | Self::Last => "3.11",
        }
    }

    /// The client and all that it needs, each at the version that the tests were written with.
    fn packages(self) -> Vec<&'static str> {
        let list = match self {
            Self::Of2017 => include_str!("official_client/of_2017.txt"),
            Self::Of2018 => include_str!("official_client/of_2018.txt"),
            Self::Last => include_str!("official_client/last.txt"),
        };
        list.lines().filter(|line| !line.is_empty()).collect()
    }

    fn script(self) -> &'static str {
        match self {
            Self::Of2017 => "seed_era.py",
            Self::Of2018 | Self::Last => "modern.py",
        }
    }

    /// The Python that has the client; made once for the machine. None where there is no
    /// interpreter of its version.
    ///
    /// # Errors
    /// When a package cannot be had.
    pub fn installed(self) -> Result<Option<PathBuf>> {
        let Some(python) = tools::cpython(self.python()) else { return Ok(None) };
        let packages = self.packages();
        let bin = tools::python_tools_with(&python, &packages, |bin| {
            let pip = |words: &[&str]| {
                let mut pip = Command::new(bin.join("python"));
                pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
                tools::run(pip.args(words))
            };
            // The lists are whole; what the old client's package says it needs no longer fits.
            pip(&[&["--no-deps"], packages.as_slice()].concat())?;
            if self == Self::Of2017 { pip(&[OLD_PIP]) } else { Ok(()) }
        })?;
        Ok(Some(bin.join("python")))
    }

    /// Leads the client through its workflow: `settings` is what the scripts are told, `desk`
    /// a folder for what it reads and writes. Steps that fail are told, and the rest goes on.
    ///
    /// # Errors
    /// When the scripts themselves cannot be run to their end.
    pub fn workflow(self, python: &Path, settings: &Value, desk: &Path) -> Result<Telling> {
        for (name, text) in SCRIPTS.iter().chain([&PROGRAM]) {
            fs::write(desk.join(name), text)?;
        }
        let file = desk.join("settings.json");
        fs::write(&file, settings.to_string())?;
        let mut command = Command::new(python);
        // Nothing of this machine's user decides how it works; proxies least of all.
        command
            .arg(desk.join(self.script()))
            .arg(&file)
            .current_dir(desk)
            .env_clear()
            .env("HOME", desk)
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("the client's script")?;
        let stdout = child.stdout.take().context("stdout was asked for")?;
        let stderr = child.stderr.take().context("stderr was asked for")?;
        let words = thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
        let steps = Telling::read(stdout);
        if steps.is_err() {
            drop(child.kill());
        }
        let status = child.wait()?;
        let words = words.join().unwrap_or_default();
        let telling = steps.with_context(|| words.clone())?.ended(self.version(), &words);
        anyhow::ensure!(status.success(), "the client's script ended with {status}: {words}");
        Ok(telling)
    }
}
