//! The server about itself, and logging in.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use trainyard_api::identity::TokenBody;
use trainyard_api::service::{Health, Service};

use crate::error::ClientError;
use crate::http::{self, Client, QUICK};

/// A server that lives answers this at once.
const HEALTH: Duration = Duration::from_secs(5);

impl Client {
    /// `GET /health`. Needs no credential.
    pub async fn health(&self) -> Result<Health, ClientError> {
        http::json(self.get("/health").timeout(HEALTH)).await
    }

    /// `GET /v3/service`.
    pub async fn service(&self) -> Result<Service, ClientError> {
        http::json(self.get("/v3/service").timeout(QUICK)).await
    }

    /// `GET /v3/identity/token` with name and password; call it on a client
    /// made by [`Client::anonymous`].
    pub async fn identity_token(
        &self,
        user: &str,
        password: &SecretString,
    ) -> Result<TokenBody, ClientError> {
        let request = self.get("/v3/identity/token").timeout(QUICK);
        http::json(request.basic_auth(user, Some(password.expose_secret()))).await
    }
}
