//! The tree both syntaxes are read into.

use std::ops::Range;

/// A value and the bytes of the text it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// What kind of value.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Scalar(Scalar, String),
    List(Vec<Node>),
    Object(Vec<Pair>),
}

/// What a scalar is. The text beside it is always the one in the source
/// (escapes resolved), so that `1.10` stays `1.10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    Number,
    Bool,
}

/// A key with its value. The same key may come twice: who reads, complains.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn new(kind: Kind, span: Range<usize>) -> Self {
        Self { kind, span }
    }

    /// Is nothing said?
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// How many values, itself included.
    pub(crate) fn count(&self) -> usize {
        match &self.kind {
            Kind::Null | Kind::Scalar(..) => 1,
            Kind::List(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Kind::Object(pairs) => 1 + pairs.iter().map(|pair| pair.value.count()).sum::<usize>(),
        }
    }

    /// How many lists and objects lie in one another in it.
    pub(crate) fn depth(&self) -> usize {
        match &self.kind {
            Kind::Null | Kind::Scalar(..) => 0,
            Kind::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Kind::Object(pairs) => {
                1 + pairs.iter().map(|pair| pair.value.depth()).max().unwrap_or(0)
            }
        }
    }

    /// What it is, for "expected a text, found …". Never the value itself:
    /// it may be a secret.
    pub(crate) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(Scalar::Text, _) => "a text",
            Kind::Scalar(Scalar::Number, _) => "a number",
            Kind::Scalar(Scalar::Bool, _) => "true or false",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
        }
    }
}
