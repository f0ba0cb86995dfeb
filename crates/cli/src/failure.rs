//! Why a command failed: its words on stderr and its exit code.

use crate::words::Grow;
use std::error::Error;
use std::io;
use std::path::PathBuf;

use trainyard_client::ClientError;
use trainyard_definition::zip::PackError;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::draw::{self, Source};
use crate::exit::{self, Exit};

/// What ends a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to write instead.
        help: String,
    },
    /// A file could not be used.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// `read`, `write`, …
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A directory could not be packed.
    #[error("cannot pack {}", directory.display())]
    Pack {
        /// Which.
        directory: PathBuf,
        /// Why not.
        #[source]
        error: PackError,
    },
    /// The server refused, could not be reached or made no sense.
    #[error("the server did not do it")]
    Client {
        /// What came of it.
        #[source]
        error: ClientError,
        /// What complaints point into.
        source_text: Option<Source>,
    },
    /// No server runs, and this command starts none.
    #[error("no server runs in {}", home.display())]
    NoServer {
        /// Where one was looked for.
        home: PathBuf,
    },
    /// A server could not be started in the background.
    #[error("a server could not be started in the background: {why}")]
    NotStarted {
        /// What is known.
        why: String,
        /// The last lines that it wrote.
        log: Vec<String>,
    },
    /// A server was told to end and has not.
    #[error("the server (pid {pid}) has not ended after {seconds} s")]
    StillThere {
        /// Its process.
        pid: u32,
        /// How long was waited.
        seconds: u64,
    },
    /// No run is meant by this.
    #[error("no run is called '{selector}'")]
    UnknownRun {
        /// What was given.
        selector: String,
    },
    /// Several runs are meant by this.
    #[error("'{selector}' could be {}", candidates.join(" or "))]
    Ambiguous {
        /// What was given.
        selector: String,
        /// Some of the runs that it names.
        candidates: Vec<String>,
    },
    /// A file that the user wrote is not what it should be.
    #[error("{} cannot be taken as it is", source_text.name)]
    Manifest {
        /// Everything that is wrong with it.
        complaints: Vec<Diagnostic>,
        /// What they point into.
        source_text: Source,
    },
    /// Something went wrong that has a code.
    #[error("{}", .0.message)]
    Other(Box<Diagnostic>, Exit),
    /// stdout is gone or full.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The command line makes no sense; `help` says what would.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    /// A complaint that is not about the user's text.
    pub(crate) fn other(diagnostic: Diagnostic, exit: Exit) -> Self {
        Self::Other(Box::new(diagnostic), exit)
    }

    /// Tells what complaints of the server point into.
    #[must_use]
    pub(crate) fn about(self, source: Source) -> Self {
        match self {
            Self::Client { error, .. } => Self::Client { error, source_text: Some(source) },
            other => other,
        }
    }

    /// Has the reader of our output gone away? That is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Ambiguous { .. } => Exit::USAGE,
            Self::File { doing: "read" | "find", .. } => Exit::NO_INPUT,
            Self::File { .. } | Self::StillThere { .. } | Self::Output(_) => Exit::FAILED,
            Self::Pack { .. } | Self::Manifest { .. } => Exit::INVALID,
            Self::Client { error, .. } => of_client(error),
            Self::NoServer { .. } | Self::NotStarted { .. } => Exit::UNREACHABLE,
            Self::UnknownRun { .. } => Exit::NOT_FOUND,
            Self::Other(_, exit) => *exit,
        }
    }

    /// Everything that is to be said about it, painted.
    pub(crate) fn draw(&self, width: usize) -> String {
        match self {
            Self::Usage { help, .. } => said(&self.to_string(), help),
            Self::File { source, .. } | Self::Output(source) => {
                draw::labeled("error", draw::ERROR, &format!("{self}: {}", io_words(source)))
            }
            Self::Pack { error, .. } => draw::complaints(&error.diagnostics(), None, width),
            Self::Client { error, source_text } => {
                draw::complaints(&of_error(error), source_text.as_ref(), width)
            }
            Self::Manifest { complaints, source_text } => {
                draw::complaints(complaints, Some(source_text), width)
            }
            Self::StillThere { pid, .. } => said(
                &self.to_string(),
                &format!("its server.log says more; `kill -9 {pid}` loses nothing"),
            ),
            Self::NoServer { .. } => said(&self.to_string(), "`trainyard serve` starts one"),
            Self::NotStarted { log, .. } => {
                let mut text = draw::labeled("error", draw::ERROR, &self.to_string());
                for line in log {
                    text.add(format_args!("  | {}\n", crate::words::printable(line)));
                }
                let help = "`trainyard serve` starts one in the foreground; `trainyard doctor` looks at this machine";
                text + &draw::labeled("help", draw::HELP, help)
            }
            Self::UnknownRun { .. } => complaint(
                Code::UnknownRun,
                self.to_string(),
                "`trainyard runs` lists them; a run is meant by its id, the beginning of what follows `training-` in it, or `last`",
                width,
            ),
            Self::Ambiguous { .. } => said(&self.to_string(), "write more of the id"),
            Self::Other(diagnostic, _) => {
                draw::complaints(std::slice::from_ref(diagnostic), None, width)
            }
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client { error, source_text: None }
    }
}

