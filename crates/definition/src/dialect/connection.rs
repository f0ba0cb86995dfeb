//! How a store is reached: the keys of `connection`, which differ by its type.
//!
//! Each key in the spelling of the seed first, then in those of the years after.
//! Which type asks for which keys is written here; the types are [`stores`](super::stores)'.

use trainyard_model::code::Code;
use trainyard_model::definition::{Addressing, KeystoneScope};
use trainyard_model::secret::Credentials;
use url::{Host, Url};

use super::desk::Desk;
use super::endpoint::{NotAnEndpoint, endpoint};
use super::object::{Keys, Need, Object, Stray, Text, shortened};

/// What a type speaks, and so which keys its connection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    S3,
    /// Swift with its own auth v1.
    Swift,
    /// Swift behind Keystone v3.
    Keystone,
    /// Nothing: it lies on the server's machine.
    Directory,
}

/// A connection that was read whole.
pub(super) struct Connection {
    pub(super) endpoint: String,
    pub(super) region: Option<String>,
    pub(super) addressing: Addressing,
    pub(super) keystone: Option<KeystoneScope>,
    pub(super) credentials: Option<Credentials>,
}

const URL: &[&str] = &["auth_url", "endpoint_url"];
const USER: &[&str] = &["userId", "access_key_id", "aws_access_key_id"];
const PASSWORD: &[&str] = &["password", "secret_access_key", "aws_secret_access_key"];
const LATER_URL: &[&str] = &["endpoint_url", "auth_url"];
const LATER_USER: &[&str] = &["access_key_id", "aws_access_key_id", "userId"];
const LATER_PASSWORD: &[&str] = &["secret_access_key", "aws_secret_access_key", "password"];
const SESSION: &[&str] = &["session_token", "aws_session_token"];
const SWIFT_USER: &[&str] = &["userId", "user_name"];
const KEYSTONE_USER: &[&str] = &["user_name", "userId"];

const S3: Keys = Keys {
    known: &[
        "auth_url",
        "userId",
        "password",
        "region",
        "endpoint_url",
        "access_key_id",
        "secret_access_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "session_token",
        "aws_session_token",
        "addressing_style",
    ],
    strays: &[
        ("username", Stray::Means("userId")),
        ("user_name", Stray::Means("userId")),
        ("user", Stray::Means("userId")),
        ("url", Stray::Means("auth_url")),
        ("endpoint", Stray::Means("auth_url")),
        ("token", Stray::Means("session_token")),
        ("security_token", Stray::Means("session_token")),
        ("aws_security_token", Stray::Means("session_token")),
        ("addressing", Stray::Means("addressing_style")),
        ("region_name", Stray::Means("region")),
        ("root", Stray::Advice("'root' belongs to a store of the type 'directory'")),
        ("domain_name", Stray::Advice(OF_KEYSTONE)),
        ("project_id", Stray::Advice(OF_KEYSTONE)),
    ],
};
const OF_KEYSTONE: &str =
    "it belongs to a store of the type 'bluemix_objectstore' (Swift behind Keystone v3)";
