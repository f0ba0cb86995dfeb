//! Stable codes of complaints and causes, each with a page for `trainyard explain`.
//!
//! The hundreds name the room: 01 definition, 02 zip, 03 framework, 04 store,
//! 05 run, 06 service. A code is never reused for another meaning.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// A stable code. Its page is `crates/model/codes/<code>.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is printed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it means, how it comes about and what to do: Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../codes/", $code, ".md")),)+ }
            }
        }
    };
}

codes! {
    /// The text is not JSON or not YAML.
    DefinitionSyntax = "TY0101",
    /// A key that must be there is missing.
    MissingKey = "TY0102",
    /// A key that no dialect knows.
    UnknownKey = "TY0103",
    /// A value of the wrong type, or empty.
    WrongType = "TY0104",
    /// A value that is not among those allowed.
    UnknownValue = "TY0105",
    /// The same key twice in one object.
    DuplicateKey = "TY0106",
    /// A placeholder of the documentation was left in.
    Placeholder = "TY0107",
    /// The text is larger than a definition may be, or nested too deeply.
    DefinitionTooLarge = "TY0108",

    /// The file is not a zip (a tar.gz, say).
    NotAZip = "TY0201",
    /// The zip holds no files.
    EmptyZip = "TY0202",
    /// An entry lies in a folder, which this dialect does not allow.
    NestedEntry = "TY0203",
    /// An entry whose name would leave the directory it is unpacked into.
    UnsafeName = "TY0204",
    /// An entry that is a link, a device or another special file.
    SpecialEntry = "TY0205",
    /// Two entries of one name.
    DuplicateEntry = "TY0206",
    /// An encrypted entry.
    EncryptedEntry = "TY0207",
    /// Entries that overlap, or sizes that do not tell the truth.
    LyingEntry = "TY0208",
    /// More entries, bytes or compression than allowed.
    ZipTooLarge = "TY0209",
    /// A damaged zip: truncated, or a wrong checksum.
    DamagedZip = "TY0210",
    /// Files that were left out on purpose (`__MACOSX`, `.DS_Store`).
    SkippedEntry = "TY0211",
    /// A compression method other than stored and deflated.
    UnsupportedCompression = "TY0212",

    /// A framework that the catalogue does not hold.
    UnknownFramework = "TY0301",
    /// A version that the catalogue does not hold.
    UnknownVersion = "TY0302",
    /// The framework cannot be had on this machine.
    FrameworkUnavailable = "TY0303",
    /// The environment could not be built.
    EnvironmentFailed = "TY0304",
    /// The zip's requirements cannot be taken.
    BadRequirements = "TY0305",
    /// A release close to what was asked for is taken, with another Python or of its line.
    AnotherRelease = "TY0306",

    /// The store does not answer.
    StoreUnreachable = "TY0401",
    /// The store refused the credentials.
    CredentialsRefused = "TY0402",
    /// There is no such container.
    ContainerMissing = "TY0403",
    /// The container holds no objects.
    ContainerEmpty = "TY0404",
    /// The results' container cannot be written.
    ContainerReadOnly = "TY0405",
    /// The endpoint guard does not allow this address.
    EndpointForbidden = "TY0406",
    /// An object's key would leave DATA_DIR.
    UnsafeKey = "TY0407",
    /// The store answered with an error, or with bytes that fail their check.
    StoreFailed = "TY0408",
    /// The endpoint is not a URL, or not of a scheme that is spoken.
    BadEndpoint = "TY0409",

    /// The program ended with a code other than 0.
    ProgramFailed = "TY0501",
    /// The program was ended by a signal.
    ProgramKilled = "TY0502",
    /// The program wrote more than its disk allowance.
    DiskAllowance = "TY0503",
    /// The command could not be found or executed.
    ProgramNotFound = "TY0504",
    /// The process beside the program died.
    LearnerLost = "TY0505",
    /// The process beside the program could not be started.
    LaunchFailed = "TY0506",
    /// A size that can never fit on this server.
    SizeNeverFits = "TY0507",
    /// The machine's disk is full, or staging could not write.
    StagingFailed = "TY0508",
    /// The machine ran out of memory.
    OutOfMemory = "TY0509",
    /// An exception that nobody caught ended the program.
    Exception = "TY0510",
    /// A module or a library is not there.
    ImportError = "TY0511",
    /// A file below DATA_DIR is not there.
    DataMissing = "TY0512",
    /// The program did not understand its arguments.
    BadArguments = "TY0513",
    /// The shell could not read the command.
    ShellSyntax = "TY0514",
    /// A GPU ran out of memory.
    GpuOutOfMemory = "TY0515",
    /// The program found no GPU that it can use.
    GpuUnavailable = "TY0516",
    /// The machine's shared memory is full.
    SharedMemoryFull = "TY0517",
    /// The machine's disk is full.
    DiskFull = "TY0518",
    /// A quota of the file system was met.
    Quota = "TY0519",
    /// The program could not reach a host.
    HostUnreachable = "TY0520",
    /// The run took longer than it may.
    TimeLimit = "TY0521",
    /// The run waited longer than it may.
    QueueTimeLimit = "TY0522",
    /// The training data is of another version.
    DataChanged = "TY0523",
    /// The machine went down.
    MachineLost = "TY0524",

    /// No run of that id, or not yours.
    UnknownRun = "TY0601",
    /// The server cannot be reached.
    ServerUnreachable = "TY0602",
    /// A credential is missing or wrong.
    Unauthorized = "TY0603",
    /// The credential does not allow this.
    Forbidden = "TY0604",
    /// The run has settled; nothing can change it.
    AlreadySettled = "TY0605",
    /// A request's body is larger than allowed.
    BodyTooLarge = "TY0606",
    /// A request that cannot be understood.
    BadRequest = "TY0607",
    /// Another server works in the data directory.
    DataDirectoryInUse = "TY0608",
    /// The data directory cannot be written.
    DataDirectoryReadOnly = "TY0609",
    /// No training definition of that id, or not yours.
    UnknownDefinition = "TY0610",
    /// The server failed in a way that it should not.
    Internal = "TY0611",
    /// A message of a learner whose attempt is over.
    StaleAttempt = "TY0612",
    /// Something else that is not there, or is somebody else's.
    UnknownThing = "TY0613",
    /// A name that somebody has, or had.
    NameTaken = "TY0614",
    /// A user who submits faster than is allowed.
    TooFast = "TY0620",
    /// As many unsettled runs as are allowed.
    TooManyRuns = "TY0621",
    /// The server has as much to do as it takes on at a time.
    Busy = "TY0622",
    /// Passwords are given faster than they are looked at.
    TooManyGuesses = "TY0623",
}

/// A text that is not a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a code of Trainyard")]
pub struct NotACode(pub String);

impl FromStr for Code {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| NotACode(text.to_owned()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_unique_and_has_a_page_that_names_it() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} stands for two things");
            let first = code.page().lines().next().unwrap_or_default();
            assert!(
                first.starts_with(&format!("# {code} ")),
                "the page of {code} begins with: {first}"
            );
            assert!(code.page().lines().count() >= 5, "the page of {code} says too little");
        }
    }
}
