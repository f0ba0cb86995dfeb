//! Which CUDA a build carries, and which the machine's driver can serve.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of CUDA: `12.8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cuda {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
}

impl Cuda {
    /// Reads `12.8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// NVIDIA's driver on a machine that has a GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// Its own version: `580.95.05`.
    pub version: String,
    /// The newest CUDA that it serves.
    pub cuda: Cuda,
}

impl Driver {
    /// Does it serve builds with this CUDA?
    ///
    /// Within one major version every driver serves every build, as NVIDIA's rules of "minor
    /// version compatibility" say, which hold since CUDA 11; before, a driver served what is
    /// not newer than itself.
    pub fn serves(&self, build: Cuda) -> bool {
        self.cuda >= build || (build.major >= 11 && self.cuda.major == build.major)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_serves_what_is_older_and_what_is_of_the_same_major_version() {
        let cuda = |text: &str| Cuda::parse(text).expect("a version");
        let driver = |text: &str| Driver { version: String::new(), cuda: cuda(text) };
        for (has, carries, fits) in [
            ("13.0", "13.2", true),
            ("13.0", "12.9", true),
            ("13.0", "9.0", true),
            ("12.4", "12.8", true),
            ("12.4", "13.0", false),
            ("9.2", "10.0", false),
            ("10.0", "10.1", false),
        ] {
            assert_eq!(driver(has).serves(cuda(carries)), fits, "{has} for {carries}");
        }
        for bad in ["", "12", "12.x", "x.1", "12.8.1"] {
            assert_eq!(Cuda::parse(bad), None, "{bad}");
        }
    }
}
