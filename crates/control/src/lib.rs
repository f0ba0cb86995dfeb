//! The brain: admits, reconciles, carries out effects.
