//! `training_data` and `training_results`: a connection, a container, a type.

use std::ops::Range;

use trainyard_model::code::Code;
use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::secret::Credentials;

use super::desk::Desk;
use super::endpoint::{NotAnEndpoint, endpoint};
use super::object::{Keys, Need, Object, Stray, Text, listed, shortened};
use crate::nearest::nearest;
use crate::text::{Node, Pair};

/// The types that are read, as the seed spells them.
const TYPES: [(&str, StoreKind); 2] =
    [("s3_datastore", StoreKind::S3), ("directory", StoreKind::Directory)];
/// Types of old manifests that nothing here speaks: Swift, by three names.
const NOT_SPOKEN: [&str; 3] = ["softlayer_objectstore", "bluemix_objectstore", "swift_datastore"];

// Each in the seed's spelling first, then in those of the years after.
const URL: &[&str] = &["auth_url", "endpoint_url"];
const USER: &[&str] = &["userId", "access_key_id", "aws_access_key_id"];
const PASSWORD: &[&str] = &["password", "secret_access_key", "aws_secret_access_key"];

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
    ],
    strays: &[
        ("username", Stray::Means("userId")),
        ("user_name", Stray::Means("userId")),
        ("user", Stray::Means("userId")),
        ("url", Stray::Means("auth_url")),
        ("endpoint", Stray::Means("auth_url")),
        ("root", Stray::Advice("'root' belongs to a store of the type 'directory'")),
    ],
};
const DIRECTORY: Keys = Keys {
    known: &["root"],
    strays: &[
        ("path", Stray::Means("root")),
        ("directory", Stray::Means("root")),
        ("auth_url", Stray::Advice("a directory needs only 'root'")),
        ("userId", Stray::Advice("a directory needs no user; take the key out")),
        ("password", Stray::Advice("a directory needs no password; take the key out")),
        ("region", Stray::Advice("a directory has no region; take the key out")),
    ],
};
/// For a type that is unknown: whatever any store has, and what Swift had.
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
        "root",
        "user_name",
        "domain_name",
        "project_id",
    ],
    strays: &[],
};
const CONTAINER: Keys = Keys {
    known: &["container", "type"],
    strays: &[("bucket", Stray::Means("container")), ("name", Stray::Means("container"))],
};

/// A store as a definition names it, and what opens it.
pub(super) struct Store {
    pub(super) at: StoreRef,
    pub(super) credentials: Option<Credentials>,
}

