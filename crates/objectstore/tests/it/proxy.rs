//! A proxy that stands before the real server and breaks what it is told to.
//!
//! One request a connection: read whole, passed on, answered. The signature
//! covers the proxy's own address, so the server takes it for its own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The answer is this status, and the server never hears of the request.
    Status(u16),
    /// The connection ends after so many bytes of the answer's body.
    Cut(usize),
    /// Silence after so many bytes of the answer's body.
    Stall(usize),
    /// One byte of the answer's body is another.
    Flip(usize),
    /// The server gets the request, the client gets no answer.
    Swallow,
}

type Choose = dyn FnMut(&str, usize) -> Fault + Send;

/// A running proxy.
pub(crate) struct Proxy {
    listener: TcpListener,
    ended: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// `choose` is asked for each request: its first line, and how many requests
    /// with the same line there were before.
    pub(crate) fn start(
        server: u16,
        choose: impl FnMut(&str, usize) -> Fault + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let choose: Arc<Mutex<Choose>> = Arc::new(Mutex::new(choose));
        let accepting = listener.try_clone().unwrap();
        let (over, log) = (ended.clone(), requests.clone());
        thread::spawn(move || {
            for client in accepting.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (choose, log) = (choose.clone(), log.clone());
                let client = client.unwrap();
                // A client that hangs up is what some tests are about.
                thread::spawn(move || serve(client, server, &choose, &log).unwrap_or_default());
            }
        });
        Self { listener, ended, requests }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// The first lines of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the one who accepts.
        TcpStream::connect(self.listener.local_addr().unwrap()).map(drop).unwrap_or_default();
    }
}

fn serve(
    mut client: TcpStream,
    server: u16,
    choose: &Mutex<Choose>,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (head, body) = read_request(&mut client)?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    let fault = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|earlier| **earlier == line).count();
        log.push(line.clone());
        drop(log);
        (choose.lock().unwrap())(&line, before)
    };
    if let Fault::Status(status) = fault {
        let answer =
            format!("HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return client.write_all(answer.as_bytes());
    }

    let mut upstream = TcpStream::connect(("127.0.0.1", server))?;
    // Not among what is signed.
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    upstream.write_all(head.as_bytes())?;
    upstream.write_all(&body)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    let start = find(&answer, b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    match fault {
        Fault::None | Fault::Status(_) => client.write_all(&answer),
        Fault::Swallow => client.shutdown(Shutdown::Both),
        Fault::Cut(bytes) => {
            client.write_all(&answer[..(start + bytes).min(answer.len())])?;
            client.shutdown(Shutdown::Both)
        }
        Fault::Stall(bytes) => {
            client.write_all(&answer[..(start + bytes).min(answer.len())])?;
            // Until the client gives up.
            client.read(&mut [0; 1]).map(drop)
        }
        Fault::Flip(at) => {
            answer[start + at] ^= 1;
            client.write_all(&answer)
        }
    }
}

fn read_request(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut got = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    let start = loop {
        if let Some(at) = find(&got, b"\r\n\r\n") {
            break at + 4;
        }
        match client.read(&mut piece)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => got.extend_from_slice(&piece[..read]),
        }
    };
    let head = String::from_utf8(got[..start].to_vec()).unwrap();
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
        })
        .unwrap_or(0);
    let mut body = got[start..].to_vec();
    while body.len() < length {
        match client.read(&mut piece)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => body.extend_from_slice(&piece[..read]),
        }
    }
    Ok((head, body))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