const OF_S3: &str = "it belongs to a store of the type 's3_datastore'";
const SWIFT: Keys = Keys {
    known: &["auth_url", "userId", "user_name", "password"],
    strays: &[
        ("username", Stray::Means("userId")),
        ("user", Stray::Means("userId")),
        ("key", Stray::Means("password")),
        ("api_key", Stray::Means("password")),
        ("url", Stray::Means("auth_url")),
        ("endpoint_url", Stray::Means("auth_url")),
        ("access_key_id", Stray::Means("userId")),
        ("secret_access_key", Stray::Means("password")),
        ("region", Stray::Advice("the 'auth_url' stands for the region; take the key out")),
        ("addressing_style", Stray::Advice(OF_S3)),
        ("session_token", Stray::Advice(OF_S3)),
        ("root", Stray::Advice("'root' belongs to a store of the type 'directory'")),
        ("domain_name", Stray::Advice(OF_KEYSTONE)),
        ("project_id", Stray::Advice(OF_KEYSTONE)),
    ],
};
const KEYSTONE: Keys = Keys {
    known: &["auth_url", "user_name", "userId", "password", "region", "domain_name", "project_id"],
    strays: &[
        ("username", Stray::Means("user_name")),
        ("user", Stray::Means("user_name")),
        ("url", Stray::Means("auth_url")),
        ("endpoint_url", Stray::Means("auth_url")),
        ("projectId", Stray::Means("project_id")),
        ("tenant_id", Stray::Means("project_id")),
        ("domainName", Stray::Means("domain_name")),
        ("region_name", Stray::Means("region")),
        ("project", Stray::Advice("name the project by its id: 'project_id'")),
        ("project_name", Stray::Advice("name the project by its id: 'project_id'")),
        ("domainId", Stray::Advice("name the domain by its name: 'domain_name'")),
        ("domain_id", Stray::Advice("name the domain by its name: 'domain_name'")),
        ("addressing_style", Stray::Advice(OF_S3)),
        ("session_token", Stray::Advice(OF_S3)),
        ("root", Stray::Advice("'root' belongs to a store of the type 'directory'")),
    ],
};
const DIRECTORY: Keys = Keys {
    known: &["root"],
    strays: &[
        ("path", Stray::Means("root")),
        ("directory", Stray::Means("root")),
        ("auth_url", Stray::Advice("a directory needs only 'root'")),
        ("endpoint_url", Stray::Advice("a directory needs only 'root'")),
        ("userId", Stray::Advice("a directory needs no user; take the key out")),
        ("user_name", Stray::Advice("a directory needs no user; take the key out")),
        ("password", Stray::Advice("a directory needs no password; take the key out")),
        ("region", Stray::Advice("a directory has no region; take the key out")),
    ],
};
/// For a type that is unknown: whatever any store has.
const UNSURE: Keys = Keys {
    known: &[
        "auth_url",
        "userId",
        "password",
        "region",
        "endpoint_url",
        "access_key_id",
        "secret_access_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "session_token",
        "aws_session_token",
        "addressing_style",
        "root",
        "user_name",
        "domain_name",
        "project_id",
    ],
    strays: &[],
};

/// The keys of a connection; without a type, those of all.
pub(super) fn keys(speaks: Option<Speaks>) -> &'static Keys {
    match speaks {
        Some(Speaks::S3) => &S3,
        Some(Speaks::Swift) => &SWIFT,
        Some(Speaks::Keystone) => &KEYSTONE,
        Some(Speaks::Directory) => &DIRECTORY,
        None => &UNSURE,
    }
}

