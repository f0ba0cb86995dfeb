//! The faces, from outside: who is let in, and what the document says.

mod denial;
mod document;
mod hang_up;
mod house;
