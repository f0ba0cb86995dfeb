//! The words for sizes in the years after the seed, and the keys they stand under.

use trainyard_model::code::Code;
use trainyard_model::size::Size;

use super::desk::Desk;
use super::object::{Keys, Need, Object, Stray, Text};

/// Every word: the seed's, and from 2018-03-21 on those of the GPUs, of which only the
/// number means anything here.
const WORDS: [(&str, Size); 10] = [
    ("small", Size::Small),
    ("medium", Size::Medium),
    ("large", Size::Large),
    ("k80", Size::Small),
    ("k80x2", Size::Medium),
    ("k80x4", Size::Large),
    ("p100", Size::Small),
    ("p100x2", Size::Medium),
    ("v100", Size::Small),
    ("v100x2", Size::Medium),
];
/// What the official client sends where its user says nothing.
const DEFAULT: &str = "k80";

const COMPUTE: Keys = Keys {
    known: &["name", "nodes"],
    strays: &[("node", Stray::Means("nodes")), ("num_nodes", Stray::Means("nodes"))],
};

/// A size, and the word for it where that is not our own.
pub(super) struct Plan {
    pub(super) size: Size,
    pub(super) word: Option<String>,
}

impl Desk<'_> {
    /// `compute_configuration.name`, `resource` or `resourceType`; all of them may be there
    /// if they say the same, as they do in our own answers.
    pub(super) fn plan(&mut self, execution: &Object<'_>) -> Option<Plan> {
        let mut words: Vec<Text> = Vec::new();
        let mut wrong = false;
        let mut found = |desk: &mut Self, object: &Object<'_>, key| {
            if object.get(&[key]).is_some_and(|pair| !pair.value.is_null()) {
                let word = desk.line(object, &[key], Need::Required);
                wrong |= word.is_none();
                words.extend(word);
            }
        };
        if let Some(pair) = self.child(execution, &["compute_configuration"], Need::Optional) {
            let path = execution.path_of(&pair.key);
            let object = self.object(&pair.value, path, pair.key_span.clone(), &COMPUTE)?;
            found(self, &object, "name");
            self.one_node(&object);
        }
        found(self, execution, "resource");
        found(self, execution, "resourceType");
        let Some(written) = words.first() else {
            let size = WORDS.iter().find(|(word, _)| *word == DEFAULT).map(|(_, size)| *size);
            let size = size.filter(|_| !wrong)?;
            return Some(Plan { size, word: Some(DEFAULT.to_owned()) });
        };
        if let Some(other) = words.iter().find(|other| other.value != written.value) {
            let message = format!("'{}' and '{}' are two sizes", written.value, other.value);
            let complaint = self.error(Code::DuplicateKey, &other.path, &other.span, message);
            self.complain(complaint.help("keep one of them"));
            return None;
        }
        let Some((word, size)) = WORDS.iter().find(|(word, _)| *word == written.value) else {
            self.no_size(written, &WORDS);
            return None;
        };
        self.fits(*size, written);
        let word = (*word != size.as_str()).then(|| (*word).to_owned());
        Some(Plan { size: *size, word })
    }

    /// Runs of several nodes came with 2018; this version has none.
    fn one_node(&mut self, compute: &Object<'_>) {
        let Some(written) = self.line(compute, &["nodes"], Need::Optional) else { return };
        let (message, code) = match written.value.parse::<u32>() {
            Ok(1) => return,
            Ok(many @ 2..) => (
                format!("{many} nodes are asked for, and a run has one in this version"),
                Code::SizeNeverFits,
            ),
            Ok(0) | Err(_) => ("this is no number of nodes".to_owned(), Code::UnknownValue),
        };
        let complaint = self.error(code, &written.path, &written.span, message);
        self.complain(complaint.expected("1").help(
            "take 'nodes' out; a larger size has more slots on the one node: 'v100x2', 'k80x4'",
        ));
    }
}
