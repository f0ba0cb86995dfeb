//! JSON into the tree: strict about what it accepts, patient about what it meets.
//!
//! Written by hand because it goes on after the slips people make (a trailing
//! comma, a comment, a missing comma, the wrong quotes), so that one reading
//! tells all of them and the complaints about keys and values as well. It
//! accepts nothing that JSON does not.

use trainyard_model::diagnostic::Diagnostic;

use super::{COMPLAINTS, DEPTH, Kind, Node, Pair, Parsed, Scalar, VALUES};

/// A position in the text, and what was complained about so far.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    values: usize,
    complaints: Vec<Diagnostic>,
}

/// Reads `text`; the tree is there when every slip could be got over.
pub(super) fn parse(text: &str) -> Parsed {
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader { text, at, values: 0, complaints: Vec::new() };
    reader.space();
    let root = match reader.peek() {
        None => {
            reader.complain(0, 0, "the definition is empty");
            None
        }
        Some(b'{' | b'[') => reader.value(0).filter(|_| reader.end()),
        Some(_) => {
            let (start, word) = (reader.at, reader.bare_word().len().max(1));
            reader.complain_help(
                start,
                start + word,
                "a definition in JSON opens with '{'",
                "if it is YAML, let its file's name end in .yml",
            );
            None
        }
    };
    let Reader { complaints, .. } = reader;
    Parsed { root, complaints }
}

