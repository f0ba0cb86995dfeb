//! Randomness for ids and tokens, straight from the kernel.

use sha2::{Digest as _, Sha256};
use trainyard_model::hex::hex;
use trainyard_model::ids::RunId;

/// A fresh run id.
pub(crate) fn run_id() -> RunId {
    RunId::from_entropy(u128::from_le_bytes(bytes()))
}

/// What a search takes its chance from.
pub(crate) fn seed() -> u64 {
    u64::from_le_bytes(bytes())
}

/// A fresh token for an attempt: 256 random bits in hex, under a prefix that
/// secret scanners can look for.
pub(crate) fn attempt_token() -> String {
    format!("tya_{}", hex(&bytes::<32>()))
}

/// What is kept of a token. Its entropy is high, so no slow hash is needed.
pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes
}
