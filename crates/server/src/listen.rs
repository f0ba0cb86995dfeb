//! The listener: as many connections as there may be, and none that stands still for ever.
//!
//! A client that takes minutes for the head of a request, or does not read its answer, costs
//! a connection; so it gets a minute. Bodies are watched where they are read (`routes`).

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::guesses::Peer;

/// How long the head of a request may take, from the end of the one before: so also how long
/// a connection may stay open for nothing.
const HEAD: Duration = Duration::from_mins(1);

/// How long an answer may lie in the kernel without the other side taking anything of it.
const STALLED: Duration = Duration::from_mins(1);

/// The most that is kept of a request's head, and of a body ahead of its reader.
const BUFFER: usize = 128 << 10;

/// How long to wait when the system cannot give another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How long requests under way may take when the server is told to stop.
/// Learners keep long questions open, so this is not waited for in vain.
const LAST_REQUESTS: Duration = Duration::from_millis(500);

/// How many connections wait in the kernel to be taken: as many as it allows, which by
/// default is this. With fewer, a thousand monitors that come at once are turned away.
const BACKLOG: u32 = 4096;

/// Begins to listen; connections wait until they are taken by [`listen`].
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that is started again should not wait for connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers requests until `stop` comes. Then no new ones are taken, and those
/// under way get a moment: what is durable is durable, and clients ask again.
pub(crate) async fn listen(
    listener: TcpListener,
    router: Router,
    connections: u32,
    stop: impl Future<Output = ()>,
) {
    let connections = connections.min(affordable());
    let places = Arc::new(Semaphore::new(connections as usize));
    let (told, stopping) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        // Who finds no place waits in the kernel's queue, which is bounded as well.
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
            (place, listener.accept().await)
        };
        tokio::select! {
            (place, accepted) = next => match accepted {
                Ok((stream, address)) => {
                    let peer = Peer(address.ip());
                    tokio::spawn(answer(stream, peer, router.clone(), place, stopping.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    drop(told);
    // All places are free again when the last connection is closed.
    let all_closed = places.acquire_many(connections);
    let _ = tokio::time::timeout(LAST_REQUESTS, all_closed).await;
}

/// How many connections this process can afford: half of its files, the rest is for the
/// ledger, logs and stores.
fn affordable() -> u32 {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    u32::try_from(files / 2).unwrap_or(u32::MAX).max(16)
}

async fn answer(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    _place: OwnedSemaphorePermit,
    mut stopping: watch::Receiver<()>,
) {
    set_up(&stream);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    // With upgrades: monitors are WebSockets.
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let told = async move {
        // Resolves with an error when the other end is dropped: that is the word.
        let _ = stopping.changed().await;
    };
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = told => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke");
    }
}

fn set_up(stream: &TcpStream) {
    // Event streams are many small writes: without this each would wait for the
    // acknowledgement of the one before, which the other side delays by 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its small writes back");
    }
    #[cfg(target_os = "linux")]
    {
        let limit = u32::try_from(STALLED.as_millis()).expect("a minute is not long");
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, limit) {
            tracing::debug!(%error, "a connection may stand still for long");
        }
    }
}
