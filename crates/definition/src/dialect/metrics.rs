//! `evaluation_metrics`: where the program's metrics are to be found, as FfDL's manifest has
//! it. It may stand at the top of every dialect.

use std::ops::Range;

use regex::RegexBuilder;
use trainyard_model::code::Code;
use trainyard_model::evaluation::{
    EvaluationMetrics, MOST_LINES, MetricsBinding, MetricsGroup, MetricsKind, PATTERN_BYTES,
    macros, written_out,
};

use super::desk::Desk;
use super::object::{Keys, Need, Object, Stray, listed, shortened};
use crate::nearest::nearest;
use crate::text::{Kind, Node, Pair};

/// The key.
pub(super) const EVALUATION_METRICS: &str = "evaluation_metrics";

const METRICS: Keys = Keys {
    // `image_tag` names an image of FfDL's own, `eventTypes` says what is read anyway.
    known: &["type", "in", "image_tag", "line_lookahead", "eventTypes", "groups"],
    strays: &[
        ("path", Stray::Means("in")),
        ("event_types", Stray::Means("eventTypes")),
        ("lookahead", Stray::Means("line_lookahead")),
        ("regex", Stray::Advice("it belongs into a group: 'groups: {train: {regex: …}}'")),
    ],
};
const GROUP: Keys = Keys {
    known: &["regex", "meta", "scalars", "etimes"],
    strays: &[
        ("values", Stray::Means("scalars")),
        ("time", Stray::Advice("it belongs into 'meta'")),
    ],
};
const META: Keys = Keys { known: &["time"], strays: &[] };
const BINDING: Keys = Keys { known: &["type", "value"], strays: &[] };

/// More groups, or names in one, than anybody needs.
const MOST_GROUPS: usize = 100;

