//! An object whose keys are known: takes them one by one, complains about the rest.

use std::ops::Range;

use trainyard_model::code::Code;

use super::desk::Desk;
use super::placeholder::is_placeholder;
use crate::nearest::nearest;
use crate::text::{Kind, Node, Pair, Scalar};

/// The keys an object may have.
pub(super) struct Keys {
    /// Every key that is read.
    pub(super) known: &'static [&'static str],
    /// Keys people bring from elsewhere, and what to do with them.
    pub(super) strays: &'static [(&'static str, Stray)],
}

/// What a key from elsewhere stands for.
#[derive(Clone, Copy)]
pub(super) enum Stray {
    /// One of the known keys, by another name.
    Means(&'static str),
    /// Something else; this is what to do.
    Advice(&'static str),
}

/// An object at a path, and the pairs found in it.
pub(super) struct Object<'n> {
    pub(super) path: String,
    /// What is drawn when something is missing in it: its key, or its first character.
    pub(super) anchor: Range<usize>,
    pairs: Vec<(&'static str, &'n Pair)>,
}

/// A text with its place.
pub(super) struct Text {
    pub(super) value: String,
    pub(super) path: String,
    pub(super) span: Range<usize>,
}

/// Must it be there?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

impl<'n> Object<'n> {
    /// The value of a key, or of the first of its spellings that is there.
    pub(super) fn get(&self, spellings: &[&str]) -> Option<&'n Pair> {
        spellings
            .iter()
            .find_map(|spelling| self.pairs.iter().find(|(key, _)| key == spelling))
            .map(|(_, pair)| *pair)
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl Desk<'_> {
    /// Opens an object. Unknown and repeated keys are complained about; the value
    /// of a misspelt key is read as if it were spelt right, so that one slip does
    /// not make two complaints.
    pub(super) fn object<'n>(
        &mut self,
        node: &'n Node,
        path: String,
        anchor: Range<usize>,
        keys: &Keys,
    ) -> Option<Object<'n>> {
        let Kind::Object(found) = &node.kind else {
            let message = format!("expected an object, found {}", node.what());
            let complaint = self.error(Code::WrongType, &path, &node.span, message);
            self.complain(complaint.expected(format!("an object with {}", listed(keys.known))));
            return None;
        };
        let mut object = Object { path, anchor, pairs: Vec::new() };
        let later = self.later;
        let known = |pair: &Pair| {
            let written = if later { without_slip(&pair.key) } else { &pair.key };
            keys.known.iter().find(|key| **key == written).copied()
        };
        for pair in found {
            let Some(key) = known(pair) else { continue };
            if object.pairs.iter().any(|(known, _)| *known == key) {
                let message = format!("the key '{key}' is here twice");
                let path = object.path_of(key);
                let complaint = self.error(Code::DuplicateKey, &path, &pair.key_span, message);
                self.complain(complaint.help("keep one of them"));
            } else {
                object.pairs.push((key, pair));
            }
        }
        for pair in found {
            if known(pair).is_none() {
                self.unknown_key(&mut object, pair, keys);
            }
        }
        Some(object)
    }

    fn unknown_key<'n>(&mut self, object: &mut Object<'n>, pair: &'n Pair, keys: &Keys) {
        let stray = keys.strays.iter().find(|(key, _)| key.eq_ignore_ascii_case(&pair.key));
        let free = |key: &&str| !object.pairs.iter().any(|(found, _)| found == key);
        let meant = match stray {
            Some((_, Stray::Means(known))) => Some(*known),
            Some((_, Stray::Advice(_))) => None,
            None => nearest(&pair.key, keys.known.iter().copied().filter(free)),
        };
        let shown = shortened(&pair.key);
        let path = object.path_of(&shown);
        let message = format!("there is no key '{shown}' here");
        let complaint = self.error(Code::UnknownKey, &path, &pair.key_span, message);
        let complaint = match (meant, stray) {
            (Some(meant), _) => {
                if let Some(known) =
                    keys.known.iter().copied().filter(free).find(|key| *key == meant)
                {
                    object.pairs.push((known, pair));
                }
                complaint.help(format!("did you mean '{meant}'?"))
            }
            (None, Some((_, Stray::Advice(advice)))) => complaint.help(*advice),
            _ => complaint.expected(format!("one of {}", listed(keys.known))),
        };
        self.complain(complaint);
    }

    /// The child of `object` under one of these spellings; complains when it must be there.
    pub(super) fn child<'n>(
        &mut self,
        object: &Object<'n>,
        spellings: &[&str],
        need: Need,
    ) -> Option<&'n Pair> {
        let pair = object
            .get(spellings)
            .filter(|pair| need == Need::Required || !matches!(pair.value.kind, Kind::Null));
        if pair.is_none() && need == Need::Required {
            self.missing(object, spellings[0]);
        }
        pair
    }

    pub(super) fn missing(&mut self, object: &Object<'_>, key: &str) {
        let path = object.path_of(key);
        let message = format!("the key '{key}' is missing");
        let anchor = object.anchor.clone();
        let complaint = self.error(Code::MissingKey, &path, &anchor, message);
        self.complain(complaint);
    }

    /// A text that is not empty and no placeholder.
    pub(super) fn text(
        &mut self,
        object: &Object<'_>,
        spellings: &[&str],
        need: Need,
    ) -> Option<Text> {
        let text = self.prose(object, spellings, need)?;
        if is_placeholder(&text.value) {
            let message = "a placeholder of the documentation was left in";
            let complaint = self.error(Code::Placeholder, &text.path, &text.span, message);
            self.complain(complaint.help(format!("put your own {} here", spellings[0])));
            return None;
        }
        Some(text)
    }

    /// Like [`text`](Self::text), on one line and without control characters.
    pub(super) fn line(
        &mut self,
        object: &Object<'_>,
        spellings: &[&str],
        need: Need,
    ) -> Option<Text> {
        let text = self.text(object, spellings, need)?;
        let value = text.value.trim();
        if value.chars().any(char::is_control) {
            let message = "a line break or another control character stands in this text";
            let complaint = self.error(Code::WrongType, &text.path, &text.span, message);
            self.complain(complaint.expected("a text on one line"));
            return None;
        }
        Some(Text { value: value.to_owned(), ..text })
    }

    /// Free text: not empty, but angle brackets may mean what they like.
    pub(super) fn prose(
        &mut self,
        object: &Object<'_>,
        spellings: &[&str],
        need: Need,
    ) -> Option<Text> {
        let pair = self.child(object, spellings, need)?;
        let path = object.path_of(&pair.key);
        let span = pair.value.span.clone();
        let Kind::Scalar(scalar, value) = &pair.value.kind else {
            let (message, span) = match pair.value.kind {
                Kind::Null => ("this key has no value".to_owned(), &pair.key_span),
                _ => (format!("expected a text, found {}", pair.value.what()), &span),
            };
            let complaint = self.error(Code::WrongType, &path, span, message);
            self.complain(complaint.expected("a text"));
            return None;
        };
        if *scalar == Scalar::Bool {
            let message = format!("expected a text, found {}", pair.value.what());
            let complaint = self.error(Code::WrongType, &path, &span, message);
            self.complain(complaint.expected("a text").help("put it in quotes if it is meant so"));
            return None;
        }
        let (message, expected) = if value.trim().is_empty() {
            ("this text is empty", "a text that says something")
        } else if value.contains('\0') {
            ("a NUL character stands in this text", "a text without NUL characters")
        } else {
            return Some(Text { value: value.clone(), path, span });
        };
        let complaint = self.error(Code::WrongType, &path, &span, message);
        self.complain(complaint.expected(expected));
        None
    }

    /// The same thing said under two spellings.
    pub(super) fn one_spelling(&mut self, object: &Object<'_>, spellings: &[&'static str]) {
        let mut found = spellings.iter().filter_map(|key| object.get(&[key]));
        let Some(first) = found.next() else { return };
        for second in found {
            let message = format!("'{}' and '{}' say the same", first.key, second.key);
            let path = object.path_of(&second.key);
            let complaint = self.error(Code::DuplicateKey, &path, &second.key_span, message);
            self.complain(complaint.help("keep one of them"));
        }
    }
}

/// A page of 2018 has `step": 0.001` in its YAML, and people copied it: the quote is read as
/// a part of the key.
fn without_slip(key: &str) -> &str {
    key.strip_suffix('"').filter(|bare| !bare.contains('"')).unwrap_or(key)
}

/// `'a', 'b' or 'c'`.
pub(super) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A word of the user's for a message: one line, not endless.
pub(super) fn shortened(word: &str) -> String {
    const LONGEST: usize = 60;
    let escaped: String = word.chars().take(LONGEST + 1).flat_map(char::escape_debug).collect();
    if word.chars().count() <= LONGEST {
        return escaped;
    }
    let kept: String = word.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    format!("{kept}…")
}
