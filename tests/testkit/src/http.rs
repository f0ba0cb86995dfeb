//! A small blocking HTTP/1.1 client, for tests and benches.
//!
//! Written out so that tests can see, and send, what a well-behaved client
//! library hides: wrong lengths, half bodies, headers as they came. Plain
//! `http` to loopback only.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

/// No answer of a server under test takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Names in lower case, and values.
type Headers = Vec<(String, String)>;

/// Where to talk to, and as whom.
#[derive(Debug, Clone)]
pub struct Client {
    /// `host:port`.
    authority: String,
    /// Sent as `Authorization: Bearer`, when there is one.
    token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }

    /// The body for people.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The answer itself, if its status is `status`.
    ///
    /// # Errors
    /// With the body, when it is another.
    pub fn expect_status(self, status: u16) -> Result<Self> {
        ensure!(
            self.status == status,
            "expected status {status}, got {}: {}",
            self.status,
            self.text()
        );
        Ok(self)
    }

    /// The codes of the complaints in an error body, in order.
    ///
    /// # Errors
    /// When the body is not one of v3's error bodies.
    pub fn codes(&self) -> Result<Vec<String>> {
        let body = self.json()?;
        let errors = body["errors"].as_array().with_context(|| format!("no errors in {body}"))?;
        let codes = errors.iter().map(|error| error["code"].as_str().map(str::to_owned));
        codes.collect::<Option<_>>().with_context(|| format!("an error without code in {body}"))
    }
}

impl Client {
    /// A client of the server at `url` (`http://host:port`).
    ///
    /// # Errors
    /// When the URL is not of that form.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self> {
        let authority = url.strip_prefix("http://").with_context(|| format!("not http: {url}"))?;
        let authority = authority.trim_end_matches('/').to_owned();
        Ok(Self { authority, token: token.map(str::to_owned) })
    }

    /// The same server, with another credential or none.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { authority: self.authority.clone(), token: token.map(str::to_owned) }
    }

    /// Where the server is (`host:port`), and the credential, for who speaks to it otherwise.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        (&self.authority, self.token.as_deref().unwrap_or_default())
    }

    /// `GET`, to the end of the body.
    ///
    /// # Errors
    /// When the server cannot be reached or answers with something else than HTTP.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.request("GET", path, &[], b"")
    }

    /// Any request, on a connection of its own.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        self.connect()?.request(method, path, headers, body)
    }

    /// A connection for several requests, one after the other.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.authority)
            .with_context(|| format!("cannot reach {}", self.authority))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Connection { client: self.clone(), stream: BufReader::new(stream) })
    }

    /// Opens a body that is read as it comes (an event stream).
    ///
    /// # Errors
    /// As [`Self::get`], and when the status is not 200.
    pub fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Result<BufReader<Body>> {
        let mut connection = self.connect()?;
        connection.send("GET", path, headers, Some(0), b"")?;
        let (status, _, body) = connection.head("GET")?;
        ensure!(status == 200, "{path} answered {status}");
        Ok(BufReader::new(body.over(connection.stream)))
    }
}