impl Desk<'_> {
    /// What the object says under `evaluation_metrics`; nothing where it says nothing, and
    /// where that is wrong.
    pub(super) fn evaluation_metrics(&mut self, root: &Object<'_>) -> Option<EvaluationMetrics> {
        let pair = self.child(root, &[EVALUATION_METRICS], Need::Optional)?;
        let path = root.path_of(&pair.key);
        let object = self.object(&pair.value, path, pair.key_span.clone(), &METRICS)?;
        let (kind, kind_word) = self.metrics_kind(&object)?;
        let place = self.line(&object, &["in"], Need::Optional).map(|text| text.value);
        let line_lookahead = self.lookahead(&object);
        let groups = self.groups(&object);
        if kind == MetricsKind::Patterns && object.get(&["groups"]).is_none() {
            self.missing(&object, "groups");
        }
        Some(EvaluationMetrics { kind, kind_word, place, line_lookahead, groups })
    }

    fn metrics_kind(&mut self, object: &Object<'_>) -> Option<(MetricsKind, Option<String>)> {
        let is_empty = |pair: &Pair| matches!(&pair.value.kind, Kind::Scalar(_, text) if text.trim().is_empty());
        if object.get(&["type"]).is_none_or(is_empty) {
            // FfDL: nothing said is `logger`.
            let kind = if object.get(&["groups"]).is_some() {
                MetricsKind::Patterns
            } else {
                MetricsKind::Everything
            };
            return Some((kind, None));
        }
        if self.child(object, &["type"], Need::Optional).is_none() {
            return Some((MetricsKind::Everything, None));
        }
        let written = self.line(object, &["type"], Need::Optional)?;
        if let Some(kind) = MetricsKind::from_word(&written.value) {
            return Some((kind, Some(written.value)));
        }
        let words = MetricsKind::WORDS.map(|(word, _)| word);
        let message = format!("there is no kind of metrics '{}'", shortened(&written.value));
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        let complaint = complaint.expected(listed(&words));
        self.complain(match nearest(&written.value, words) {
            Some(meant) => complaint.help(format!("did you mean '{meant}'?")),
            None => complaint,
        });
        None
    }

    fn lookahead(&mut self, object: &Object<'_>) -> Option<u32> {
        let written = self.line(object, &["line_lookahead"], Need::Optional)?;
        let number = written.value.parse::<u32>().ok();
        if let Some(number) = number.filter(|number| (1..=MOST_LINES).contains(number)) {
            return Some(number);
        }
        let message = format!("'{}' is not a number of lines", shortened(&written.value));
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        self.complain(complaint.expected(format!("a whole number from 1 to {MOST_LINES}")));
        None
    }

    fn groups(&mut self, metrics: &Object<'_>) -> Vec<MetricsGroup> {
        let Some(pair) = self.child(metrics, &["groups"], Need::Optional) else {
            return Vec::new();
        };
        let path = metrics.path_of(&pair.key);
        let Some(pairs) = self.named(&pair.value, &path, "a group") else { return Vec::new() };
        let groups = pairs.iter().map(|group| self.group(group, &path));
        groups.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// An object whose keys are the user's names.
    fn named<'n>(&mut self, node: &'n Node, path: &str, of: &str) -> Option<&'n [Pair]> {
        let Kind::Object(pairs) = &node.kind else {
            let message = format!("expected an object, found {}", node.what());
            let complaint = self.error(Code::WrongType, path, &node.span, message);
            self.complain(complaint.expected(format!("an object with {of} under each name")));
            return None;
        };
        if pairs.len() > MOST_GROUPS {
            let message = format!("more than {MOST_GROUPS} names stand here");
            let complaint = self.error(Code::DefinitionTooLarge, path, &node.span, message);
            self.complain(complaint);
            return None;
        }
        for (at, pair) in pairs.iter().enumerate() {
            if pairs[..at].iter().any(|earlier| earlier.key == pair.key) {
                let shown = shortened(&pair.key);
                let path = format!("{path}.{shown}");
                let message = format!("the name '{shown}' is here twice");
                let complaint = self.error(Code::DuplicateKey, &path, &pair.key_span, message);
                self.complain(complaint.help("keep one of them"));
            }
        }
        Some(pairs)
    }

    fn group(&mut self, pair: &Pair, path: &str) -> Option<MetricsGroup> {
        let path = format!("{path}.{}", shortened(&pair.key));
        let object = self.object(&pair.value, path, pair.key_span.clone(), &GROUP)?;
        let found = self.regex(&object);
        // FfDL panics without `meta`; here it may be left out.
        let time = self.child(&object, &["meta"], Need::Optional).and_then(|pair| {
            let path = object.path_of(&pair.key);
            let meta = self.object(&pair.value, path, pair.key_span.clone(), &META)?;
            self.line(&meta, &["time"], Need::Optional)
        });
        let names = found.as_ref().map(|(_, names)| names.as_slice());
        if let (Some(time), Some(names)) = (&time, names) {
            self.bound(&time.value, names, &time.path, &time.span);
        }
        let scalars = self.bindings(&object, "scalars", names);
        let etimes = self.bindings(&object, "etimes", names);
        let (regex, _) = found?;
        let time = time.map(|time| time.value);
        Some(MetricsGroup { name: pair.key.clone(), regex, time, scalars, etimes })
    }

    /// The expression, and the names of its groups.
    fn regex(&mut self, group: &Object<'_>) -> Option<(String, Vec<String>)> {
        let written = self.prose(group, &["regex"], Need::Required)?;
        let text = match written_out(&written.value) {
            Ok(text) => text,
            Err(unknown) => {
                let complaint = self.error(
                    Code::UnknownValue,
                    &written.path,
                    &written.span,
                    unknown.to_string(),
                );
                let known: Vec<&str> = macros().collect();
                self.complain(complaint.expected(listed(&known)));
                return None;
            }
        };
        let mut builder = RegexBuilder::new(&text);
        match builder.size_limit(PATTERN_BYTES).build() {
            Ok(regex) => {
                let names = regex.capture_names().flatten().map(str::to_owned).collect();
                Some((written.value, names))
            }
            Err(error) => {
                let why = plain(&error);
                let message = format!("this is no regular expression that can be used: {why}");
                let complaint =
                    self.error(Code::UnknownValue, &written.path, &written.span, message);
                let help = "expressions are matched in linear time: there is no looking ahead or \
                            behind, and no reference to a group";
                self.complain(complaint.help(help));
                None
            }
        }
    }

    fn bindings(
        &mut self,
        group: &Object<'_>,
        key: &'static str,
        names: Option<&[String]>,
    ) -> Vec<MetricsBinding> {
        let Some(pair) = self.child(group, &[key], Need::Optional) else { return Vec::new() };
        let path = group.path_of(&pair.key);
        let Some(pairs) = self.named(&pair.value, &path, "{type, value}") else {
            return Vec::new();
        };
        let mut bindings = Vec::new();
        for pair in pairs {
            let path = format!("{path}.{}", shortened(&pair.key));
            let anchor = pair.key_span.clone();
            let Some(object) = self.object(&pair.value, path, anchor, &BINDING) else { continue };
            let Some(value) = self.line(&object, &["value"], Need::Required) else { continue };
            if let Some(names) = names {
                self.bound(&value.value, names, &value.path, &value.span);
            }
            bindings.push(MetricsBinding { name: pair.key.clone(), value: value.value });
        }
        bindings
    }

    /// A `$name` must be the name of a group of the expression.
    fn bound(&mut self, value: &str, names: &[String], path: &str, span: &Range<usize>) {
        let Some(name) = value.strip_prefix('$') else { return };
        if names.iter().any(|known| known == name) {
            return;
        }
        let message = format!("the expression has no group '{}'", shortened(name));
        let complaint = self.error(Code::UnknownValue, path, span, message);
        let complaint = match nearest(name, names.iter().map(String::as_str)) {
            Some(meant) => complaint.help(format!("did you mean '${meant}'?")),
            None if names.is_empty() => {
                complaint.help("give a part of it a name: '(?P<loss>…)' or '%{FLOAT:loss}'")
            }
            None => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                complaint.expected(listed(&names))
            }
        };
        self.complain(complaint);
    }
}

/// What is wrong with an expression, in one line.
fn plain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it would take too much memory".to_owned(),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}
