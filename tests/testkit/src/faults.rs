//! A wrapper that stands before a real HTTP store, S3 or Swift, and breaks what it is
//! told to.
//!
//! One request a connection: read whole, passed on, answered. Signatures cover the
//! wrapper's own address, so the store takes it for its own; where the store names its
//! address in an answer (Swift does), the wrapper's is put in its place. What breaks is
//! decided for each request by a closure, or by a [`Schedule`] that a seed replays.

mod message;
mod schedule;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::net::sockopt::set_socket_linger;

use message::{Answer, Request};

pub use schedule::Schedule;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection is reset before the request is read.
    Refuse,
    /// The answer is this status, and the store never hears of the request.
    Status(u16),
    /// The same, with `Retry-After` in seconds.
    Busy(u16, u32),
    /// The store no longer knows the token: 401, in the words of S3.
    ExpiredToken,
    /// The connection ends after so many bytes of the answer's body.
    Cut(usize),
    /// Silence after so many bytes of the answer's body.
    Stall(usize),
    /// The store never hears of the request, and there is no answer.
    Silence,
    /// One byte of the answer's body is another.
    Flip(usize),
    /// The answer says that its body is longer than it is by so many bytes, or shorter.
    Length(i64),
    /// The store gets the request, the client gets no answer.
    Swallow,
    /// A listing is answered as it was the first time, whatever was stored since.
    Stale,
    /// The request waits until [`Faults::release`] is called, then goes its way.
    Hold,
}

type Choose = dyn FnMut(&str, usize) -> Fault + Send;

/// A running wrapper; ends with the value.
pub struct Faults {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    store: u16,
    own: SocketAddr,
    ended: AtomicBool,
    choose: Mutex<Box<Choose>>,
    log: Mutex<Log>,
    held: Mutex<bool>,
    released: Condvar,
}

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    times: HashMap<String, usize>,
    /// The first answer to each listing.
    listings: HashMap<String, Vec<u8>>,
}

impl Faults {
    /// Stands before the store on this port of 127.0.0.1. `choose` is asked for each
    /// request: its first line, and how many requests with the same line there were before.
    ///
    /// # Errors
    /// When loopback has no free port.
    pub fn before(
        store: u16,
        choose: impl FnMut(&str, usize) -> Fault + Send + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store,
            own: address,
            ended: AtomicBool::new(false),
            choose: Mutex::new(Box::new(choose)),
            log: Mutex::default(),
            held: Mutex::new(true),
            released: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                let serving = Arc::clone(&serving);
                // A client that hangs up is what some tests are about.
                thread::spawn(move || serving.serve(client).unwrap_or_default());
            }
        });
        Ok(Self { address, shared })
    }

    /// The same with faults that a seed replays.
    ///
    /// # Errors
    /// As [`Self::before`].
    pub fn scheduled(store: u16, schedule: Schedule) -> std::io::Result<Self> {
        Self::before(store, move |line, before| schedule.choose(line, before))
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first lines of all requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.log).lines.clone()
    }

    /// From now on, other faults.
    pub fn change(&self, choose: impl FnMut(&str, usize) -> Fault + Send + 'static) {
        *lock(&self.shared.choose) = Box::new(choose);
    }

    /// Lets the requests go that [`Fault::Hold`] holds, and holds none any more.
    pub fn release(&self) {
        *lock(&self.shared.held) = false;
        self.shared.released.notify_all();
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.release();
        // Wakes the one who accepts.
        TcpStream::connect(self.address).map(drop).unwrap_or_default();
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let request = Request::read(&mut client)?;
        let fault = self.fault(&request);
        match fault {
            Fault::Refuse => {
                // Reset instead of an orderly end.
                set_socket_linger(&client, Some(std::time::Duration::ZERO))?;
                return Ok(());
            }
            Fault::Status(status) => return client.write_all(&message::refusal(status, "", "")),
            Fault::Busy(status, seconds) => {
                let retry = format!("Retry-After: {seconds}\r\n");
                return client.write_all(&message::refusal(status, &retry, ""));
            }
            Fault::ExpiredToken => {
                let words = "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>";
                return client.write_all(&message::refusal(401, "", words));
            }
            Fault::Silence => return until_given_up(&mut client),
            Fault::Hold => {
                let held = self.released.wait_while(lock(&self.held), |held| *held);
                drop(held.unwrap_or_else(PoisonError::into_inner));
            }
            _ => {}
        }
        let answer = self.ask(&request)?;
        Self::answer(&mut client, fault, &answer)
    }

    /// Notes the request and asks what happens to it.
    fn fault(&self, request: &Request) -> Fault {
        let line = request.line().to_owned();
        let before = {
            let mut log = lock(&self.log);
            log.lines.push(line.clone());
            let times = log.times.entry(line.clone()).or_default();
            *times += 1;
            *times - 1
        };
        let fault = (lock(&self.choose))(&line, before);
        match fault {
            // A listing that was never asked for has no past.
            Fault::Stale if lock(&self.log).listings.contains_key(&line) => Fault::Stale,
            Fault::Stale => Fault::None,
            other => other,
        }
    }

    /// What the store says.
    fn ask(&self, request: &Request) -> std::io::Result<Answer> {
        let mut store = TcpStream::connect(("127.0.0.1", self.store))?;
        request.send(&mut store)?;
        let mut bytes = Vec::new();
        store.read_to_end(&mut bytes)?;
        let mut answer = Answer::new(bytes);
        answer.readdress(self.store, self.own);
        if message::is_listing(request.line()) {
            let mut log = lock(&self.log);
            let first = log.listings.entry(request.line().to_owned());
            answer.first = Some(first.or_insert_with(|| answer.bytes.clone()).clone());
        }
        Ok(answer)
    }

    fn answer(client: &mut TcpStream, fault: Fault, answer: &Answer) -> std::io::Result<()> {
        let up_to = |bytes: usize| &answer.bytes[..(answer.body() + bytes).min(answer.bytes.len())];
        match fault {
            Fault::Swallow => client.shutdown(Shutdown::Both),
            Fault::Cut(bytes) => {
                client.write_all(up_to(bytes))?;
                client.shutdown(Shutdown::Both)
            }
            Fault::Stall(bytes) => {
                client.write_all(up_to(bytes))?;
                until_given_up(client)
            }
            Fault::Flip(at) => client.write_all(&answer.flipped(at)),
            Fault::Length(by) => client.write_all(&answer.of_length(by)),
            Fault::Stale => client.write_all(answer.first.as_deref().unwrap_or(&answer.bytes)),
            _ => client.write_all(&answer.bytes),
        }
    }
}

/// Says nothing until the client hangs up.
fn until_given_up(client: &mut TcpStream) -> std::io::Result<()> {
    client.read(&mut [0; 1]).map(drop)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
