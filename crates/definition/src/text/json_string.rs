//! Strings of JSON: escapes, and what people write instead.

use super::json::Reader;

impl Reader<'_> {
    /// Reads a string from its opening quote (`"`, or `'` with a complaint).
    /// `None` when it never closes; the complaint is then made.
    pub(super) fn string(&mut self) -> Option<String> {
        let start = self.at;
        let quote = self.peek()?;
        self.at += 1;
        if quote == b'\'' {
            self.complain_help(
                start,
                start + 1,
                "JSON wants double quotes around texts",
                "write \" in place of '",
            );
        }
        let mut told = String::new();
        loop {
            let from = self.at;
            let Some(byte) = self.peek() else {
                self.complain(start, start + 1, "this text is never closed");
                return None;
            };
            match byte {
                _ if byte == quote => {
                    self.at += 1;
                    return Some(told);
                }
                b'\n' | b'\r' => {
                    self.complain_help(
                        start,
                        from,
                        "this text is not closed on its line",
                        "a text of several lines is written with \\n in JSON",
                    );
                    return None;
                }
                b'\\' => self.escape(&mut told),
                0..=0x1f => {
                    self.at += 1;
                    self.complain(from, from + 1, "a control character stands in a text");
                    told.push(char::from(byte));
                }
                _ => {
                    self.at += 1;
                    while self
                        .peek()
                        .is_some_and(|next| next >= 0x20 && next != quote && next != b'\\')
                    {
                        self.at += 1;
                    }
                    told.push_str(&self.text[from..self.at]);
                }
            }
        }
    }

    fn escape(&mut self, told: &mut String) {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.text[self.at..].chars().next() else { return };
        self.at += letter.len_utf8();
        let meant = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let Some(meant) = self.unicode() else {
                    return self.complain(start, self.at, "this is not a character");
                };
                meant
            }
            '\'' => {
                self.complain(start, self.at, "JSON does not know the escape \\'");
                letter
            }
            _ => {
                self.complain_help(
                    start,
                    self.at,
                    format!("JSON does not know the escape \\{}", letter.escape_debug()),
                    "a backslash itself is written \\\\",
                );
                letter
            }
        };
        told.push(meant);
    }

    /// After `\u`: four hex digits, or two such escapes for one character
    /// beyond the first plane.
    fn unicode(&mut self) -> Option<char> {
        let first = self.four_hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if !self.text[self.at..].starts_with("\\u") {
            return None;
        }
        self.at += 2;
        let second = self.four_hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            return None;
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn four_hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}
