//! Free ports on loopback, for servers that want to be told theirs.
//!
//! A port that the kernel picks may be picked again, for any connection of anybody,
//! before the server has it. So these lie below the range that the kernel picks from, and
//! a lock keeps other tests from the same one for as long as this process lives.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::process;
use std::sync::Mutex;

/// Where the kernel's own range begins on most machines, less what is used for services.
const LOWEST: u16 = 10_000;

/// How many ports there must be to choose from.
const FEWEST: u16 = 1_000;

/// The locks of this process. They go with it.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port that nobody listens on, and that no other process of these tests will ask for.
///
/// # Errors
/// When loopback has no free port.
pub fn free_port() -> io::Result<u16> {
    Ok(free_ports(1)?[0])
}

/// `count` different such ports.
///
/// # Errors
/// When loopback has not that many free ports.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let range = below_the_kernels();
    let size = range.end - range.start;
    // Tests that start together begin at different places.
    let first = u16::try_from(process::id().wrapping_mul(97) % u32::from(size)).unwrap_or(0);
    let mut found = Vec::new();
    for at in 0..size {
        if found.len() == count {
            break;
        }
        let port = range.start + (first + at) % size;
        if let Some(lock) = lock(port)?
            && TcpListener::bind(("127.0.0.1", port)).is_ok()
        {
            HELD.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(lock);
            found.push(port);
        }
    }
    if found.len() == count { Ok(found) } else { Err(io::ErrorKind::AddrInUse.into()) }
}

/// `None` when another one has it, in this process or in any other.
fn lock(port: u16) -> io::Result<Option<File>> {
    let folder = std::env::temp_dir().join("trainyard-ports");
    fs::create_dir_all(&folder)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(port.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The ports that the kernel gives to nobody by itself.
fn below_the_kernels() -> Range<u16> {
    let told = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let lowest = told.split_whitespace().next().and_then(|first| first.parse().ok());
    let end = lowest.unwrap_or(32_768);
    // Machines whose kernel picks from nearly all of them leave a few at the bottom.
    if end >= LOWEST + FEWEST { LOWEST..end } else { 1024..end.max(1024 + FEWEST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_a_port_twice_and_the_kernel_gives_it_to_nobody() {
        let mut ports = free_ports(20).expect("twenty free ports");
        ports.extend(free_ports(20).expect("twenty more"));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 40);
        for _ in 0..200 {
            let picked = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
            let picked = picked.local_addr().expect("an address").port();
            assert!(!ports.contains(&picked), "{picked}");
        }
    }
}
