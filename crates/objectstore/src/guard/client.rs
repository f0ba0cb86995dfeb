//! The HTTP client, with a resolver that knows the guard.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;

use super::Guard;

/// Connections kept for the next request, for each store.
const IDLE_CONNECTIONS: usize = 64;

/// Makes a client that goes nowhere but where the guard admits. With `secure` it
/// trusts the system's certificates; without, it speaks plain HTTP only.
pub(super) fn make(guard: &Guard, secure: bool) -> Result<reqwest::Client, reqwest::Error> {
    let limits = guard.limits();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("trainyard/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        // A proxy of the environment would resolve names out of the guard's sight.
        .no_proxy()
        // The transport of each store repeats requests itself.
        .retry(reqwest::retry::never())
        .http1_only()
        .connect_timeout(limits.connect)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .dns_resolver(GuardedResolver(guard.clone()));
    let builder = if secure { builder } else { builder.tls_certs_only([]) };
    builder.build()
}

/// Resolves as the system does, then drops every address that the guard does not
/// admit. The connection goes to what is left, so a name that changes its
/// addresses between check and use gains nothing.
struct GuardedResolver(Guard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = lookup(&guard, host).await?;
            let mut refused = None;
            let mut admitted: Vec<SocketAddr> = Vec::new();
            for address in found {
                match guard.admit_address(host, address.ip()) {
                    Ok(()) => admitted.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if admitted.is_empty() => Err(why.into()),
                _ => Ok(Box::new(admitted.into_iter()) as Addrs),
            }
        })
    }
}

/// The addresses of a name. Everything below `localhost` is this machine (RFC 6761,
/// 6.3): not all resolvers know, and a store here may have buckets for hosts.
async fn lookup(guard: &Guard, host: &str) -> std::io::Result<Vec<SocketAddr>> {
    if host.trim_end_matches('.').to_ascii_lowercase().ends_with(".localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]);
    }
    let limit = guard.limits().connect;
    let found = tokio::time::timeout(limit, tokio::net::lookup_host((host, 0))).await??;
    Ok(found.collect())
}