/// A connection to a server.
pub struct Connection {
    client: Client,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Sends a request and reads its answer to the end.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not HTTP.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        self.send(method, path, headers, Some(body.len()), body)?;
        self.answer(method)
    }

    /// Sends a request whose `Content-Length` is what the caller says, true or not.
    ///
    /// # Errors
    /// When the head cannot be sent. A server may refuse a body before it has
    /// read it, so the rest being cut off is no error here: the answer tells.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        length: Option<usize>,
        body: &[u8],
    ) -> Result<()> {
        let mut head = Vec::new();
        write!(head, "{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.client.authority)?;
        if let Some(token) = &self.client.token {
            write!(head, "Authorization: Bearer {token}\r\n")?;
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        if let Some(length) = length {
            write!(head, "Content-Length: {length}\r\n")?;
        }
        head.extend_from_slice(b"\r\n");
        let stream = self.stream.get_mut();
        // Small requests leave in one segment.
        let early = body.len().min(16 * 1024);
        stream.write_all(&[&head, &body[..early]].concat())?;
        match stream.write_all(&body[early..]).and_then(|()| stream.flush()) {
            Ok(()) => Ok(()),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn finish_sending(&self) -> Result<()> {
        Ok(self.stream.get_ref().shutdown(std::net::Shutdown::Write)?)
    }

    /// Reads an answer to its end.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not HTTP.
    pub fn answer(&mut self, method: &str) -> Result<Answer> {
        let (status, headers, framing) = self.head(method)?;
        let mut body = Vec::new();
        framing.over(&mut self.stream).read_to_end(&mut body)?;
        Ok(Answer { status, headers, body })
    }

    /// Reads status line and headers; says how the body is framed.
    fn head(&mut self, method: &str) -> Result<(u16, Headers, Framing)> {
        let line = self.line()?;
        let status: u16 = match line.split(' ').nth(1).and_then(|code| code.parse().ok()) {
            Some(100) => {
                // An interim answer: its head ends with an empty line, the real one follows.
                while !self.line()?.is_empty() {}
                return self.head(method);
            }
            Some(status) => status,
            None => bail!("not an HTTP status line: {line:?}"),
        };
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').with_context(|| format!("header {line:?}"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let find = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        let framing = if method == "HEAD" || status == 204 || status == 304 {
            Framing::Length(0)
        } else if find("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
            Framing::Chunked
        } else if let Some(length) = find("content-length") {
            Framing::Length(length.parse()?)
        } else {
            Framing::UntilClose
        };
        Ok((status, headers, framing))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line)?;
        ensure!(read > 0, "the server closed the connection without an answer");
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// How a body ends.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    fn over<S: std::io::BufRead>(self, stream: S) -> Body<S> {
        let left = match self {
            Self::Length(length) => length,
            Self::Chunked | Self::UntilClose => 0,
        };
        Body { stream, framing: self, left, ended: false }
    }
}

/// A body that is read as it comes.
pub struct Body<S = BufReader<TcpStream>> {
    stream: S,
    framing: Framing,
    /// Bytes left in the body, or in the present chunk.
    left: u64,
    ended: bool,
}

impl<S: std::io::BufRead> Read for Body<S> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        match self.framing {
            Framing::UntilClose => return self.stream.read(into),
            Framing::Chunked if self.left == 0 => {
                self.left = next_chunk(&mut self.stream)?;
                self.ended = self.left == 0;
            }
            Framing::Chunked | Framing::Length(_) => {}
        }
        if self.left == 0 {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.stream.read(&mut into[..most])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        if self.left == 0 && matches!(self.framing, Framing::Chunked) {
            self.stream.read_line(&mut String::new())?;
        }
        Ok(read)
    }
}

/// Reads a chunk's head; 0 is the end, whose trailers are read too.
fn next_chunk(stream: &mut impl std::io::BufRead) -> std::io::Result<u64> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let digits = line.trim().split(';').next().unwrap_or_default();
    let length = u64::from_str_radix(digits, 16)
        .map_err(|_| std::io::Error::other(format!("not a chunk: {line:?}")))?;
    if length == 0 {
        loop {
            let mut trailer = String::new();
            if stream.read_line(&mut trailer)? == 0 || trailer.trim().is_empty() {
                break;
            }
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(framing: Framing, bytes: &[u8]) -> std::io::Result<String> {
        let mut text = String::new();
        framing.over(bytes).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn bodies_end_where_their_framing_says() {
        assert_eq!(read(Framing::Length(3), b"abcdef").expect("whole"), "abc");
        assert_eq!(read(Framing::UntilClose, b"abcdef").expect("whole"), "abcdef");
        let chunked = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        assert_eq!(read(Framing::Chunked, chunked).expect("whole"), "abcde");
        assert!(read(Framing::Length(9), b"abc").is_err(), "a cut body is noticed");
        assert!(read(Framing::Chunked, b"3\r\nab").is_err(), "a cut chunk is noticed");
    }
}
