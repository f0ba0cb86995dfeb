//! The address of a store's service, as a user wrote it.

use reqwest::Url;
use trainyard_model::definition::StoreRef;

use crate::error::{StoreError, StoreErrorKind};
use crate::guard::{Forbidden, Guard};
use crate::store::StoreName;

/// An address that the guard has admitted.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    /// How the store is called in messages.
    pub(crate) name: StoreName,
}

impl Endpoint {
    /// Reads the address of a store that is spoken to by HTTP, and holds it against the guard.
    ///
    /// # Errors
    /// `BadEndpoint`, `EndpointForbidden`.
    pub(crate) fn read(guard: &Guard, store: &StoreRef) -> Result<Self, StoreError> {
        let written = store.endpoint.trim().trim_end_matches('/');
        // The name goes into messages, so nothing secret may be in it.
        let name = StoreName { container: store.container.clone(), endpoint: shown(written) };
        let fails = |kind| StoreError::new(kind, &name, "open the store");
        let url = Url::parse(written)
            .map_err(|error| fails(StoreErrorKind::BadEndpoint).said(error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fails(StoreErrorKind::BadEndpoint).said("it has a `?` or a `#`"));
        }
        guard.admit(&url).map_err(|why| {
            let kind = match &why {
                Forbidden::Address { .. } | Forbidden::Directory { .. } => {
                    StoreErrorKind::EndpointForbidden
                }
                Forbidden::Scheme { .. } | Forbidden::Credentials | Forbidden::NoHost => {
                    StoreErrorKind::BadEndpoint
                }
            };
            fails(kind).said(why.to_string()).source(why)
        })?;
        Ok(Self { url, name })
    }
}

/// The address without anything that might be a password in it.
fn shown(endpoint: &str) -> String {
    match (endpoint.find("://"), endpoint.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}://[hidden]@{}", &endpoint[..scheme], &endpoint[at + 1..])
        }
        (None, Some(at)) => format!("[hidden]@{}", &endpoint[at + 1..]),
        _ => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_not_shown() {
        assert_eq!(shown("https://u:p@s3.example.com"), "https://[hidden]@s3.example.com");
        assert_eq!(shown("u:p@host"), "[hidden]@host");
        assert_eq!(shown("http://127.0.0.1:8333"), "http://127.0.0.1:8333");
    }
}