impl<'t> Reader<'t> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn complain(&mut self, start: usize, end: usize, message: impl Into<String>) {
        self.complaints.push(super::syntax_error(self.text, start, end, message));
    }

    pub(super) fn complain_help(
        &mut self,
        start: usize,
        end: usize,
        message: impl Into<String>,
        help: &str,
    ) {
        self.complaints.push(super::syntax_error(self.text, start, end, message).help(help));
    }

    /// Skips white space, and comments with a complaint.
    fn space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let start = self.at;
            if rest.starts_with([' ', '\t', '\n', '\r']) {
                self.at += 1;
            } else if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
                self.comment(start);
            } else if rest.starts_with("/*") {
                self.at += rest.find("*/").map_or(rest.len(), |at| at + 2);
                self.comment(start);
            } else {
                return;
            }
        }
    }

    fn comment(&mut self, start: usize) {
        // Once is enough: who writes one comment writes ten.
        if !self.complaints.iter().any(|told| told.message.starts_with("JSON has no comments")) {
            self.complain_help(
                start,
                self.at,
                "JSON has no comments",
                "take the comments out, or write the definition in YAML",
            );
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        let start = self.at;
        self.values += 1;
        let stop = if depth > DEPTH {
            Some(super::too_deep(self.text, start))
        } else if self.values > VALUES {
            Some(super::too_many(self.text, start))
        } else {
            None
        };
        if let Some(stop) = stop {
            self.complaints.push(stop);
            return None;
        }
        if self.complaints.len() > COMPLAINTS {
            return None;
        }
        let kind = match self.peek() {
            None => {
                self.complain(start, start, "the text ends where a value was expected");
                return None;
            }
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'[') => Kind::List(self.list(depth)?),
            Some(b'"' | b'\'') => Kind::Scalar(Scalar::Text, self.string()?),
            Some(_) => self.word()?,
        };
        Some(Node::new(kind, start..self.at))
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Kind> {
        let start = self.at;
        let word = self.bare_word();
        match word {
            "null" => return Some(Kind::Null),
            "true" | "false" => return Some(Kind::Scalar(Scalar::Bool, word.to_owned())),
            _ if is_number(word) => return Some(Kind::Scalar(Scalar::Number, word.to_owned())),
            "" => {
                let found = self.text[start..].chars().next().unwrap_or(' ');
                let end = start + found.len_utf8();
                let complaint = super::syntax_error(
                    self.text,
                    start,
                    end,
                    format!("a value was expected, not '{}'", found.escape_debug()),
                );
                self.complaints.push(complaint);
                return None;
            }
            _ => {}
        }
        let (message, help) = match word {
            "None" | "NULL" | "undefined" | "nil" => ("JSON writes nothing as null", "write null"),
            "True" | "TRUE" => ("JSON writes truth in small letters", "write true"),
            "False" | "FALSE" => ("JSON writes truth in small letters", "write false"),
            _ if word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
                ("this is not a number of JSON", "put it in double quotes if a text is meant")
            }
            _ => ("a text stands without quotes", "put it in double quotes"),
        };
        self.complain_help(start, self.at, message, help);
        Some(Kind::Scalar(Scalar::Text, word.to_owned()))
    }

    fn bare_word(&mut self) -> &'t str {
        let text: &'t str = self.text;
        let rest = &text[self.at..];
        let ends = |c: char| c.is_whitespace() || c.is_control() || "{}[],:\"'".contains(c);
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn list(&mut self, depth: usize) -> Option<Vec<Node>> {
        let opened = self.at;
        self.at += 1;
        let mut items = Vec::new();
        let mut comma = None;
        loop {
            self.space();
            if self.closes(b']', opened, comma)? {
                return Some(items);
            }
            self.separated(items.is_empty(), comma);
            items.push(self.value(depth + 1)?);
            comma = self.comma();
        }
    }

    fn object(&mut self, depth: usize) -> Option<Vec<Pair>> {
        let opened = self.at;
        self.at += 1;
        let mut pairs = Vec::new();
        let mut comma = None;
        loop {
            self.space();
            if self.closes(b'}', opened, comma)? {
                return Some(pairs);
            }
            self.separated(pairs.is_empty(), comma);
            let (key, key_span) = self.key()?;
            self.space();
            if self.peek() != Some(b':') {
                let end = self.at + usize::from(self.peek().is_some());
                self.complain(self.at, end, "a ':' was expected between key and value");
                return None;
            }
            self.at += 1;
            self.space();
            let value = self.value(depth + 1)?;
            pairs.push(Pair { key, key_span, value });
            comma = self.comma();
        }
    }

    fn key(&mut self) -> Option<(String, std::ops::Range<usize>)> {
        let start = self.at;
        if matches!(self.peek(), Some(b'"' | b'\'')) {
            return Some((self.string()?, start..self.at));
        }
        let word = self.bare_word();
        if word.is_empty() {
            self.complain(start, start + 1, "a key in double quotes was expected");
            return None;
        }
        let message = "JSON wants double quotes around keys";
        self.complain_help(start, self.at, message, "put the key in double quotes");
        Some((word.to_owned(), start..self.at))
    }

    /// Takes the closing bracket if it is there; complains about a comma just
    /// before it. `None` when the text ends or another bracket closes.
    fn closes(&mut self, bracket: u8, opened: usize, comma: Option<usize>) -> Option<bool> {
        match self.peek() {
            Some(byte) if byte == bracket => {
                if let Some(comma) = comma {
                    self.complain_help(
                        comma,
                        comma + 1,
                        "JSON allows no comma after the last entry",
                        "take this comma out",
                    );
                }
                self.at += 1;
                Some(true)
            }
            Some(byte @ (b']' | b'}')) => {
                let (open, close) = (self.text.as_bytes()[opened], char::from(byte));
                let message = format!("'{}' is closed by '{close}'", char::from(open));
                self.complain(self.at, self.at + 1, message);
                None
            }
            None => {
                let open = char::from(self.text.as_bytes()[opened]);
                self.complain(opened, opened + 1, format!("this '{open}' is never closed"));
                None
            }
            Some(_) => Some(false),
        }
    }

    fn comma(&mut self) -> Option<usize> {
        self.space();
        let at = self.at;
        if self.peek() != Some(b',') {
            return None;
        }
        self.at += 1;
        Some(at)
    }

    fn separated(&mut self, first: bool, comma: Option<usize>) {
        if first || comma.is_some() {
            return;
        }
        // The gap itself is drawn: the last thing before it wants the comma.
        let gap = self.text[..self.at].trim_end().len();
        self.complain_help(gap, gap + 1, "a ',' is missing between two entries", "put one here");
    }

    fn end(&mut self) -> bool {
        self.space();
        if self.peek().is_some() {
            self.complain(self.at, self.at + 1, "the definition ended before this");
            return false;
        }
        true
    }
}

/// The grammar of numbers in RFC 8259, section 6.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}
