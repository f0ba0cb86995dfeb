//! The dialect of 2017-11-03 (JSON) and 2017-11-16 (YAML): the same keys.
//!
//! `model_definition`, `training_data` (a list of one), `training_results`, and FfDL's
//! `evaluation_metrics`. API clients of the time add `definition_location`, later
//! `definition_href`, which names a stored definition in place of a zip.

use trainyard_model::code::Code;
use trainyard_model::definition::{AsWritten, FrameworkRef};
use trainyard_model::size::Size;
use trainyard_model::terms::Terms;

use super::Dialect;
use super::desk::Desk;
use super::metrics::EVALUATION_METRICS;
use super::object::{Keys, Need, Object, Stray};
use super::parts::{HREF, Model};
use super::stores::Store;
use super::terms::{GRACE_PERIOD, QUEUE_LIMIT, RETRIES, RETRY_PAUSE, TIME_LIMIT};
use crate::submission::Submission;
use crate::text::{Kind, Node};

const ROOT: Keys = Keys {
    known: &["model_definition", "training_data", "training_results", EVALUATION_METRICS],
    strays: &[
        (
            "training_data_reference",
            Stray::Advice("this is the form of 2018; write 'training_data'"),
        ),
        (
            "training_results_reference",
            Stray::Advice("this is the form of 2018; write 'training_results'"),
        ),
        ("framework", Stray::Advice("it belongs into 'model_definition'")),
        ("name", Stray::Advice("it belongs into 'model_definition'")),
        ("description", Stray::Advice("it belongs into 'model_definition'")),
        ("author", Stray::Advice("it belongs into 'model_definition'")),
        ("execution", Stray::Advice("it belongs into 'model_definition'")),
        ("command", Stray::Advice("it belongs into 'model_definition.execution'")),
        ("definition_location", Stray::Advice("it belongs into 'model_definition'")),
        ("definition_href", Stray::Advice("it belongs into 'model_definition'")),
    ],
};
const MODEL: Keys = Keys {
    known: &[
        "framework",
        "name",
        "author",
        "description",
        "execution",
        "definition_location",
        "definition_href",
    ],
    strays: &[
        ("command", Stray::Advice("it belongs into 'execution'")),
        ("resourceType", Stray::Advice("it belongs into 'execution'")),
        ("version", Stray::Advice("it belongs into 'framework'")),
        (EVALUATION_METRICS, Stray::Advice("it stands beside 'model_definition'")),
    ],
};
const FRAMEWORK: Keys = Keys {
    known: &["name", "version"],
    strays: &[(
        "runtimes",
        Stray::Advice("this is of 2018; the version alone names the Python: '1.2-py3'"),
    )],
};
const EXECUTION: Keys = Keys {
    known: &[
        "command",
        "resourceType",
        TIME_LIMIT,
        QUEUE_LIMIT,
        GRACE_PERIOD,
        RETRY_PAUSE,
        RETRIES,
    ],
    strays: &[
        ("timeout", Stray::Means(TIME_LIMIT)),
        ("max_run_time", Stray::Means(TIME_LIMIT)),
        ("max_queue_time", Stray::Means(QUEUE_LIMIT)),
        ("grace", Stray::Means(GRACE_PERIOD)),
        ("retry", Stray::Means(RETRIES)),
        ("resource", Stray::Means("resourceType")),
        ("size", Stray::Means("resourceType")),
        ("compute_configuration", Stray::Advice("this is the form of 2018; write 'resourceType'")),
    ],
};
const DATA: Keys = Keys {
    known: &["connection", "source"],
    strays: &[
        ("target", Stray::Means("source")),
        ("type", Stray::Advice("it belongs into 'source'")),
        ("container", Stray::Advice("it belongs into 'source'")),
    ],
};
/// `source` as well: the doc string of an old client has it.
const RESULTS: Keys = Keys {
    known: &["connection", "target", "source"],
    strays: &[
        ("type", Stray::Advice("it belongs into 'target'")),
        ("container", Stray::Advice("it belongs into 'target'")),
    ],
};

/// Reads the tree; `None` when complaints were made that stop it.
pub(super) fn submission(desk: &mut Desk<'_>, root: &Node) -> Option<Submission> {
    let top = root.span.start..root.span.start + 1;
    let object = desk.object(root, String::new(), top, &ROOT)?;
    let model = desk.model(&object);
    let data = desk.data(&object);
    let results = desk.child(&object, &["training_results"], Need::Required).and_then(|pair| {
        let path = object.path_of(&pair.key);
        desk.store(&pair.value, path, pair.key_span.clone(), &RESULTS, &["target", "source"])
    });
    let evaluation_metrics = desk.evaluation_metrics(&object);
    let (model, data, results) = (model?, data.ok()?, results?);
    Some(model.with_stores(data, results, evaluation_metrics, Dialect::Seed))
}

