//! The guard at the one place where clients are made.
//!
//! Endpoints come from users. A server that sends a request wherever a user
//! points would be a way into the network it stands in, so every URL and every
//! address that a name resolves to is held against a policy before a connection
//! is made, and redirects are not followed. Nothing else in the house may build
//! an HTTP client for a user's URL or open a user's directory.

mod addresses;
mod client;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use addresses::{Network, Reach};

use crate::budget::Budget;
use crate::swift::Desks;

/// Where this server may go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardPolicy {
    /// This machine itself (127.0.0.0/8, ::1).
    pub allow_loopback: bool,
    /// The networks of a house: 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7 …
    pub allow_private: bool,
    /// Host names, addresses and networks (`10.1.0.0/16`) that are allowed whatever
    /// the rest says, the services that clouds offer on link-local addresses included.
    pub allowed: Vec<String>,
    /// Directories below which directory stores may lie.
    pub directory_roots: Vec<PathBuf>,
    /// Directory stores may lie anywhere.
    pub any_directory: bool,
}

impl GuardPolicy {
    /// For a server that only its own machine can reach: its users can reach all this anyway.
    pub fn local() -> Self {
        Self { allow_loopback: true, allow_private: true, any_directory: true, ..Self::default() }
    }
}

/// How long a store may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands, and until a name is resolved.
    pub connect: Duration,
    /// Until the first byte of an answer; large request bodies get more, by their size.
    pub answer: Duration,
    /// Between two pieces of an answer.
    pub silence: Duration,
    /// For a check as a whole.
    pub check: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            silence: Duration::from_secs(30),
            check: Duration::from_secs(10),
        }
    }
}

/// Why the guard lets nobody through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The address is of a kind that the policy excludes.
    #[error("{host} is {what}, which this server's policy does not allow")]
    Address {
        /// As it stands in the URL.
        host: String,
        /// "a loopback address".
        what: &'static str,
    },
    /// The directory is not below an allowed one.
    #[error("{} lies outside the directories that this server's policy allows", .path.display())]
    Directory {
        /// With links resolved.
        path: PathBuf,
    },
    /// `file:`, `ftp:` …
    #[error("only http and https are spoken, not `{scheme}`")]
    Scheme {
        /// As it stands in the URL.
        scheme: String,
    },
    /// A user name or password stands in the URL.
    #[error("credentials do not belong in the endpoint's URL")]
    Credentials,
    /// The URL has no host.
    #[error("the URL names no host")]
    NoHost,
}

/// Holds endpoints against a [`GuardPolicy`] and makes the clients that reach
/// them. Cheap to clone; clones share their clients, connections and tokens.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    policy: GuardPolicy,
    networks: Vec<Network>,
    hosts: Vec<String>,
    limits: Limits,
    budget: Budget,
    /// The tokens for stores that give some.
    desks: Desks,
    /// Without the system's certificates, whose reading costs milliseconds.
    plain: OnceLock<reqwest::Client>,
    secure: OnceLock<reqwest::Client>,
}

impl Guard {
    /// A guard with the usual limits.
    pub fn new(policy: GuardPolicy) -> Self {
        Self::with_limits(policy, Limits::default())
    }

    /// A guard with other limits.
    pub fn with_limits(policy: GuardPolicy, limits: Limits) -> Self {
        Self::with_budget(policy, limits, Budget::alone())
    }

    /// A guard whose stores take from a budget that others take from too.
    pub fn with_budget(policy: GuardPolicy, limits: Limits, budget: Budget) -> Self {
        let mut networks = Vec::new();
        let mut hosts = Vec::new();
        for entry in &policy.allowed {
            match Network::parse(entry) {
                Some(network) => networks.push(network),
                None => hosts.push(entry.trim_end_matches('.').to_ascii_lowercase()),
            }
        }
        Self(Arc::new(Rules {
            policy,
            networks,
            hosts,
            limits,
            budget,
            desks: Desks::default(),
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }))
    }

    /// What all transfers to the stores behind this guard share.
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// The tokens that all stores behind this guard share.
    pub(crate) fn desks(&self) -> &Desks {
        &self.0.desks
    }

    /// How long a store may be silent.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Holds what a URL says against the policy. Names are held against it again
    /// when they are resolved, which happens for each connection.
    ///
    /// # Errors
    /// Why nobody may go there.
    pub fn admit(&self, url: &Url) -> Result<(), Forbidden> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Forbidden::Scheme { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::Credentials);
        }
        // `Url` has already read the decimal, octal, hexadecimal and short forms of
        // IPv4 addresses; a host that is left as a name goes through the resolver.
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Forbidden::NoHost)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            Ok(address) => self.admit_address(host, address),
            Err(_) => Ok(()),
        }
    }

    /// Holds one address of `host` against the policy.
    pub(crate) fn admit_address(&self, host: &str, address: IpAddr) -> Result<(), Forbidden> {
        let rules = &self.0;
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if rules.hosts.contains(&name) || rules.networks.iter().any(|net| net.contains(address)) {
            return Ok(());
        }
        let reach = Reach::of(address);
        let allowed = match reach {
            Reach::Public => true,
            Reach::Private => rules.policy.allow_private,
            Reach::Loopback => rules.policy.allow_loopback,
            Reach::LinkLocal | Reach::Metadata | Reach::Special => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(Forbidden::Address { host: host.to_owned(), what: reach.words() })
        }
    }

    /// Holds a directory, with all links resolved, against the policy.
    ///
    /// # Errors
    /// When it lies outside.
    pub fn admit_directory(&self, resolved: &Path) -> Result<(), Forbidden> {
        let policy = &self.0.policy;
        let inside =
            |root: &PathBuf| root.canonicalize().is_ok_and(|root| resolved.starts_with(root));
        if policy.any_directory || policy.directory_roots.iter().any(inside) {
            Ok(())
        } else {
            Err(Forbidden::Directory { path: resolved.to_owned() })
        }
    }

    /// The client for a URL that was admitted.
    pub(crate) fn client(&self, url: &Url) -> Result<reqwest::Client, reqwest::Error> {
        let secure = url.scheme() == "https";
        let slot = if secure { &self.0.secure } else { &self.0.plain };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let made = client::make(self, secure)?;
        Ok(slot.get_or_init(|| made).clone())
    }
}
