//! A bad connection: a proxy that cuts every connection after some bytes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result};

/// Stands before a server until it is dropped.
pub(crate) struct Cutter {
    address: SocketAddr,
    cuts: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Cutter {
    /// Begins before the server at `url`. From it each connection gets through between 1 and
    /// `most` bytes, as many as `seed` says, and is cut in the middle of whatever it is.
    pub(crate) fn start(url: &str, seed: u64, most: u64) -> Result<Self> {
        let server: SocketAddr = url.strip_prefix("http://").context("a plain URL")?.parse()?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let cuts = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let (counted, ended) = (Arc::clone(&cuts), Arc::clone(&over));
        thread::spawn(move || {
            let mut random = seed | 1;
            for client in listener.incoming().flatten() {
                if ended.load(Ordering::Acquire) {
                    return;
                }
                // Xorshift: the same cuts for the same seed.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let (let_through, counted) = (random % most + 1, Arc::clone(&counted));
                thread::spawn(move || pass(client, server, let_through, &counted));
            }
        });
        Ok(Self { address, cuts, over })
    }

    /// Its own address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it has cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Acquire)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn pass(mut client: TcpStream, server: SocketAddr, mut left: u64, cuts: &AtomicU64) {
    let Ok(mut server) = TcpStream::connect(server) else { return };
    let (Ok(mut asking), Ok(mut asked)) = (client.try_clone(), server.try_clone()) else { return };
    thread::spawn(move || {
        let _ = std::io::copy(&mut asking, &mut asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 4096];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(buffer.len()).min(buffer.len());
        match server.read(&mut buffer[..most]) {
            Ok(0) | Err(_) => break,
            Ok(count) if client.write_all(&buffer[..count]).is_err() => break,
            Ok(count) => left -= count as u64,
        }
    }
    if left == 0 {
        cuts.fetch_add(1, Ordering::AcqRel);
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
