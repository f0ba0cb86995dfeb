//! A proxy before a real S3 server that counts what comes, can be slow to answer,
//! and can keep objects back: whoever sends is then killed when the server has so
//! many of them, and he has not heard of the last.
//!
//! One request a connection: read whole, passed on, answered. The signature covers
//! the proxy's own address, so the server takes it for its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often a client that is kept waiting is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One request that came whole, and that the server has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `PUT` and the like.
    pub method: String,
    /// Path and query, as they were sent.
    pub path: String,
    /// Bytes of the body.
    pub bytes: usize,
}

/// How many objects may pass.
#[derive(Debug)]
struct Gate {
    limit: usize,
    passed: usize,
}

/// A running proxy; ends with the value.
#[derive(Debug)]
pub struct WatchedS3 {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ended: AtomicBool,
    gate: Mutex<Gate>,
    opened: Condvar,
    /// How long the answer to a PUT is kept back, in milliseconds.
    slow: AtomicU64,
    /// How many came whole, answered or not.
    came: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

impl WatchedS3 {
    /// Stands before the server on this port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free.
    pub fn before(server: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            ended: AtomicBool::new(false),
            gate: Mutex::new(Gate { limit: usize::MAX, passed: 0 }),
            opened: Condvar::new(),
            slow: AtomicU64::new(0),
            came: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        thread::Builder::new().name("watched-s3".into()).spawn(move || {
            for client in listener.incoming().flatten() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // A client that hangs up is what this is for.
                thread::spawn(move || serve(client, server, &shared).unwrap_or_default());
            }
        })?;
        Ok(Self { port, shared })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on the answer to each PUT is kept back so long.
    pub fn answer_puts_after(&self, pause: Duration) {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.shared.slow.store(pause, Ordering::SeqCst);
    }

    /// Lets `count` PUTs pass to the server in all, those that passed before
    /// included. Who comes later waits for the next call; who hangs up meanwhile
    /// has sent nothing.
    pub fn let_puts_pass(&self, count: usize) {
        self.shared.gate().limit = count;
        self.shared.opened.notify_all();
    }

    /// Has the server answered all that has passed?
    pub fn is_quiet(&self) -> bool {
        self.shared.came.load(Ordering::SeqCst) == self.requests().len()
    }

    /// All requests so far that the server has answered.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Paths of the PUTs so far.
    pub fn puts(&self) -> Vec<String> {
        let requests = self.requests().into_iter();
        requests.filter(|request| request.method == "PUT").map(|request| request.path).collect()
    }
}

impl Drop for WatchedS3 {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.opened.notify_all();
        // Wakes the one who accepts.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

impl Shared {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this client's object may pass: `false` when he has gone before.
    fn pass(&self, client: &TcpStream) -> std::io::Result<bool> {
        client.set_nonblocking(true)?;
        let mut gate = self.gate();
        let waits = loop {
            // Nobody sends a second request here, so there is nothing to be read but the end.
            let waits = client.peek(&mut [0]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
            if !waits || self.ended.load(Ordering::SeqCst) {
                break false;
            }
            if gate.passed < gate.limit {
                gate.passed += 1;
                break true;
            }
            let woken = self.opened.wait_timeout(gate, LOOK_EVERY);
            gate = woken.unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(gate);
        client.set_nonblocking(false)?;
        Ok(waits)
    }
}

fn serve(mut client: TcpStream, server: u16, shared: &Shared) -> std::io::Result<()> {
    let (head, body) = read_request(&mut client)?;
    let mut words = head.split_ascii_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_put = method == "PUT";
    let request = Request { method, path, bytes: body.len() };
    if is_put && !shared.pass(&client)? {
        return Ok(());
    }
    shared.came.fetch_add(1, Ordering::SeqCst);
    let mut upstream = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
    // Not among what is signed.
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    upstream.write_all(head.as_bytes())?;
    upstream.write_all(&body)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    if is_put {
        thread::sleep(Duration::from_millis(shared.slow.load(Ordering::SeqCst)));
    }
    client.write_all(&answer)
}

fn read_request(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut got = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    let start = loop {
        if let Some(at) = got.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match client.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => got.extend_from_slice(&piece[..read]),
        }
    };
    let head = String::from_utf8_lossy(&got[..start]).into_owned();
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
        })
        .unwrap_or(0);
    let mut body = got[start..].to_vec();
    while body.len() < length {
        match client.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => body.extend_from_slice(&piece[..read]),
        }
    }
    Ok((head, body))
}
