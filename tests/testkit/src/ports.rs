//! Free ports on loopback.

use std::net::TcpListener;

/// A port that was free a moment ago. The kernel does not hand the same one out
/// again soon, which is as good as it gets for servers that want to be told.
///
/// # Errors
/// When loopback has no free port.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// `count` different ports that were free a moment ago.
///
/// # Errors
/// When loopback has not that many free ports.
pub fn free_ports(count: usize) -> std::io::Result<Vec<u16>> {
    // All listeners are held until every port is known, so that none repeats.
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<Result<_, _>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}