impl Desk<'_> {
    /// Reads a store. `place` is the key of the container's object: `source` or `target`.
    pub(super) fn store(
        &mut self,
        node: &Node,
        path: String,
        anchor: Range<usize>,
        keys: &Keys,
        place: &[&'static str],
    ) -> Option<Store> {
        let object = self.object(node, path, anchor, keys)?;
        self.one_spelling(&object, place);
        // The type decides which keys a connection has, but complaints are told
        // in the order of the text all the same: they are sorted in the end.
        let place = self.child(&object, place, Need::Required);
        let place = place.and_then(|pair| self.inner(&object, pair, &CONTAINER));
        let (kind, container) = match &place {
            None => (None, None),
            Some(place) => (self.kind(place), self.container(place)),
        };
        let connection = self.child(&object, &["connection"], Need::Required)?;
        let keys = match kind {
            Some((_, StoreKind::S3 | StoreKind::Swift)) => &S3,
            Some((_, StoreKind::Directory)) => &DIRECTORY,
            None => &UNSURE,
        };
        let connection = self.inner(&object, connection, keys)?;
        let Some((kind_word, kind)) = kind else {
            self.unsure_connection(&connection);
            return None;
        };
        let (endpoint, region, credentials) = match kind {
            StoreKind::S3 | StoreKind::Swift => self.s3_connection(&connection)?,
            StoreKind::Directory => (self.directory_root(&connection)?, None, None),
        };
        let container = container?;
        let at = StoreRef { region, ..StoreRef::new(kind, kind_word, endpoint, container) };
        Some(Store { at, credentials })
    }

    fn inner<'n>(
        &mut self,
        object: &Object<'_>,
        pair: &'n Pair,
        keys: &Keys,
    ) -> Option<Object<'n>> {
        self.object(&pair.value, object.path_of(&pair.key), pair.key_span.clone(), keys)
    }

    fn kind(&mut self, place: &Object<'_>) -> Option<(String, StoreKind)> {
        let written = self.line(place, &["type"], Need::Required)?;
        if let Some((word, kind)) = TYPES.iter().find(|(word, _)| *word == written.value) {
            return Some(((*word).to_owned(), *kind));
        }
        let words: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
        let shown = shortened(&written.value);
        let known = NOT_SPOKEN.contains(&written.value.as_str());
        let message = if known {
            format!("a store of the type '{shown}' is not spoken by this version yet")
        } else {
            format!("there is no store of the type '{shown}'")
        };
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        let complaint = complaint.expected(listed(&words));
        let s3 = matches!(written.value.to_ascii_lowercase().as_str(), "s3" | "s3_objectstore");
        let meant = if s3 { Some("s3_datastore") } else { nearest(&written.value, words) };
        self.complain(match meant {
            _ if known => {
                complaint.help("use a container with an S3 interface and the type 's3_datastore'")
            }
            Some(meant) => complaint.help(format!("did you mean '{meant}'?")),
            None => complaint,
        });
        None
    }

    fn container(&mut self, place: &Object<'_>) -> Option<String> {
        let written = self.line(place, &["container"], Need::Required)?;
        if written.value.contains(['/', '\\']) || matches!(written.value.as_str(), "." | "..") {
            let message = "this is not the name of a container";
            let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
            self.complain(complaint.expected("a name without slashes"));
            return None;
        }
        Some(written.value)
    }

    fn s3_connection(
        &mut self,
        connection: &Object<'_>,
    ) -> Option<(String, Option<String>, Option<Credentials>)> {
        for spellings in [URL, USER, PASSWORD] {
            self.one_spelling(connection, spellings);
        }
        let url = self.line(connection, URL, Need::Required);
        let url = url.and_then(|written| self.endpoint(&written));
        let user = self.line(connection, USER, Need::Required);
        let password = self.line(connection, PASSWORD, Need::Required);
        let region = self.line(connection, &["region"], Need::Optional);
        let credentials = Credentials::new(user?.value, password?.value);
        Some((url?, region.map(|text| text.value), Some(credentials)))
    }

    fn endpoint(&mut self, written: &Text) -> Option<String> {
        endpoint(&written.value)
            .map_err(|problem| {
                let complaint = self.error(
                    Code::BadEndpoint,
                    &written.path,
                    &written.span,
                    problem.to_string(),
                );
                let complaint = complaint.expected("a URL like https://s3.example.com");
                self.complain(match problem {
                    NotAnEndpoint::Credentials => {
                        complaint.help("write them as 'userId' and 'password'")
                    }
                    NotAnEndpoint::Query => complaint.help("keep what stands before it"),
                    _ => complaint,
                });
            })
            .ok()
    }

    fn directory_root(&mut self, connection: &Object<'_>) -> Option<String> {
        let written = self.line(connection, &["root"], Need::Required)?;
        if !written.value.starts_with('/') || written.value.split('/').any(|part| part == "..") {
            let message = "this is not an absolute path";
            let complaint = self.error(Code::BadEndpoint, &written.path, &written.span, message);
            self.complain(complaint.expected("a path that begins with '/' and has no '..'"));
            return None;
        }
        Some(written.value)
    }

    /// The type is not known: only what is wrong for any store is told.
    fn unsure_connection(&mut self, connection: &Object<'_>) {
        for key in UNSURE.known {
            let _ = self.line(connection, &[key], Need::Optional);
        }
    }
}
