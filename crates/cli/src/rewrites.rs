//! Lines that a program rewrites in place, for readers that are no terminal.
//!
//! A progress bar returns the carriage and prints itself again, thousands of times in one
//! line. In a file or a pipe that is one long line of old states; here it becomes the last
//! of them. A line's end of carriage return and line feed is no rewriting and stays.

/// A state that is longer is given out as it comes, so that no line has to fit in memory.
const LONGEST: usize = 64 << 10;

/// Takes bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Rewrites {
    /// What stands in the line behind the last carriage return, and was not given out.
    state: Vec<u8>,
    /// The carriage was returned after it.
    returned: bool,
}

impl Rewrites {
    /// What of `bytes`, and of those before them, nobody will rewrite.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.print(&rest[..at], &mut out);
            if rest[at] == b'\r' {
                self.returned = true;
            } else {
                out.append(&mut self.state);
                out.extend_from_slice(if self.returned { b"\r\n" } else { b"\n" });
                self.returned = false;
            }
            rest = &rest[at + 1..];
        }
        self.print(rest, &mut out);
        out
    }

    /// What was still kept back, when nothing follows.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.returned = false;
        std::mem::take(&mut self.state)
    }

    fn print(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.returned) {
            self.state.clear();
        }
        self.state.extend_from_slice(bytes);
        if self.state.len() > LONGEST {
            out.append(&mut self.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, piece: usize) -> String {
        let mut rewrites = Rewrites::default();
        let mut out: Vec<u8> =
            text.as_bytes().chunks(piece).flat_map(|piece| rewrites.pass(piece)).collect();
        out.extend(rewrites.finish());
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_bar_is_its_last_state_however_the_bytes_come() {
        let bar =
            "before\n\r  0%|          | 0/3\r 33%|###       | 1/3\r100%|##########| 3/3\nafter\n";
        for piece in 1..=bar.len() {
            assert_eq!(shown(bar, piece), "before\n100%|##########| 3/3\nafter\n");
            assert_eq!(shown("dos\r\n\r\nunix\n\nopen", piece), "dos\r\n\r\nunix\n\nopen");
            assert_eq!(shown("a\rb\r\r\n1%\r2%\r", piece), "b\r\n2%");
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept_back() {
        let mut rewrites = Rewrites::default();
        let long = vec![b'x'; 3 * LONGEST];
        assert_eq!(rewrites.pass(&long).len(), long.len());
        assert_eq!(rewrites.pass(b"\n"), b"\n");
    }
}
