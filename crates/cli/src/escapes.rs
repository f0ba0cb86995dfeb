//! What a program's log may do to the terminal it is shown on.
//!
//! Colours, carriage returns and the few cursor movements that progress bars
//! need pass; everything with which a log could set the title, ask the
//! terminal for answers (they arrive as typed input), switch modes or reach the
//! clipboard is left out. Only used when stdout is a terminal: a pipe gets
//! every byte as it was written.

/// A filter for a stream of bytes; sequences may be split over chunks.
#[derive(Debug, Default)]
pub struct Filter {
    state: State,
    /// The sequence that is being read.
    held: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte: one more byte belongs to it.
    Designation,
    /// After ESC `[`.
    Csi,
    /// In an OSC, DCS, SOS, PM or APC string, until its end.
    Swallow,
    /// In such a string, after ESC.
    SwallowEscape,
    /// After 0xC2, which begins the two-byte form of the C1 controls.
    Lead,
}

/// Longer control sequences are no control sequences.
const LONGEST_CSI: usize = 64;
/// A string that does not end is not worth the rest of the log.
const LONGEST_STRING: usize = 1 << 16;

const ESC: u8 = 0x1b;

impl Filter {
    /// What of `bytes` may reach the terminal.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.byte(byte, &mut out);
        }
        out
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.state {
            State::Text => self.text(byte, out),
            State::Lead => {
                self.state = State::Text;
                match byte {
                    0x9b => self.begin(State::Csi),
                    0x90 | 0x98 | 0x9d | 0x9e | 0x9f => self.begin(State::Swallow),
                    0x80..=0x9f => {}
                    0xa0..=0xbf => out.extend([0xc2, byte]),
                    other => {
                        out.push(0xc2);
                        self.text(other, out);
                    }
                }
            }
            State::Escape => match byte {
                b'[' => self.begin(State::Csi),
                b']' | b'P' | b'X' | b'^' | b'_' => self.begin(State::Swallow),
                0x20..=0x2f => self.state = State::Designation,
                ESC => {}
                b'\n' | b'\r' => {
                    self.state = State::Text;
                    out.push(byte);
                }
                _ => self.state = State::Text,
            },
            State::Designation => {
                if !(0x20..=0x2f).contains(&byte) {
                    self.state = State::Text;
                }
            }
            State::Csi => self.csi(byte, out),
            State::Swallow => match byte {
                0x07 => self.state = State::Text,
                ESC => self.state = State::SwallowEscape,
                // The terminal never saw the beginning, so the line after it is plain text again.
                b'\n' => {
                    self.state = State::Text;
                    out.push(byte);
                }
                _ => {
                    self.held.push(byte);
                    if self.held.len() > LONGEST_STRING {
                        self.state = State::Text;
                    }
                }
            },
            State::SwallowEscape => {
                self.state = State::Text;
                if byte != b'\\' {
                    self.state = State::Escape;
                    self.byte(byte, out);
                }
            }
        }
    }

    fn begin(&mut self, state: State) {
        self.held.clear();
        self.state = state;
    }

    fn text(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            ESC => self.begin(State::Escape),
            0xc2 => self.state = State::Lead,
            b'\t' | b'\n' | b'\r' | 0x08 => out.push(byte),
            0x00..=0x1f | 0x7f => {}
            _ => out.push(byte),
        }
    }

    fn csi(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            0x20..=0x3f if self.held.len() < LONGEST_CSI => self.held.push(byte),
            // Colours; cursor up, down, right, left, to a line's start or column; erase in line.
            b'm' | b'A'..=b'G' | b'K' => {
                self.state = State::Text;
                let plain = self.held.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'));
                if plain {
                    out.extend([ESC, b'[']);
                    out.extend(&self.held);
                    out.push(byte);
                }
            }
            b'\n' | b'\r' => {
                self.state = State::Text;
                out.push(byte);
            }
            ESC => self.begin(State::Escape),
            _ => self.state = State::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8]) -> String {
        let whole = Filter::default().pass(text);
        let mut filter = Filter::default();
        let piecemeal: Vec<u8> = text.iter().flat_map(|byte| filter.pass(&[*byte])).collect();
        assert_eq!(whole, piecemeal, "chunks must not matter");
        String::from_utf8_lossy(&whole).into_owned()
    }

    #[test]
    fn colours_and_progress_pass() {
        for text in ["\x1b[1;31mred\x1b[0m\n", "10%\r20%\r\n", "\x1b[A\x1b[2Kbar", "Größe 数 §"]
        {
            assert_eq!(shown(text.as_bytes()), text);
        }
    }

    #[test]
    fn nothing_else_reaches_the_terminal() {
        let attacks: &[&[u8]] = &[
            b"a\x1b]0;title\x07b",
            b"a\x1b]52;c;cm0gLXJm\x1b\\b",
            b"a\x1bP$q\"p\x1b\\b",
            b"a\x1b_Gf=100;AAAA\x1b\\b",
            b"a\x1b[cb",
            b"a\x1b[6nb",
            b"a\x1b[?1049hb",
            b"a\x1b[21tb",
            b"a\x1b[2Jb",
            b"a\x1bcb",
            b"a\x1b(0b",
            b"a\x0eb",
            b"a\x07b",
            b"a\xc2\x9b6nb",
            b"a\xc2\x9d0;t\x07b",
            b"a\x1b[>4;2mb",
            b"a\x1b\x1b]0;x\x1b\\b",
        ];
        for attack in attacks {
            assert_eq!(shown(attack), "ab", "{attack:?}");
        }
    }

    #[test]
    fn an_unfinished_sequence_does_not_eat_the_log() {
        assert_eq!(shown(b"a\x1b]0;oops\nb\n"), "a\nb\n");
        assert_eq!(shown(b"a\x1b[12\nb"), "a\nb");
    }

    #[test]
    fn bytes_that_are_no_text_pass() {
        assert_eq!(Filter::default().pass(b"\xff\xfe\xc2"), b"\xff\xfe");
        assert_eq!(Filter::default().pass(b"\xff\xc2\xff"), b"\xff\xc2\xff");
    }
}
