//! What a machine has that releases are made from: interpreters, tools, a GPU's driver.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::gpu::Driver;
use crate::interpreters::{Interpreter, Interpreters};
use crate::programs::Programs;
use crate::provider::{Installed, Provider};
use crate::release::{Check, Release};

/// The tool that makes root file systems.
const MMDEBSTRAP: &str = "mmdebstrap";

/// A machine, as far as frameworks are concerned. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Machine {
    interpreters: Interpreters,
    driver: Option<Driver>,
    /// Why no program can be given a root file system of its own, if it cannot.
    no_roots: Option<String>,
    /// Where programs are looked for.
    folders: Vec<PathBuf>,
    programs: Programs,
    home: PathBuf,
}

/// What of a machine a release's environment is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// This CPython.
    Python(Interpreter),
    /// This mmdebstrap.
    Rootfs(PathBuf),
    /// This program.
    System(PathBuf),
}

impl Base {
    /// The CPython, if it is one.
    pub(crate) fn python(&self) -> Option<&Interpreter> {
        match self {
            Self::Python(interpreter) => Some(interpreter),
            Self::Rootfs(_) | Self::System(_) => None,
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python(interpreter) => write!(f, "CPython {}", interpreter.version),
            Self::Rootfs(program) | Self::System(program) => write!(f, "{}", program.display()),
        }
    }
}

/// Why a release cannot be had, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lack {
    pub(crate) why: String,
    pub(crate) remedy: String,
}

impl Machine {
    /// This one, with its interpreters and programs as they are at every question. Of GPUs
    /// and of what the kernel allows it knows what it is [told](Self::with_driver).
    pub fn this() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> =
            std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
        for usual in ["/usr/local/bin", "/usr/bin", "/bin"] {
            if !folders.iter().any(|folder| folder == Path::new(usual)) {
                folders.push(PathBuf::from(usual));
            }
        }
        Self {
            interpreters: Interpreters::of_this_machine().clone(),
            driver: None,
            no_roots: None,
            folders,
            programs: Programs::default(),
            home: std::env::home_dir().unwrap_or_default(),
        }
    }

    /// The same with other interpreters.
    #[must_use]
    pub fn with_interpreters(self, interpreters: Interpreters) -> Self {
        Self { interpreters, ..self }
    }

    /// The same with a GPU and its driver, or with none.
    #[must_use]
    pub fn with_driver(self, driver: Option<Driver>) -> Self {
        Self { driver, ..self }
    }

    /// The same, where programs cannot be given another root file system, for this reason.
    #[must_use]
    pub fn without_roots(self, why: Option<String>) -> Self {
        Self { no_roots: why, ..self }
    }

    /// The same with programs in these folders alone.
    #[must_use]
    pub fn with_programs_in(self, folders: Vec<PathBuf>) -> Self {
        Self { folders, ..self }
    }

    /// Its interpreters.
    pub fn interpreters(&self) -> &Interpreters {
        &self.interpreters
    }

    /// The driver of its GPUs, if it has any.
    pub fn driver(&self) -> Option<&Driver> {
        self.driver.as_ref()
    }

    /// What the release's environment would be made with here. May start interpreters and
    /// programs that were not seen before, for some tens of milliseconds each.
    pub(crate) fn base_of(&self, release: &Release) -> Result<Base, Lack> {
        let platform = platform();
        if !release.platforms.is_empty() && !release.platforms.contains(&platform) {
            return Err(Lack {
                why: format!(
                    "it runs on {}, and this machine is {platform}",
                    release.platforms.join(", ")
                ),
                remedy: "run it on such a machine".to_owned(),
            });
        }
        if let (Some(cuda), Some(driver)) = (release.cuda, &self.driver)
            && !driver.serves(cuda)
        {
            return Err(Lack {
                why: format!(
                    "its build carries CUDA {cuda}, and the driver {} of this machine's GPU serves \
                     CUDA {} at most",
                    driver.version, driver.cuda
                ),
                remedy: format!("install a driver that serves CUDA {}", cuda.major),
            });
        }
        match &release.provider {
            Provider::Python(packages) => self
                .interpreters
                .find_first(&packages.python)
                .map(Base::Python)
                .ok_or_else(|| self.no_python(&packages.python)),
            Provider::Rootfs(_) => self.mmdebstrap(),
            Provider::System(installed) => self.program(installed, &release.check),
            Provider::Image => Err(Lack {
                why: "there is only a container image of it, which this engine cannot start"
                    .to_owned(),
                remedy: "run it on a cluster that starts containers".to_owned(),
            }),
        }
    }

    fn no_python(&self, wanted: &[String]) -> Lack {
        let mut found: Vec<String> =
            self.interpreters.installed().into_iter().map(|one| one.minor).collect();
        found.dedup();
        let list = wanted.join(" or ");
        Lack {
            why: if found.is_empty() {
                format!("it needs a CPython {list}; found none at all")
            } else {
                format!("it needs a CPython {list}; found {}", found.join(", "))
            },
            remedy: how_to_get(wanted),
        }
    }

    fn mmdebstrap(&self) -> Result<Base, Lack> {
        if let Some(why) = &self.no_roots {
            return Err(Lack {
                why: format!("it needs a root file system of its own, and {why}"),
                remedy: "run the service as root, or where users may make namespaces".to_owned(),
            });
        }
        let missing = |what: &str, package: &str| Lack {
            why: format!("its root file system is made by {what}, which is not installed"),
            remedy: format!("`apt-get install {package}`; the service finds it without a restart"),
        };
        if !geteuid().is_root() && self.find("newuidmap").is_none() {
            return Err(missing("ordinary users with newuidmap", "uidmap"));
        }
        let found = self.find(MMDEBSTRAP).map(Base::Rootfs);
        found.ok_or_else(|| missing(MMDEBSTRAP, MMDEBSTRAP))
    }

    fn program(&self, installed: &Installed, check: &Check) -> Result<Base, Lack> {
        let own = installed.folders.iter().map(|folder| match folder.strip_prefix("~") {
            Ok(below) => self.home.join(below),
            Err(_) => folder.clone(),
        });
        let found = own.map(|folder| folder.join(&installed.program)).find(|file| is_program(file));
        let lack = |why| Lack { why, remedy: installed.remedy.clone() };
        let found = found
            .or_else(|| self.find(&installed.program))
            .ok_or_else(|| lack(format!("the program '{}' is not installed", installed.program)))?;
        match self.programs.is_the_one(&found, installed, check) {
            Ok(()) => Ok(Base::System(found)),
            Err(why) => Err(lack(format!("{} is another one: {why}", found.display()))),
        }
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(program)).find(|file| is_program(file))
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// The machine's kind, as catalogue files name it: `linux-x86_64`.
pub(crate) fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// How a CPython comes onto a machine. uv offers builds of 3.8 and newer.
fn how_to_get(python: &[String]) -> String {
    let first = python.first().map_or("3", String::as_str);
    let minor: u8 = first.strip_prefix("3.").and_then(|minor| minor.parse().ok()).unwrap_or(0);
    let ways = if minor >= 8 {
        format!("`uv python install {first}` or `pyenv install {first}`")
    } else {
        format!("`pyenv install {first}`")
    };
    format!("install one, for example with {ways}; the service finds it without a restart")
}
