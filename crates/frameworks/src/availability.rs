//! Can a release be had on this machine, and if not, what would change that?

use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::interpreters::Interpreters;
use crate::release::Release;

/// Whether a release can be had on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// Its environment is there.
    Ready,
    /// Its environment can be built.
    Buildable,
    /// It cannot be had.
    Unavailable {
        /// What is missing, as half a sentence.
        why: String,
        /// What to do about it.
        remedy: String,
    },
}

impl Availability {
    /// Looks for a fitting machine and interpreter; knows nothing of built environments.
    pub(crate) fn of(release: &Release, interpreters: &Interpreters) -> Self {
        let platform = platform();
        if !release.platforms.is_empty() && !release.platforms.contains(&platform) {
            return Self::Unavailable {
                why: format!(
                    "it runs on {}, and this machine is {platform}",
                    release.platforms.join(", ")
                ),
                remedy: "run it on such a machine".to_owned(),
            };
        }
        if interpreters.find_first(&release.python).is_some() {
            return Self::Buildable;
        }
        let mut found: Vec<String> =
            interpreters.installed().into_iter().map(|one| one.minor).collect();
        found.dedup();
        let wanted = release.python.join(" or ");
        Self::Unavailable {
            why: if found.is_empty() {
                format!("it needs a CPython {wanted}; found none at all")
            } else {
                format!("it needs a CPython {wanted}; found {}", found.join(", "))
            },
            remedy: remedy(&release.python),
        }
    }

    /// The complaint about a definition that names a release which cannot be had.
    pub fn complaint(&self, release: &Release) -> Option<Diagnostic> {
        match self {
            Self::Ready | Self::Buildable => None,
            Self::Unavailable { why, remedy } => Some(
                Diagnostic::error(
                    Code::FrameworkUnavailable,
                    format!("{release} cannot be had on this machine: {why}"),
                )
                .at("model_definition.framework.version")
                .help(remedy.clone()),
            ),
        }
    }
}

/// The machine's kind, as catalogue files name it: `linux-x86_64`.
pub(crate) fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// How a CPython comes onto a machine. uv offers builds of 3.8 and newer.
fn remedy(python: &[String]) -> String {
    let first = python.first().map_or("3", String::as_str);
    let minor: u8 = first.strip_prefix("3.").and_then(|minor| minor.parse().ok()).unwrap_or(0);
    let ways = if minor >= 8 {
        format!("`uv python install {first}` or `pyenv install {first}`")
    } else {
        format!("`pyenv install {first}`")
    };
    format!("install one, for example with {ways}; the service finds it without a restart")
}