impl Desk<'_> {
    /// Reads a connection that was opened with [`keys`]; `None` when it was complained about.
    pub(super) fn connection(
        &mut self,
        speaks: Option<Speaks>,
        connection: &Object<'_>,
    ) -> Option<Connection> {
        match speaks {
            Some(Speaks::S3) => self.s3(connection),
            Some(Speaks::Swift) => self.swift(connection),
            Some(Speaks::Keystone) => self.keystone(connection),
            Some(Speaks::Directory) => self.directory(connection),
            None => {
                // Only what is wrong for any store is told.
                for key in UNSURE.known {
                    let _ = self.line(connection, &[key], Need::Optional);
                }
                None
            }
        }
    }

    fn s3(&mut self, connection: &Object<'_>) -> Option<Connection> {
        self.one_spelling(connection, SESSION);
        // What is missing is asked for in the words of the years that the rest is written in.
        let (url, user, password) = if self.later {
            (LATER_URL, LATER_USER, LATER_PASSWORD)
        } else {
            (URL, USER, PASSWORD)
        };
        let url = self.url(connection, url);
        let credentials = self.credentials(connection, user, password);
        let session = self.line(connection, SESSION, Need::Optional);
        let region = self.line(connection, &["region"], Need::Optional);
        let addressing = self.addressing(connection, url.as_deref())?;
        let (url, credentials) = (url?, credentials?);
        Some(Connection {
            region: region.map(|text| text.value),
            addressing,
            credentials: Some(match session {
                Some(token) => credentials.with_session(token.value),
                None => credentials,
            }),
            ..Connection::to(url)
        })
    }

    fn swift(&mut self, connection: &Object<'_>) -> Option<Connection> {
        let url = self.url(connection, &["auth_url"]);
        let credentials = self.credentials(connection, SWIFT_USER, &["password"]);
        Some(Connection { credentials: Some(credentials?), ..Connection::to(url?) })
    }

    fn keystone(&mut self, connection: &Object<'_>) -> Option<Connection> {
        let url = self.url(connection, &["auth_url"]);
        let credentials = self.credentials(connection, KEYSTONE_USER, &["password"]);
        let region = self.line(connection, &["region"], Need::Optional);
        let domain = self.line(connection, &["domain_name"], Need::Required);
        let project = self.line(connection, &["project_id"], Need::Required);
        let (url, credentials) = (url?, credentials?);
        let keystone = KeystoneScope { domain_name: domain?.value, project_id: project?.value };
        Some(Connection {
            region: region.map(|text| text.value),
            keystone: Some(keystone),
            credentials: Some(credentials),
            ..Connection::to(url)
        })
    }

    fn directory(&mut self, connection: &Object<'_>) -> Option<Connection> {
        let written = self.line(connection, &["root"], Need::Required)?;
        if !written.value.starts_with('/') || written.value.split('/').any(|part| part == "..") {
            let message = "this is not an absolute path";
            let complaint = self.error(Code::BadEndpoint, &written.path, &written.span, message);
            self.complain(complaint.expected("a path that begins with '/' and has no '..'"));
            return None;
        }
        Some(Connection::to(written.value))
    }

    fn credentials(
        &mut self,
        connection: &Object<'_>,
        user: &[&'static str],
        password: &[&'static str],
    ) -> Option<Credentials> {
        self.one_spelling(connection, user);
        self.one_spelling(connection, password);
        let user = self.line(connection, user, Need::Required);
        let password = self.line(connection, password, Need::Required);
        Some(Credentials::new(user?.value, password?.value))
    }

    fn url(&mut self, connection: &Object<'_>, spellings: &[&'static str]) -> Option<String> {
        self.one_spelling(connection, spellings);
        let written = self.line(connection, spellings, Need::Required)?;
        endpoint(&written.value).map_err(|problem| self.bad_endpoint(&written, problem)).ok()
    }

    fn bad_endpoint(&mut self, written: &Text, problem: NotAnEndpoint) {
        let complaint =
            self.error(Code::BadEndpoint, &written.path, &written.span, problem.to_string());
        let complaint = complaint.expected("a URL like https://s3.example.com");
        self.complain(match problem {
            NotAnEndpoint::Credentials => complaint.help("write them as 'userId' and 'password'"),
            NotAnEndpoint::Query => complaint.help("keep what stands before it"),
            _ => complaint,
        });
    }

    /// The words are those of the configuration of AWS's own tools. `auto` is what
    /// they do with an endpoint that is not AWS's: the path.
    fn addressing(&mut self, connection: &Object<'_>, url: Option<&str>) -> Option<Addressing> {
        let Some(written) = self.line(connection, &["addressing_style"], Need::Optional) else {
            // Left out; a value that cannot be read has been complained about.
            return Some(Addressing::Path);
        };
        let message = match written.value.as_str() {
            "path" | "auto" => return Some(Addressing::Path),
            "virtual" if !url.is_some_and(is_address) => return Some(Addressing::VirtualHost),
            "virtual" => "a bucket's name cannot stand before an IP address".to_owned(),
            other => format!("there is no addressing style '{}'", shortened(other)),
        };
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        let complaint = complaint.expected("'path', 'virtual' or 'auto'");
        let host = matches!(written.value.as_str(), "virtual_host" | "virtual-host" | "vhost");
        self.complain(if host { complaint.help("did you mean 'virtual'?") } else { complaint });
        None
    }
}

impl Connection {
    /// Nothing said beyond the address.
    fn to(endpoint: String) -> Self {
        Self {
            endpoint,
            region: None,
            addressing: Addressing::Path,
            keystone: None,
            credentials: None,
        }
    }
}

fn is_address(url: &str) -> bool {
    let url = Url::parse(url).ok();
    url.is_some_and(|url| !matches!(url.host(), Some(Host::Domain(_))))
}
