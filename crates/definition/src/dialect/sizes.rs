//! How large a run is, in the words of each year: `resourceType` (2017), `resource` (the turn
//! of the year), `compute_configuration` with the names of plans (2018).

use trainyard_model::code::Code;
use trainyard_model::size::Size;

use super::desk::Desk;
use super::object::{Keys, Need, Object, Stray, Text, shortened};
use crate::nearest::nearest;

/// The spellings of the one word.
const WORD: &[&str] = &["resourceType", "resource"];
/// The object of 2018.
const OBJECT: &str = "compute_configuration";

const CONFIGURATION: Keys = Keys {
    known: &["name", "nodes"],
    later: &[],
    strays: &[
        ("resourceType", Stray::Means("name")),
        ("learners", Stray::Means("nodes")),
        ("workers", Stray::Means("nodes")),
    ],
};

/// The plans of 2018, by their GPUs: whichever kind a server has, a plan is a number of them.
const PLANS: [(&str, Size); 7] = [
    ("k80", Size::Small),
    ("k80x2", Size::Medium),
    ("k80x4", Size::Large),
    ("p100", Size::Small),
    ("p100x2", Size::Medium),
    ("v100", Size::Small),
    ("v100x2", Size::Medium),
];

/// A size, and the plan's name when it was asked for by that.
pub(super) struct Sized {
    pub(super) size: Size,
    pub(super) plan: Option<String>,
}

impl Desk<'_> {
    /// The size in `execution`; `None` when it was complained about.
    pub(super) fn size(&mut self, execution: &Object<'_>) -> Option<Sized> {
        self.one_spelling(execution, &[WORD[0], WORD[1], OBJECT]);
        let Some(pair) = execution.get(&[OBJECT]) else {
            let written = self.line(execution, WORD, Need::Required)?;
            return self.named(&written, &[]);
        };
        let path = execution.path_of(&pair.key);
        let object = self.object(&pair.value, path, pair.key_span.clone(), &CONFIGURATION)?;
        self.one_node(&object);
        let written = self.line(&object, &["name"], Need::Required)?;
        self.named(&written, &PLANS)
    }

    /// Runs over several machines are a thing of that service, so far not of this one.
    fn one_node(&mut self, configuration: &Object<'_>) {
        let Some(nodes) = self.line(configuration, &["nodes"], Need::Optional) else { return };
        if nodes.value == "1" {
            return;
        }
        let (message, expected) = match nodes.value.parse::<u32>() {
            Ok(2..) => ("a run has one node here", "1, or no 'nodes' at all"),
            Ok(_) | Err(_) => ("this is not a number of nodes", "1"),
        };
        let complaint = self.error(Code::UnknownValue, &nodes.path, &nodes.span, message);
        self.complain(complaint.expected(expected));
    }

    fn named(&mut self, written: &Text, plans: &[(&'static str, Size)]) -> Option<Sized> {
        let plan = plans.iter().find(|(plan, _)| *plan == written.value);
        let size = plan.map(|(_, size)| *size).or_else(|| Size::from_word(&written.value));
        if let Some(size) = size {
            if let Some(complaint) = self.premises.size(size) {
                self.complain_at(complaint, &written.path, &written.span);
            }
            return Some(Sized { size, plan: plan.map(|(word, _)| (*word).to_owned()) });
        }
        let words = Size::ALL.map(|size| (size.as_str(), size));
        let all = || words.iter().chain(plans);
        let sizes: Vec<String> =
            all().map(|(word, size)| format!("'{word}' ({})", slots(*size))).collect();
        let message = format!("there is no size '{}'", shortened(&written.value));
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        let complaint = complaint.expected(sizes.join(", "));
        let meant = nearest(&written.value, all().map(|(word, _)| *word));
        self.complain(match meant {
            Some(meant) => complaint.help(format!("did you mean '{meant}'?")),
            None => complaint,
        });
        None
    }
}

fn slots(size: Size) -> String {
    match size.slots() {
        1 => "1 slot".to_owned(),
        many => format!("{many} slots"),
    }
}