/// What is wrong has been told.
struct Complained;

impl Desk<'_> {
    fn model(&mut self, root: &Object<'_>) -> Option<Model> {
        let pair = self.child(root, &["model_definition"], Need::Required)?;
        let path = root.path_of(&pair.key);
        let model = self.object(&pair.value, path, pair.key_span.clone(), &MODEL)?;
        self.one_spelling(&model, HREF);
        let framework = self.framework(&model);
        let name = self.name(&model);
        let author = self.author(&model);
        let description = self.prose(&model, &["description"], Need::Optional);
        let execution = self.execution(&model);
        let href = self.line(&model, HREF, Need::Optional).map(|text| text.value);
        let (command, size, terms) = execution?;
        Some(Model {
            framework: framework?,
            name: name?,
            author,
            description: description.map(|text| text.value.trim().to_owned()),
            command,
            size,
            terms,
            href,
            as_written: AsWritten::default(),
        })
    }

    fn framework(&mut self, model: &Object<'_>) -> Option<FrameworkRef> {
        let pair = self.child(model, &["framework"], Need::Required)?;
        let path = model.path_of(&pair.key);
        let object = self.object(&pair.value, path, pair.key_span.clone(), &FRAMEWORK)?;
        let name = self.line(&object, &["name"], Need::Required);
        let version = self.line(&object, &["version"], Need::Required);
        let (name, version) = (name?, version?);
        let wanted = FrameworkRef { name: name.value.clone(), version: version.value.clone() };
        self.is_to_be_had(&wanted, &name, &version);
        Some(wanted)
    }

    fn execution(&mut self, model: &Object<'_>) -> Option<(String, Size, Terms)> {
        let pair = self.child(model, &["execution"], Need::Required)?;
        let path = model.path_of(&pair.key);
        let object = self.object(&pair.value, path, pair.key_span.clone(), &EXECUTION)?;
        let command = self.command(&object);
        let size = self.size(&object);
        let terms = self.terms(&object);
        Some((command?, size?, terms))
    }

    fn size(&mut self, execution: &Object<'_>) -> Option<Size> {
        let written = self.line(execution, &["resourceType"], Need::Required)?;
        if let Some(size) = Size::from_word(&written.value) {
            self.fits(size, &written);
            return Some(size);
        }
        self.no_size(&written, &Size::ALL.map(|size| (size.as_str(), size)));
        None
    }

    /// `None` when the definition names no data.
    fn data(&mut self, root: &Object<'_>) -> Result<Option<Store>, Complained> {
        let Some(pair) = self.child(root, &["training_data"], Need::Optional) else {
            return Ok(None);
        };
        let path = root.path_of(&pair.key);
        let Kind::List(items) = &pair.value.kind else {
            let message = format!("expected a list of one store, found {}", pair.value.what());
            let complaint = self.error(Code::WrongType, &path, &pair.key_span, message);
            self.complain(complaint.expected("a list").help("put the store in brackets: [ … ]"));
            // Read all the same: what is wrong inside is told in the same round.
            if matches!(pair.value.kind, Kind::Object(_)) {
                self.store(&pair.value, path, pair.key_span.clone(), &DATA, &["source"]);
            }
            return Err(Complained);
        };
        if items.is_empty() {
            let message = "the list of stores is empty";
            let complaint = self.error(Code::WrongType, &path, &pair.value.span, message);
            self.complain(
                complaint
                    .expected("a list of one store")
                    .help("take the key out if the program needs no data"),
            );
        }
        if let Some(second) = items.get(1) {
            let message = format!("a run has one store of data, here are {}", items.len());
            let anchor = second.span.start..second.span.start + 1;
            let complaint = self.error(Code::WrongType, &format!("{path}[1]"), &anchor, message);
            self.complain(
                complaint.expected("a list of one store").help("put all data into one container"),
            );
        }
        let mut store = None;
        for (index, item) in items.iter().enumerate() {
            let anchor = item.span.start..item.span.start + 1;
            let read = self.store(item, format!("{path}[{index}]"), anchor, &DATA, &["source"]);
            store = store.or(read);
        }
        if items.len() == 1 { store.map(Some).ok_or(Complained) } else { Err(Complained) }
    }
}
