//! A parser of server-sent events (WHATWG HTML, section 9.2.6), fed with bytes
//! as they come. Knows nothing of what the events mean.

use std::collections::VecDeque;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// Its `event` field; empty when it had none.
    pub name: String,
    /// Its `id` field, if it had one: what it resumes from.
    pub id: Option<String>,
    /// Its `data` lines, joined by line feeds.
    pub data: String,
}

/// More than any event may hold; a server that sends it is not ours.
pub(crate) const EVENT_LIMIT: usize = 16 << 20;

/// An event or a line of more than [`EVENT_LIMIT`] bytes.
#[derive(Debug)]
pub(crate) struct TooLarge;

/// The state between two pieces of a stream.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    after_carriage_return: bool,
    name: String,
    id: Option<String>,
    data: String,
    has_data: bool,
    ready: VecDeque<SseEvent>,
}

impl SseParser {
    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_carriage_return) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(bytes);
                break;
            };
            self.after_carriage_return = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.take_line(&bytes[..end]);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.take_line(&line);
                line.clear();
                self.line = line;
            }
            bytes = &bytes[end + 1..];
        }
        if self.line.len() + self.data.len() > EVENT_LIMIT { Err(TooLarge) } else { Ok(()) }
    }

    /// The next whole event, if there is one.
    pub(crate) fn next(&mut self) -> Option<SseEvent> {
        self.ready.pop_front()
    }

    fn take_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let (data, id) = (std::mem::take(&mut self.data), self.id.take());
            // An event without data is not dispatched.
            if std::mem::take(&mut self.has_data) {
                self.ready.push_back(SseEvent { name, id, data });
            }
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match field {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(&value);
            }
            b"event" => value.as_ref().clone_into(&mut self.name),
            b"id" => self.id = Some(value.into_owned()),
            // `retry`: the follower has its own back-off. An empty field name: a comment.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_in_pieces(text: &[u8], size: usize) -> Vec<SseEvent> {
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        for piece in text.chunks(size) {
            parser.feed(piece).expect("small enough");
            events.extend(std::iter::from_fn(|| parser.next()));
        }
        events
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        let text = b": keep-alive\n\nevent: log\r\nid: 12\r\ndata: abc\r\ndata:  d\r\n\r\n\
                     event:status\ndata:\n\nevent: nothing\n\ndata: last\r\rdata: never ended";
        let expected = [("log", Some("12"), "abc\n d"), ("status", None, ""), ("", None, "last")];
        let expected = expected.map(|(name, id, data)| SseEvent {
            name: name.to_owned(),
            id: id.map(str::to_owned),
            data: data.to_owned(),
        });
        for size in 1..=text.len() {
            assert_eq!(parse_in_pieces(text, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = SseParser::default();
        let piece = vec![b'x'; 1 << 20];
        assert!((0..20).any(|_| parser.feed(&piece).is_err()));
    }
}
