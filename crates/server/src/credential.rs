//! Tokens: how they look, how they are made, what is kept of them.
//!
//! A token is 256 random bits, of which the ledger keeps the SHA-256. The ones
//! that a login gives out have the shape of a JSON Web Token, because the
//! official client reads `exp` from the second part; the third part holds the
//! random bits, and the whole is looked up, not verified by a signature, so that
//! it can be withdrawn.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use trainyard_ledger::{Access, Ledger, LedgerError};
use trainyard_model::hex::hex;
use trainyard_model::ids::UserName;

/// How long a login lasts. The official client renews from 30 minutes before
/// the end and fails at once when it is given less.
pub(crate) const LOGIN_LASTS: Duration = Duration::from_hours(8);

/// What is kept of a token. It has 256 bits of entropy, so no slow hash is needed.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes
}

/// The local user's token: read from `path`, or made there (0600) the first time.
pub(crate) fn local(path: &Path) -> io::Result<SecretString> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(format!("tyu_{}\n", hex(&random())).as_bytes())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let mut text = String::new();
    fs::File::open(path)?.read_to_string(&mut text)?;
    Ok(SecretString::from(text.trim().to_owned()))
}

/// What API keys begin with.
const API_KEY: &str = "tyk_";

/// A new API key.
pub(crate) fn api_key() -> SecretString {
    SecretString::from(format!("{API_KEY}{}", hex(&random())))
}

/// Does this look like an API key?
pub(crate) fn is_api_key(text: &str) -> bool {
    text.starts_with(API_KEY)
}

/// Makes a login's token for `user` and puts it on record.
pub(crate) async fn login(
    ledger: &Ledger,
    user: &UserName,
    access: Access,
) -> Result<SecretString, LedgerError> {
    let now = Timestamp::now();
    let expires = now + LOGIN_LASTS;
    // ASCII letters and digits alone, which in base64 never give the two
    // characters that its URL-safe alphabet has for itself: the official client
    // decodes with the standard one.
    let payload = serde_json::json!({
        "sub": user.to_string(),
        "iat": now.as_second(),
        "exp": expires.as_second(),
    });
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let header = part(br#"{"alg":"none","typ":"JWT"}"#);
    let token = format!("{header}.{}.{}", part(payload.to_string().as_bytes()), part(&random()));
    ledger.put_token(hash(&token), user.clone(), access, Some(expires)).await?;
    Ok(SecretString::from(token))
}

/// Lets the local user's token in.
pub(crate) async fn admit_local(ledger: &Ledger, token: &SecretString) -> Result<(), LedgerError> {
    ledger.put_token(hash(token.expose_secret()), UserName::local(), Access::Write, None).await
}
