//! YAML into the tree, from the events of `granit-parser`.
//!
//! Scalars keep the text they are written as (`version: 1.10` stays `1.10`);
//! aliases are copied under the budget that counts every value.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Tag};
use trainyard_model::diagnostic::Diagnostic;

use super::{DEPTH, Kind, Node, Pair, Parsed, Scalar, VALUES, syntax_error};

/// Reads `text`; the tree is there when the parser came to the end.
pub(super) fn parse(text: &str) -> Parsed {
    let mut builder = Builder {
        text,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        values: 0,
        complaints: Vec::new(),
    };
    if let Err(fatal) = builder.run() {
        builder.complaints.push(*fatal);
        builder.root = None;
    }
    let Builder { root, complaints, .. } = builder;
    Parsed { root, complaints }
}

/// A list or object whose end has not come yet.
struct Open {
    anchor: usize,
    start: usize,
    holds: Holds,
}

enum Holds {
    List(Vec<Node>),
    Object(Vec<Pair>, Option<(String, Range<usize>)>),
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    values: usize,
    complaints: Vec<Diagnostic>,
}

type Fatal = Box<Diagnostic>;

impl Builder<'_> {
    fn run(&mut self) -> Result<(), Fatal> {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: DEPTH + 1,
            block_nesting_limit: DEPTH + 1,
        };
        let text = self.text;
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| self.scan_error(&error))?;
            let bytes = span.byte_range().unwrap_or(0..0);
            let bytes = bytes.start..bytes.end.max(bytes.start);
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let complaint = syntax_error(
                            text,
                            bytes.start,
                            bytes.end,
                            "a second document begins here",
                        )
                        .help("one file holds one definition");
                        self.complaints.push(complaint);
                        return Ok(());
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let scalar = self.scalar(&value, style, tag.as_deref(), &bytes);
                    let node = Node::new(scalar, self.trimmed(bytes));
                    self.place(node, anchor)?;
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.tag(tag.as_deref(), &bytes);
                    self.begin(Holds::List(Vec::new()), anchor, bytes.start)?;
                }
                Event::MappingStart(_, anchor, tag) => {
                    self.tag(tag.as_deref(), &bytes);
                    self.begin(Holds::Object(Vec::new(), None), anchor, bytes.start)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(bytes.end)?,
                Event::Alias(anchor) => self.alias(anchor, bytes)?,
                // The stream's ends, and comments where another crate turned their feature on.
                _ => {}
            }
        }
        if self.root.as_ref().is_none_or(|root| matches!(root.kind, Kind::Null)) {
            return Err(syntax_error(text, 0, 0, "the definition is empty").into());
        }
        Ok(())
    }

    fn scan_error(&self, error: &granit_parser::ScanError) -> Fatal {
        let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        let end = self.text[at..].chars().next().map_or(at, |found| at + found.len_utf8());
        Box::new(match error.kind() {
            ErrorKind::RecursionLimitExceeded => super::too_deep(self.text, at),
            ErrorKind::UnknownAnchor => {
                syntax_error(self.text, at, end, "this alias has no anchor before it")
            }
            ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed => {
                syntax_error(self.text, at, end, "YAML does not indent with tabs")
                    .help("use spaces")
            }
            kind => syntax_error(self.text, at, end, format!("this is not YAML: {kind}")),
        })
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        bytes: &Range<usize>,
    ) -> Kind {
        let text = tag.is_some_and(|tag| tag.core_suffix() == Some("str") || is_plain_bang(tag));
        self.tag(tag, bytes);
        if text || style != ScalarStyle::Plain {
            return Kind::Scalar(Scalar::Text, value.to_owned());
        }
        match value {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => {
                Kind::Scalar(Scalar::Bool, value.to_owned())
            }
            _ if is_number(value) => Kind::Scalar(Scalar::Number, value.to_owned()),
            _ => Kind::Scalar(Scalar::Text, value.to_owned()),
        }
    }

    /// Tags of one's own mean nothing here; those of YAML's core are let pass.
    fn tag(&mut self, tag: Option<&Tag>, bytes: &Range<usize>) {
        const CORE: [&str; 7] = ["str", "int", "float", "bool", "null", "map", "seq"];
        let Some(tag) = tag else { return };
        if is_plain_bang(tag) || tag.core_suffix().is_some_and(|suffix| CORE.contains(&suffix)) {
            return;
        }
        let message = format!("the tag '{}' means nothing here", tag.original().escape_debug());
        let complaint = syntax_error(self.text, bytes.start, bytes.end, message);
        self.complaints.push(complaint.help("take the tag out"));
    }

    fn begin(&mut self, holds: Holds, anchor: usize, start: usize) -> Result<(), Fatal> {
        if self.open.len() >= DEPTH {
            return Err(super::too_deep(self.text, start).into());
        }
        if matches!(self.open.last(), Some(Open { holds: Holds::Object(_, None), .. })) {
            return Err(self.strange_key(start, start + 1));
        }
        self.open.push(Open { anchor, start, holds });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), Fatal> {
        let Some(Open { anchor, start, holds }) = self.open.pop() else { return Ok(()) };
        let kind = match holds {
            Holds::List(items) => Kind::List(items),
            Holds::Object(pairs, _) => Kind::Object(pairs),
        };
        let span = self.trimmed(start..end.max(start));
        self.place(Node::new(kind, span), anchor)
    }

    fn alias(&mut self, anchor: usize, bytes: Range<usize>) -> Result<(), Fatal> {
        let Some(meant) = self.anchors.get(&anchor) else {
            let message = "this alias stands inside what it means";
            return Err(syntax_error(self.text, bytes.start, bytes.end, message).into());
        };
        if self.open.len() + meant.depth() > DEPTH {
            return Err(super::too_deep(self.text, bytes.start).into());
        }
        // Counted before it is copied: this is where a bomb of aliases ends.
        self.values += meant.count();
        if self.values > VALUES {
            return Err(super::too_many(self.text, bytes.start).into());
        }
        let node = Node::new(meant.kind.clone(), bytes);
        self.place(node, 0)
    }

    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Fatal> {
        self.values += 1;
        if self.values > VALUES {
            return Err(super::too_many(self.text, node.span.start).into());
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.holds) {
            None => self.root = Some(node),
            Some(Holds::List(items)) => items.push(node),
            Some(Holds::Object(pairs, waiting)) => match waiting.take() {
                Some((key, key_span)) => pairs.push(Pair { key, key_span, value: node }),
                None => match node.kind {
                    Kind::Scalar(_, key) => *waiting = Some((key, node.span)),
                    _ => return Err(self.strange_key(node.span.start, node.span.end)),
                },
            },
        }
        Ok(())
    }

    fn strange_key(&self, start: usize, end: usize) -> Fatal {
        syntax_error(self.text, start, end, "a key must be a text").into()
    }

    /// The parser's spans of blocks run on to where the next thing begins.
    fn trimmed(&self, bytes: Range<usize>) -> Range<usize> {
        let end = self
            .text
            .get(bytes.clone())
            .map_or(bytes.end, |slice| bytes.start + slice.trim_end().len());
        bytes.start..end
    }
}

/// A lone `!`, which says "take it as text".
fn is_plain_bang(tag: &Tag) -> bool {
    tag.original() == "!"
}

/// The numbers of YAML 1.2's core schema.
fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let radix = |prefix: &str, base: u32| {
        word.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(base)))
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let plain = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|text| {
            let text = text.strip_prefix(['-', '+']).unwrap_or(text);
            !text.is_empty() && digits(text)
        });
    plain
        || radix("0x", 16)
        || radix("0o", 8)
        || matches!(unsigned, ".inf" | ".Inf" | ".INF")
        || matches!(word, ".nan" | ".NaN" | ".NAN")
}
