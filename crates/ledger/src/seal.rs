//! Seals what must not lie in the database in the clear: XChaCha20-Poly1305.
//!
//! The associated data names what is sealed and whose it is, so that a sealed
//! text that is moved to another row does not open there. The nonces are 192
//! random bits: no counter has to survive a restored backup.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rusqlite::Row;
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};
use trainyard_model::ids::{DefinitionId, RunId};
use uuid::Uuid;

use crate::column;
use crate::error::{DecodeError, LedgerError};
use crate::key::KeyBytes;

/// The length of a nonce, in bytes.
const NONCE: usize = 24;

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It was sealed with a key that is not the one at hand.
    #[error("what belongs to {owner} was sealed with another key than the one in the key file")]
    WrongKey {
        /// Whose it is.
        owner: String,
    },
    /// It is not what was sealed, or not in the place where it was.
    #[error("what is sealed for {owner} was changed or moved")]
    Tampered {
        /// Whose it is.
        owner: String,
    },
    /// The bytes opened are not what this version of the program seals.
    #[error("what is sealed for {owner} has another form than expected")]
    Form {
        /// Whose it is.
        owner: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// It is too large to be sealed.
    #[error("what belongs to {owner} is too large to be sealed")]
    TooLarge {
        /// Whose it is.
        owner: String,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Entropy(#[source] getrandom::Error),
}

/// What is sealed, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// The credentials of a run.
    RunSecrets(&'a RunId),
    /// The document of a training definition.
    Document(&'a DefinitionId),
    /// A stored model, an experiment, or a run of one.
    UserDocument(&'a Uuid),
}

impl Purpose<'_> {
    fn owner(self) -> String {
        match self {
            Self::RunSecrets(run) => format!("run `{run}`"),
            Self::Document(definition) => format!("training definition `{definition}`"),
            Self::UserDocument(id) => format!("document `{id}`"),
        }
    }

    /// The version stands in here: another form of plaintext gets another number.
    fn associated_data(self) -> String {
        match self {
            Self::RunSecrets(run) => format!("trainyard ledger v1: secrets of {run}"),
            Self::Document(definition) => format!("trainyard ledger v1: document of {definition}"),
            Self::UserDocument(id) => format!("trainyard ledger v1: user document {id}"),
        }
    }
}

/// A sealed text as it lies in a row.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    pub(crate) nonce: [u8; NONCE],
    pub(crate) ciphertext: Vec<u8>,
}

impl Sealed {
    /// Reads the columns `key_id`, `nonce` and `ciphertext`.
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        Ok(Self {
            key_id: column::plain(row, "key_id")?,
            nonce: column::plain(row, "nonce")?,
            ciphertext: column::plain(row, "ciphertext")?,
        })
    }
}

/// Seals and opens with one key.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    key_id: String,
}

impl Sealer {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        // The id tells keys apart without telling anything of them.
        let mut hash = Sha256::new_with_prefix(b"trainyard ledger key id: ");
        hash.update(key.as_slice());
        let key_id =
            hash.finalize()[..8].iter().fold(String::new(), |id, b| format!("{id}{b:02x}"));
        Self { cipher: XChaCha20Poly1305::new(&(**key).into()), key_id }
    }

    /// Which key this is.
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Seals the JSON of `value`.
    pub(crate) fn seal(
        &self,
        purpose: Purpose<'_>,
        value: &impl serde::Serialize,
    ) -> Result<Sealed, LedgerError> {
        let unwritable = |source: serde_json::Error| LedgerError::Unwritable {
            column: "ciphertext",
            source: DecodeError::Json(source),
        };
        let plain = Zeroizing::new(serde_json::to_vec(value).map_err(unwritable)?);
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(SealError::Entropy)?;
        let aad = purpose.associated_data();
        let payload = Payload { msg: &plain, aad: aad.as_bytes() };
        let ciphertext = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::TooLarge { owner: purpose.owner() })?;
        Ok(Sealed { key_id: self.key_id.clone(), nonce, ciphertext })
    }

    /// Opens what [`Self::seal`] has sealed for the same purpose.
    pub(crate) fn open<T: serde::de::DeserializeOwned>(
        &self,
        purpose: Purpose<'_>,
        sealed: &Sealed,
    ) -> Result<T, SealError> {
        if sealed.key_id != self.key_id {
            return Err(SealError::WrongKey { owner: purpose.owner() });
        }
        let aad = purpose.associated_data();
        let payload = Payload { msg: &sealed.ciphertext, aad: aad.as_bytes() };
        let plain = self
            .cipher
            .decrypt(&XNonce::from(sealed.nonce), payload)
            .map_err(|_| SealError::Tampered { owner: purpose.owner() })?;
        let plain = Zeroizing::new(plain);
        serde_json::from_slice(&plain)
            .map_err(|source| SealError::Form { owner: purpose.owner(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&Zeroizing::new([byte; 32]))
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let (mine, other) = (RunId::from_entropy(1), RunId::from_entropy(2));
        let sealed = sealer(7).seal(Purpose::RunSecrets(&mine), &"hunter2").unwrap();
        let opened: String = sealer(7).open(Purpose::RunSecrets(&mine), &sealed).unwrap();
        assert_eq!(opened, "hunter2");
        let moved = sealer(7).open::<String>(Purpose::RunSecrets(&other), &sealed);
        assert!(matches!(moved, Err(SealError::Tampered { .. })));
        let wrong = sealer(8).open::<String>(Purpose::RunSecrets(&mine), &sealed);
        assert!(matches!(wrong, Err(SealError::WrongKey { .. })));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let run = RunId::from_entropy(1);
        let sealed = sealer(7).seal(Purpose::RunSecrets(&run), &"hunter2").unwrap();
        for bit in 0..sealed.ciphertext.len() * 8 {
            let mut changed = sealed.clone();
            changed.ciphertext[bit / 8] ^= 1 << (bit % 8);
            let opened = sealer(7).open::<String>(Purpose::RunSecrets(&run), &changed);
            assert!(matches!(opened, Err(SealError::Tampered { .. })), "bit {bit}");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let run = RunId::from_entropy(1);
        let one = sealer(7).seal(Purpose::RunSecrets(&run), &"hunter2").unwrap();
        let two = sealer(7).seal(Purpose::RunSecrets(&run), &"hunter2").unwrap();
        assert_ne!(one.ciphertext, two.ciphertext);
    }
}
