//! Requests and answers of HTTP/1.1, as bytes that can be broken.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A request, read whole.
pub(super) struct Request {
    head: String,
    body: Vec<u8>,
}

/// An answer, whole, and where its body begins.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// For a listing, what was answered the first time.
    pub(super) first: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn read(client: &mut TcpStream) -> std::io::Result<Self> {
        let mut got = Vec::new();
        let start = loop {
            if let Some(at) = find(&got, b"\r\n\r\n") {
                break at + 4;
            }
            more(client, &mut got)?;
        };
        let head = String::from_utf8_lossy(&got[..start]).into_owned();
        let mut body = got.split_off(start);
        if header(&head, "transfer-encoding").is_some_and(|how| how.contains("chunked")) {
            // Passed on as it came.
            while !body.ends_with(b"0\r\n\r\n") {
                more(client, &mut body)?;
            }
        } else {
            let length = header(&head, "content-length").and_then(|text| text.parse().ok());
            while body.len() < length.unwrap_or(0) {
                more(client, &mut body)?;
            }
        }
        Ok(Self { head, body })
    }

    /// `GET /data?list-type=2 HTTP/1.1`.
    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(super) fn send(&self, store: &mut TcpStream) -> std::io::Result<()> {
        // Not among what is signed.
        let head = self.head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        store.write_all(head.as_bytes())?;
        store.write_all(&self.body)
    }
}

impl Answer {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, first: None }
    }

    /// Where the body begins.
    pub(super) fn body(&self) -> usize {
        find(&self.bytes, b"\r\n\r\n").map_or(self.bytes.len(), |at| at + 4)
    }

    fn head(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..self.body()]).into_owned()
    }

    /// Puts our address where the store names its own: in headers, and in JSON (the
    /// catalogue of Keystone).
    pub(super) fn readdress(&mut self, store: u16, own: SocketAddr) {
        let head = self.head();
        let is_json =
            header(&head, "content-type").is_some_and(|kind| kind.contains("application/json"));
        let mut new = head;
        let mut body = self.bytes.split_off(self.body());
        for host in ["127.0.0.1", "localhost"] {
            let theirs = format!("http://{host}:{store}");
            let ours = format!("http://{own}");
            new = new.replace(&theirs, &ours);
            if is_json {
                let text = String::from_utf8_lossy(&body).replace(&theirs, &ours);
                body = text.into_bytes();
            }
        }
        if is_json {
            new = with_length(&new, body.len());
        }
        self.bytes = new.into_bytes();
        self.bytes.append(&mut body);
    }

    /// With another byte in the body; nothing happens to an empty one.
    pub(super) fn flipped(&self, at: usize) -> Vec<u8> {
        let (mut bytes, body) = (self.bytes.clone(), self.body());
        let length = bytes.len() - body;
        if length > 0 {
            bytes[body + at % length] ^= 1;
        }
        bytes
    }

    /// With a header that says another length than the body has.
    pub(super) fn of_length(&self, by: i64) -> Vec<u8> {
        let body = &self.bytes[self.body()..];
        let length = body.len().saturating_add_signed(isize::try_from(by).unwrap_or(0));
        let mut bytes = with_length(&self.head(), length).into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }
}

/// An answer that the store never gave.
pub(super) fn refusal(status: u16, headers: &str, words: &str) -> Vec<u8> {
    let length = words.len();
    format!("HTTP/1.1 {status} Fault\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{words}")
        .into_bytes()
}

/// Does a first line ask for a listing, of S3 or of Swift?
pub(super) fn is_listing(line: &str) -> bool {
    line.starts_with("GET ") && (line.contains("list-type=2") || line.contains("format=json"))
}

fn with_length(head: &str, length: usize) -> String {
    let lines = head.split("\r\n").map(|line| {
        let is_length = line.to_ascii_lowercase().starts_with("content-length:");
        if is_length { format!("Content-Length: {length}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn more(from: &mut TcpStream, got: &mut Vec<u8>) -> std::io::Result<()> {
    let mut piece = [0; 16 * 1024];
    match from.read(&mut piece)? {
        0 => Err(Error::from(ErrorKind::UnexpectedEof)),
        read => {
            got.extend_from_slice(&piece[..read]);
            Ok(())
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_names_its_address_is_given_ours() {
        let own = "127.0.0.1:65000".parse().expect("an address");
        let body = "{\"url\": \"http://127.0.0.1:99/v1\"}";
        let head = format!(
            "HTTP/1.1 200 OK\r\nX-Storage-Url: http://localhost:99/v1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut answer = Answer::new(format!("{head}{body}").into_bytes());
        answer.readdress(99, own);
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(text.matches("http://127.0.0.1:65000/v1").count(), 2, "{text}");
        assert!(text.contains(&format!("Content-Length: {}\r\n", body.len() + 3)), "{text}");
        let longer = String::from_utf8(answer.of_length(7)).expect("text");
        assert!(longer.contains(&format!("Content-Length: {}\r\n", body.len() + 10)), "{longer}");
        let changed = answer.flipped(2);
        assert_eq!(changed.iter().zip(&answer.bytes).filter(|(a, b)| a != b).count(), 1);
    }
}