fn said(message: &str, help: &str) -> String {
    draw::labeled("error", draw::ERROR, message) + &draw::labeled("help", draw::HELP, help)
}

fn complaint(code: Code, message: String, help: &str, width: usize) -> String {
    draw::complaints(&[Diagnostic::error(code, message).help(help)], None, width)
}

fn of_client(error: &ClientError) -> Exit {
    match error {
        ClientError::BadUrl { .. } | ClientError::BadToken => Exit::USAGE,
        ClientError::Setup(_) => Exit::FAILED,
        ClientError::Unreachable { .. } | ClientError::Silent { .. } => Exit::UNREACHABLE,
        ClientError::Api { .. } | ClientError::Gone { .. } | ClientError::Protocol { .. } => {
            error.status().map_or(Exit::SERVER_FAILED, exit::of_http_status)
        }
    }
}

const UNREACHABLE: &str = "check that the server runs and that its address is right; \
    `trainyard serve --status` tells about the one on this machine";

fn of_error(error: &ClientError) -> Vec<Diagnostic> {
    let one = |code: Code, help: &str| vec![Diagnostic::error(code, chain(error)).help(help)];
    match error {
        ClientError::Api { body, .. } | ClientError::Gone { body } if !body.errors.is_empty() => {
            body.errors.iter().cloned().map(Diagnostic::from).collect()
        }
        ClientError::BadUrl { .. } => {
            one(Code::BadRequest, "check --server, TRAINYARD_SERVER or ML_ENV")
        }
        ClientError::BadToken => {
            one(Code::Unauthorized, "check TRAINYARD_TOKEN: a line end may have got into it")
        }
        // Of the layers of the network only the lowest knows anything.
        ClientError::Unreachable { source, .. } => {
            let message = format!("{error}: {}", system_words(&deepest(source).to_string()));
            vec![Diagnostic::error(Code::ServerUnreachable, message).help(UNREACHABLE)]
        }
        ClientError::Setup(_) | ClientError::Silent { .. } => {
            one(Code::ServerUnreachable, UNREACHABLE)
        }
        ClientError::Api { .. } | ClientError::Gone { .. } | ClientError::Protocol { .. } => {
            one(Code::Internal, "is that address a Trainyard server? If it is, its log says more")
        }
    }
}

/// An error with everything behind it: `a: b: c`. What repeats its cause is said once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

/// The error behind all others.
fn deepest<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last
}

fn io_words(error: &io::Error) -> String {
    system_words(&error.to_string())
}

/// The system's words without `(os error N)`, which helps nobody.
fn system_words(words: &str) -> String {
    let plain = words.split(" (os error").next().unwrap_or(words);
    let mut letters = plain.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().collect::<String>() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(failure: &Failure) -> String {
        anstream::adapter::strip_str(&failure.draw(80)).to_string()
    }

    #[test]
    fn a_server_that_is_not_there_is_said_in_one_line() {
        // Bound and given back: nobody listens there now.
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let url = format!("http://{}", free.expect("a free port"));
        let failure =
            crate::asking(async { Ok(trainyard_client::Client::anonymous(&url)?.health().await?) })
                .expect_err("nobody is there");
        assert_eq!(failure.exit(), Exit::UNREACHABLE);
        let text = drawn(&failure);
        let first = format!("error: no answer from {url}/health: connection refused\n");
        assert!(text.starts_with(&first), "{text}");
    }

    #[test]
    fn every_failure_says_what_to_do_next() {
        let failures = [
            Failure::NoServer { home: "/home".into() },
            Failure::NotStarted { why: "it ended".to_owned(), log: vec!["last".to_owned()] },
            Failure::UnknownRun { selector: "x".to_owned() },
            Failure::Ambiguous { selector: "x".to_owned(), candidates: vec!["a".to_owned()] },
            Failure::StillThere { pid: 7, seconds: 30 },
            Failure::from(ClientError::BadToken),
        ];
        for failure in failures {
            let text = drawn(&failure);
            assert!(text.starts_with("error: ") && text.contains("help: "), "{text}");
            assert_ne!(failure.exit(), Exit::OK);
        }
    }
}
