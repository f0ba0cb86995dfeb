//! `training_data` and `training_results` as the seed has them: a connection, and beside
//! it an object of container and type. The forms of the years after are
//! [`references`](super::references)'.

use std::ops::Range;

use trainyard_model::code::Code;
use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::secret::Credentials;

use super::connection::{Connection, Speaks, keys};
use super::desk::Desk;
use super::object::{Keys, Need, Object, Stray, listed, shortened};
use crate::nearest::nearest;
use crate::text::{Node, Pair};

/// The types that are read, as the seed and the pages after it spell them.
const TYPES: [(&str, Speaks); 6] = [
    ("s3_datastore", Speaks::S3),
    ("s3", Speaks::S3),
    ("softlayer_objectstore", Speaks::Swift),
    ("swift_datastore", Speaks::Swift),
    ("bluemix_objectstore", Speaks::Keystone),
    ("directory", Speaks::Directory),
];

const CONTAINER: Keys = Keys {
    known: &["container", "type"],
    strays: &[("bucket", Stray::Means("container")), ("name", Stray::Means("container"))],
};

/// S3 has had names of up to 255 characters; today's are of 63.
const BUCKET_BYTES: usize = 255;
/// Swift's `max_container_name_length`.
const SWIFT_CONTAINER_BYTES: usize = 256;

/// A store as a definition names it, and what opens it.
pub(super) struct Store {
    pub(super) at: StoreRef,
    pub(super) credentials: Option<Credentials>,
}

/// A type as it was written, and what it speaks.
pub(super) type Kind = (&'static str, Speaks);

impl Store {
    pub(super) fn of((word, speaks): Kind, connection: Connection, container: String) -> Self {
        let kind = match speaks {
            Speaks::S3 => StoreKind::S3,
            Speaks::Swift | Speaks::Keystone => StoreKind::Swift,
            Speaks::Directory => StoreKind::Directory,
        };
        let at = StoreRef {
            region: connection.region,
            addressing: connection.addressing,
            keystone: connection.keystone,
            ..StoreRef::new(kind, word, connection.endpoint, container)
        };
        Self { at, credentials: connection.credentials }
    }
}

impl Desk<'_> {
    /// Reads a store as the seed has it. `place` is the key of the container's object: `source` or `target`.
    pub(super) fn store(
        &mut self,
        node: &Node,
        path: String,
        anchor: Range<usize>,
        known: &Keys,
        place: &[&'static str],
    ) -> Option<Store> {
        let object = self.object(node, path, anchor, known)?;
        self.one_spelling(&object, place);
        // The type decides which keys a connection has, but complaints are told
        // in the order of the text all the same: they are sorted in the end.
        let place = self.child(&object, place, Need::Required);
        let place = place.and_then(|pair| self.inner(&object, pair, &CONTAINER));
        let (kind, container) = match &place {
            None => (None, None),
            Some(place) => {
                let kind = self.kind(place);
                (kind, self.container(place, &["container"], kind.map(|(_, speaks)| speaks)))
            }
        };
        let speaks = kind.map(|(_, speaks)| speaks);
        let connection = self.child(&object, &["connection"], Need::Required)?;
        let connection = self.inner(&object, connection, keys(speaks))?;
        let connection = self.connection(speaks, &connection);
        Some(Store::of(kind?, connection?, container?))
    }

    pub(super) fn inner<'n>(
        &mut self,
        object: &Object<'_>,
        pair: &'n Pair,
        keys: &Keys,
    ) -> Option<Object<'n>> {
        self.object(&pair.value, object.path_of(&pair.key), pair.key_span.clone(), keys)
    }

    /// The type of a store, by the word under `type` in this object.
    pub(super) fn kind(&mut self, place: &Object<'_>) -> Option<Kind> {
        let written = self.line(place, &["type"], Need::Required)?;
        if let Some(known) = TYPES.iter().find(|(word, _)| *word == written.value) {
            return Some(*known);
        }
        let words: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
        let message = format!("there is no store of the type '{}'", shortened(&written.value));
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        let complaint = complaint.expected(listed(&words));
        let meant = match written.value.to_ascii_lowercase().as_str() {
            "s3_objectstore" | "cos" => Some("s3_datastore"),
            "swift" => Some("swift_datastore"),
            "keystone" => Some("bluemix_objectstore"),
            _ => nearest(&written.value, words),
        };
        self.complain(match meant {
            Some(meant) => complaint.help(format!("did you mean '{meant}'?")),
            None => complaint,
        });
        None
    }

    /// The container under one of these spellings: a name that such a store can have.
    pub(super) fn container(
        &mut self,
        place: &Object<'_>,
        spellings: &[&str],
        speaks: Option<Speaks>,
    ) -> Option<String> {
        let written = self.line(place, spellings, Need::Required)?;
        let name = written.value.as_str();
        let dots = matches!(name, "." | "..");
        let (fits, expected) = match speaks {
            Some(Speaks::S3) => (
                !dots && name.len() <= BUCKET_BYTES && name.bytes().all(is_of_bucket),
                "a name of letters, digits, '-', '.' and '_'",
            ),
            Some(Speaks::Swift | Speaks::Keystone) => (
                !dots && name.len() <= SWIFT_CONTAINER_BYTES && !name.contains('/'),
                "a name without slashes, of at most 256 bytes",
            ),
            Some(Speaks::Directory) | None => {
                (!dots && !name.contains(['/', '\\']), "a name without slashes")
            }
        };
        if !fits {
            let message = "this is not the name of a container";
            let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
            self.complain(complaint.expected(expected));
            return None;
        }
        Some(written.value)
    }
}

fn is_of_bucket(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}
