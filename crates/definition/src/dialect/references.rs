//! A store as the dialects after the seed name it, and as our own answers do.
//!
//! A connection, a bucket in `source`, `target` or `location` (also called `container`, as in
//! 2017), a type beside them or in the same object, and a name that is for people.

use std::ops::Range;

use trainyard_model::code::Code;

use super::connection::keys;
use super::desk::Desk;
use super::object::{Keys, Need, Object, Stray};
use super::stores::{Kind, Store};
use crate::text::Node;

/// Which store it is: where the bucket is expected, the usual key first.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Data,
    Results,
    /// Of a stored model or the like.
    Any,
}

impl Role {
    fn keys(self) -> &'static Keys {
        match self {
            Self::Data => &DATA,
            Self::Results => &RESULTS,
            Self::Any => &ANY,
        }
    }

    fn places(self) -> &'static [&'static str] {
        match self {
            Self::Data => &["source", "location"],
            // The doc string of an old client has `source` here too.
            Self::Results => &["target", "location", "source"],
            Self::Any => &["source", "target", "location"],
        }
    }
}

const IN_THE_PLACE: &str = "it belongs beside the bucket, into 'source', 'target' or 'location'";

const DATA: Keys = Keys {
    known: &["connection", "source", "type", "name", "location"],
    strays: &[
        ("target", Stray::Means("source")),
        ("bucket", Stray::Advice("it belongs into 'source'")),
        ("container", Stray::Advice("it belongs into 'source'")),
    ],
};
const RESULTS: Keys = Keys {
    known: &["connection", "target", "type", "name", "location", "source"],
    strays: &[
        ("bucket", Stray::Advice("it belongs into 'target'")),
        ("container", Stray::Advice("it belongs into 'target'")),
    ],
};
const ANY: Keys = Keys {
    known: &["connection", "source", "type", "name", "location", "target"],
    strays: &[
        ("bucket", Stray::Advice("it belongs into 'source'")),
        ("container", Stray::Advice("it belongs into 'source'")),
        ("path", Stray::Advice(IN_THE_PLACE)),
    ],
};
/// `path` and `model_location` say where in the bucket: whoever asks reads that for himself.
const PLACE: Keys = Keys {
    known: &["bucket", "type", "container", "path", "model_location"],
    strays: &[("name", Stray::Means("bucket"))],
};
const BUCKET: &[&str] = &["bucket", "container"];

impl Desk<'_> {
    /// Reads a store.
    pub(super) fn reference(
        &mut self,
        node: &Node,
        path: String,
        anchor: Range<usize>,
        role: Role,
    ) -> Option<Store> {
        let object = self.object(node, path, anchor, role.keys())?;
        self.one_spelling(&object, role.places());
        let _ = self.prose(&object, &["name"], Need::Optional);
        let place = self.child(&object, role.places(), Need::Required);
        let place = place.and_then(|pair| self.inner(&object, pair, &PLACE));
        let kind = self.kind_of(&object, place.as_ref());
        let speaks = kind.map(|(_, speaks)| speaks);
        let container = place.as_ref().and_then(|place| {
            self.one_spelling(place, BUCKET);
            self.container(place, BUCKET, speaks)
        });
        let connection = self.child(&object, &["connection"], Need::Required)?;
        let connection = self.inner(&object, connection, keys(speaks))?;
        let connection = self.connection(speaks, &connection);
        Some(Store::of(kind?, connection?, container?))
    }

    /// The type, wherever it stands. Twice is once too often, even where it is the same word.
    fn kind_of(&mut self, object: &Object<'_>, place: Option<&Object<'_>>) -> Option<Kind> {
        let within = place.and_then(|place| Some((place, place.get(&["type"])?)));
        let beside = object.get(&["type"]);
        if let (Some((place, within)), Some(_)) = (within, beside) {
            let message = "the type of the store is here twice";
            let path = place.path_of(&within.key);
            let complaint = self.error(Code::DuplicateKey, &path, &within.key_span, message);
            self.complain(complaint.help("keep the one beside 'connection'"));
        }
        match within {
            Some((place, _)) if beside.is_none() => self.kind(place),
            _ => self.kind(object),
        }
    }
}
