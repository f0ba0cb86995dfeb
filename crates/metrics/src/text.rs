//! Lines of a text that grows.

/// The longest line; what is longer is no line that anybody reads, and is left out.
const LINE_BYTES: usize = 1 << 20;

/// Cuts a text into lines as it comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    /// Where the line begins that is not whole yet.
    offset: u64,
    begun: Vec<u8>,
    /// The rest of a line that is too long is on its way.
    skips: bool,
}

impl Lines {
    /// Goes on at the beginning of a line.
    pub(crate) fn at(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// Where the first line begins that was not whole yet.
    pub(crate) fn position(&self) -> u64 {
        self.offset
    }

    /// The offset of the next byte to feed.
    pub(crate) fn wanted(&self) -> u64 {
        self.offset + self.begun.len() as u64
    }

    /// Takes the next bytes, and shows `look` each whole line, without what ends it, and where
    /// it begins.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        ends: impl Fn(u8) -> bool,
        look: &mut dyn FnMut(&[u8], u64),
    ) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| ends(*byte)) {
            let (line, behind) = (&rest[..at], &rest[at + 1..]);
            let length = (self.begun.len() + line.len() + 1) as u64;
            if !std::mem::take(&mut self.skips) {
                if self.begun.is_empty() {
                    look(line, self.offset);
                } else {
                    self.begun.extend_from_slice(line);
                    look(&self.begun, self.offset);
                }
            }
            self.offset += length;
            self.begun.clear();
            rest = behind;
        }
        if self.skips || self.begun.len() + rest.len() > LINE_BYTES {
            self.skips = true;
            self.offset += (self.begun.len() + rest.len()) as u64;
            self.begun.clear();
        } else {
            self.begun.extend_from_slice(rest);
        }
    }

    /// Nothing more is coming: the last line may lack its end.
    pub(crate) fn finish(&mut self, look: &mut dyn FnMut(&[u8], u64)) {
        if !self.begun.is_empty() && !self.skips {
            look(&self.begun, self.offset);
        }
        self.offset += self.begun.len() as u64;
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come() {
        let text = b"one\ntwo\n\nthree";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for piece in text.chunks(size) {
                lines.feed(piece, |byte| byte == b'\n', &mut |line, at| {
                    seen.push((line.to_vec(), at));
                });
            }
            assert_eq!((lines.position(), lines.wanted()), (9, 14));
            lines.finish(&mut |line, at| seen.push((line.to_vec(), at)));
            let expected = [(&b"one"[..], 0), (b"two", 4), (b"", 8), (b"three", 9)];
            assert_eq!(seen, expected.map(|(line, at)| (line.to_vec(), at)));
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut lines = Lines::default();
        let mut seen = 0;
        for _ in 0..100 {
            lines.feed(&b"x".repeat(100_000), |byte| byte == b'\n', &mut |_, _| seen += 1);
            assert!(lines.begun.len() <= LINE_BYTES);
        }
        lines.feed(b"\nnext\n", |byte| byte == b'\n', &mut |_, _| seen += 1);
        assert_eq!((seen, lines.position()), (1, 10_000_006));
    }
}
