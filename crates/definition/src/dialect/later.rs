//! The dialects of the years after the seed, read as one that is the sum of them.
//!
//! From the translated pages of about 2018-01 over the manifests of 2018 to what API clients
//! send and what our own `GET` answers: `training_data_reference` as an object or a list of
//! one, `training_results_reference`, sizes under three keys and in two sets of words, and
//! `runtimes` beside the framework's version. Real manifests mix them, so this module does
//! not tell them apart.

use std::ops::Range;

use trainyard_model::code::Code;
use trainyard_model::definition::{AsWritten, FrameworkRef, Runtime, Runtimes};
use trainyard_model::terms::Terms;

use super::Dialect;
use super::desk::Desk;
use super::metrics::EVALUATION_METRICS;
use super::object::{Keys, Need, Object, Stray, shortened};
use super::parts::{HREF, Model};
use super::plans::Plan;
use super::references::Role;
use super::stores::Store;
use super::terms;
use crate::premises::Meant;
use crate::submission::Submission;
use crate::text::{Kind, Node};

const DATA: &[&str] = &["training_data_reference", "training_data"];
const RESULTS: &[&str] = &["training_results_reference", "training_results"];

/// `status` is what our own answer has beside the definition; it says nothing here.
const ROOT: Keys = Keys {
    known: &[
        "model_definition",
        "training_data_reference",
        "training_results_reference",
        "training_data",
        "training_results",
        EVALUATION_METRICS,
        "status",
    ],
    strays: &[
        ("framework", Stray::Advice(IN_THE_MODEL)),
        ("name", Stray::Advice(IN_THE_MODEL)),
        ("description", Stray::Advice(IN_THE_MODEL)),
        ("author", Stray::Advice(IN_THE_MODEL)),
        ("execution", Stray::Advice(IN_THE_MODEL)),
        ("definition_href", Stray::Advice(IN_THE_MODEL)),
        ("definition_location", Stray::Advice(IN_THE_MODEL)),
        ("command", Stray::Advice("it belongs into 'model_definition.execution'")),
        ("compute_configuration", Stray::Advice("it belongs into 'model_definition.execution'")),
        ("entity", Stray::Advice("give what is in 'entity' in place of the whole answer")),
        ("metadata", Stray::Advice("give what is in 'entity' in place of the whole answer")),
    ],
};
const IN_THE_MODEL: &str = "it belongs into 'model_definition'";
const MODEL: Keys = Keys {
    known: &[
        "framework",
        "name",
        "author",
        "description",
        "execution",
        "definition_href",
        "definition_location",
    ],
    strays: &[
        ("command", Stray::Advice("it belongs into 'execution'")),
        ("resource", Stray::Advice("it belongs into 'execution'")),
        ("resourceType", Stray::Advice("it belongs into 'execution'")),
        ("compute_configuration", Stray::Advice("it belongs into 'execution'")),
        ("version", Stray::Advice("it belongs into 'framework'")),
        ("runtimes", Stray::Advice("it belongs into 'framework'")),
        ("training_definition_url", Stray::Means("definition_href")),
        ("training_definition_href", Stray::Means("definition_href")),
    ],
};
const EXECUTION: Keys = Keys {
    known: &[
        "command",
        "compute_configuration",
        "resource",
        "resourceType",
        terms::TIME_LIMIT,
        terms::QUEUE_LIMIT,
        terms::GRACE_PERIOD,
        terms::RETRY_PAUSE,
        terms::RETRIES,
    ],
    strays: &[
        ("timeout", Stray::Means(terms::TIME_LIMIT)),
        ("max_run_time", Stray::Means(terms::TIME_LIMIT)),
        ("max_queue_time", Stray::Means(terms::QUEUE_LIMIT)),
        ("grace", Stray::Means(terms::GRACE_PERIOD)),
        ("retry", Stray::Means(terms::RETRIES)),
        ("size", Stray::Means("resource")),
        ("nodes", Stray::Advice("it belongs into 'compute_configuration'")),
    ],
};

const FRAMEWORK: Keys = Keys {
    known: &["name", "version", "runtimes"],
    strays: &[
        ("runtime", Stray::Means("runtimes")),
        ("python", Stray::Advice("write it as 'runtimes: [{name: python, version: \"3.6\"}]'")),
    ],
};
const RUNTIME: Keys = Keys { known: &["name", "version"], strays: &[] };

/// Reads the tree; `None` when complaints were made that stop it.
pub(super) fn submission(desk: &mut Desk<'_>, root: &Node) -> Option<Submission> {
    let top = root.span.start..root.span.start + 1;
    let object = desk.object(root, String::new(), top, &ROOT)?;
    let model = desk.later_model(&object);
    desk.one_spelling(&object, DATA);
    desk.one_spelling(&object, RESULTS);
    let data = match desk.child(&object, DATA, Need::Optional) {
        None => Some(None),
        Some(pair) => {
            let path = object.path_of(&pair.key);
            desk.only_store(&pair.value, path, pair.key_span.clone(), Role::Data).map(Some)
        }
    };
    let results = desk.child(&object, RESULTS, Need::Required).and_then(|pair| {
        let path = object.path_of(&pair.key);
        desk.only_store(&pair.value, path, pair.key_span.clone(), Role::Results)
    });
    let evaluation_metrics = desk.evaluation_metrics(&object);
    let (model, data, results) = (model?, data?, results?);
    Some(model.with_stores(data, results, evaluation_metrics, Dialect::Later))
}

