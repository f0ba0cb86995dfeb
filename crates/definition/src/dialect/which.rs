//! Which dialect a document is written in.

use crate::text::{Kind, Node};

/// A dialect of training definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of 2017-11-03 and its YAML twin: strict, and its zips are flat.
    Seed,
    /// Those of 2018 and after, and our own answers: one that is the sum of them all. Zips
    /// have folders.
    Later,
}

/// The stores' keys in the seed, and since 2018.
const SEED_STORES: [&str; 2] = ["training_data", "training_results"];
const LATER_STORES: [&str; 2] = ["training_data_reference", "training_results_reference"];
const PLACES: [&str; 3] = ["source", "target", "location"];

impl Dialect {
    /// May files lie in folders of the zip?
    pub fn has_folders(self) -> bool {
        self == Self::Later
    }

    /// Found by the keys that only one dialect has, spelt right. A store under
    /// `training_data` or `training_results` with a `container` is the seed's alone, and
    /// whoever has one has a document of the seed, whatever else is in it. Without one, any
    /// key of the years after makes it one of theirs. A document with neither is the seed's,
    /// whose complaints say what is missing. Manifests of stored training definitions, which
    /// have `framework` where others have `model_definition`, are of 2018.
    pub(crate) fn of(root: &Node) -> Self {
        let mut later = LATER_STORES.iter().any(|key| child(root, key).is_some());
        for store in SEED_STORES.iter().filter_map(|key| child(root, key)).map(first) {
            for place in PLACES.iter().filter_map(|key| child(store, key)) {
                if child(place, "container").is_some() {
                    return Self::Seed;
                }
                later |= child(place, "bucket").is_some();
            }
            later |= ["type", "location"].iter().any(|key| child(store, key).is_some());
        }
        let model = child(root, "model_definition");
        let of = |part, keys: [&str; 2]| {
            let part = model.and_then(|model| child(model, part));
            part.is_some_and(|part| keys.iter().any(|key| child(part, key).is_some()))
        };
        later |= of("execution", ["resource", "compute_configuration"]);
        later |= of("framework", ["runtimes", "runtime"]);
        later |= model.is_none() && child(root, "framework").is_some();
        if later { Self::Later } else { Self::Seed }
    }
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Kind::Object(pairs) = &node.kind else { return None };
    pairs.iter().find(|pair| pair.key == key).map(|pair| &pair.value)
}

/// The store in a list of one, or the store itself.
fn first(node: &Node) -> &Node {
    match &node.kind {
        Kind::List(items) => items.first().unwrap_or(node),
        _ => node,
    }
}
