//! Credentials of object stores.
//!
//! They are kept apart from the definition from the first moment on, so that
//! the definition can be logged, listed and stored in the clear. `Debug` of
//! every type here hides the value; `Serialize` is deliberately missing, and
//! [`Credentials::expose`] is the one way to the bytes that get sealed or sent
//! to the learner.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// What opens one store: an S3 key pair, or a user and a password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// S3 access key id, or user name. Not shown to strangers either.
    pub user: SecretString,
    /// S3 secret key, or password.
    pub secret: SecretString,
    /// S3 session token, which comes with keys that are good for some hours only.
    pub session: Option<SecretString>,
}

/// [`Credentials`] in the clear, for sealing and for the learner's channel only.
#[derive(Clone, Serialize, Deserialize)]
pub struct ExposedCredentials {
    /// See [`Credentials::user`].
    pub user: String,
    /// See [`Credentials::secret`].
    pub secret: String,
    /// See [`Credentials::session`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl Credentials {
    /// Takes the two texts into keeping.
    pub fn new(user: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            user: SecretString::from(user.into()),
            secret: SecretString::from(secret.into()),
            session: None,
        }
    }

    /// The same keys with an S3 session token.
    pub fn with_session(self, token: impl Into<String>) -> Self {
        Self { session: Some(SecretString::from(token.into())), ..self }
    }

    /// The texts, for sealing or for the authenticated channel to the learner.
    pub fn expose(&self) -> ExposedCredentials {
        ExposedCredentials {
            user: self.user.expose_secret().to_owned(),
            secret: self.secret.expose_secret().to_owned(),
            session: self.session.as_ref().map(|token| token.expose_secret().to_owned()),
        }
    }
}

impl From<ExposedCredentials> for Credentials {
    fn from(exposed: ExposedCredentials) -> Self {
        let keys = Self::new(exposed.user, exposed.secret);
        match exposed.session {
            Some(token) => keys.with_session(token),
            None => keys,
        }
    }
}

impl std::fmt::Debug for ExposedCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExposedCredentials([hidden])")
    }
}

/// The credentials of a submission, one set for each store it names.
/// A `directory` store needs none.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// For the training data's store.
    pub data: Option<Credentials>,
    /// For the results' store.
    pub results: Option<Credentials>,
}

/// [`Secrets`] in the clear: the plaintext that the ledger seals.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ExposedSecrets {
    /// See [`Secrets::data`].
    pub data: Option<ExposedCredentials>,
    /// See [`Secrets::results`].
    pub results: Option<ExposedCredentials>,
}

impl std::fmt::Debug for ExposedSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExposedSecrets([hidden])")
    }
}

impl Secrets {
    /// The texts, for sealing or for the authenticated channel to the learner.
    pub fn expose(&self) -> ExposedSecrets {
        ExposedSecrets {
            data: self.data.as_ref().map(Credentials::expose),
            results: self.results.as_ref().map(Credentials::expose),
        }
    }
}

impl From<ExposedSecrets> for Secrets {
    fn from(exposed: ExposedSecrets) -> Self {
        Self { data: exposed.data.map(Into::into), results: exposed.results.map(Into::into) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        let secrets = Secrets { data: Some(Credentials::new("user-7", "hunter2")), results: None };
        let told = format!("{secrets:?} {:?}", secrets.expose());
        assert!(!told.contains("hunter2") && !told.contains("user-7"), "{told}");
    }
}