impl Desk<'_> {
    fn later_model(&mut self, root: &Object<'_>) -> Option<Model> {
        let pair = self.child(root, &["model_definition"], Need::Required)?;
        let path = root.path_of(&pair.key);
        let model = self.object(&pair.value, path, pair.key_span.clone(), &MODEL)?;
        self.one_spelling(&model, HREF);
        let framework = self.later_framework(&model);
        let name = self.name(&model);
        let author = self.author(&model);
        let description = self.prose(&model, &["description"], Need::Optional);
        let execution = self.later_execution(&model);
        let href = self.line(&model, HREF, Need::Optional).map(|text| text.value);
        let (command, plan, terms) = execution?;
        let Framework { meant, version, runtimes } = framework?;
        Some(Model {
            framework: meant,
            name: name?,
            author,
            description: description.map(|text| text.value.trim().to_owned()),
            command,
            size: plan.size,
            terms,
            href,
            as_written: AsWritten { size: plan.word, version, runtimes },
        })
    }

    fn later_framework(&mut self, model: &Object<'_>) -> Option<Framework> {
        let pair = self.child(model, &["framework"], Need::Required)?;
        let path = model.path_of(&pair.key);
        let object = self.object(&pair.value, path, pair.key_span.clone(), &FRAMEWORK)?;
        let name = self.line(&object, &["name"], Need::Required);
        let version = self.line(&object, &["version"], Need::Required);
        let runtimes = self.runtimes(&object);
        let (name, version, runtimes) = (name?, version?, runtimes.ok()?);
        let wanted = FrameworkRef { name: name.value.clone(), version: version.value.clone() };
        let python = runtimes.as_ref().and_then(Runtimes::python);
        let Some(Meant { framework, warning }) = self.premises.meant(&wanted, python) else {
            self.is_to_be_had(&wanted, &name, &version);
            return Some(Framework { meant: wanted, version: None, runtimes });
        };
        if let Some(warning) = warning {
            self.complain_at(warning, &version.path, &version.span);
        }
        self.is_to_be_had(&framework, &name, &version);
        let written = (framework.version != version.value).then_some(version.value);
        Some(Framework { meant: framework, version: written, runtimes })
    }

    /// `None` inside when there are none.
    fn runtimes(&mut self, framework: &Object<'_>) -> Result<Option<Runtimes>, Complained> {
        let Some(pair) = self.child(framework, &["runtimes"], Need::Optional) else {
            return Ok(None);
        };
        let path = framework.path_of(&pair.key);
        let Kind::List(items) = &pair.value.kind else {
            let one = self.runtime(&pair.value, path, pair.key_span.clone());
            return one.map(|one| Some(Runtimes::One(one))).ok_or(Complained);
        };
        let mut list = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let anchor = item.span.start..item.span.start + 1;
            list.push(self.runtime(item, format!("{path}[{index}]"), anchor));
        }
        let list: Option<Vec<Runtime>> = list.into_iter().collect();
        list.map(|list| Some(Runtimes::List(list))).ok_or(Complained)
    }

    fn runtime(&mut self, node: &Node, path: String, anchor: Range<usize>) -> Option<Runtime> {
        let object = self.object(node, path, anchor, &RUNTIME)?;
        let name = self.line(&object, &["name"], Need::Required);
        let version = self.line(&object, &["version"], Need::Required);
        let (name, version) = (name?, version?);
        let is_number = version
            .value
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        if name.value.eq_ignore_ascii_case("python") && !is_number {
            let message = format!("there is no Python '{}'", shortened(&version.value));
            let complaint = self.error(Code::UnknownValue, &version.path, &version.span, message);
            self.complain(complaint.expected("a version such as '3.6'"));
            return None;
        }
        Some(Runtime { name: name.value, version: version.value })
    }

    fn later_execution(&mut self, model: &Object<'_>) -> Option<(String, Plan, Terms)> {
        let pair = self.child(model, &["execution"], Need::Required)?;
        let path = model.path_of(&pair.key);
        let object = self.object(&pair.value, path, pair.key_span.clone(), &EXECUTION)?;
        let command = self.command(&object);
        let plan = self.plan(&object);
        let terms = self.terms(&object);
        Some((command?, plan?, terms))
    }

    /// The store, or the only one of a list.
    fn only_store(
        &mut self,
        node: &Node,
        path: String,
        anchor: Range<usize>,
        role: Role,
    ) -> Option<Store> {
        let Kind::List(items) = &node.kind else {
            return self.reference(node, path, anchor, role);
        };
        if items.is_empty() {
            let message = "the list of stores is empty";
            let complaint = self.error(Code::WrongType, &path, &node.span, message);
            let complaint = complaint.expected("one store");
            self.complain(match role {
                Role::Data => complaint.help("take the key out if the program needs no data"),
                Role::Results | Role::Any => complaint,
            });
        }
        if let Some(second) = items.get(1) {
            let message = format!("a run has one store here, and these are {}", items.len());
            let anchor = second.span.start..second.span.start + 1;
            let complaint = self.error(Code::WrongType, &format!("{path}[1]"), &anchor, message);
            let complaint = complaint.expected("one store");
            self.complain(complaint.help("put everything into one bucket"));
        }
        let mut stores = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let anchor = item.span.start..item.span.start + 1;
            stores.push(self.reference(item, format!("{path}[{index}]"), anchor, role));
        }
        if stores.len() == 1 { stores.pop().flatten() } else { None }
    }
}

/// What is wrong has been told.
struct Complained;

struct Framework {
    /// As it is called at the premises.
    meant: FrameworkRef,
    /// The version as it was written, where that is another word.
    version: Option<String>,
    runtimes: Option<Runtimes>,
}
