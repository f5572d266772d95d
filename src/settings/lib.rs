//! p7-settings: the words of every configuration: periods, secrets by reference, faults that name
//! their place, and the reading of files. Each agent defines its own `Config` beside its code;
//! `agents/node` sums them.

mod decode;
mod document;
mod faults;
mod overrides;
mod period;
mod redact;
mod schema;
mod secret;
mod source;
mod tree;
mod words;

pub use decode::{DecodeError, Reader};
pub use document::{Document, FAULT_LIMIT, FILE_LIMIT};
pub use faults::{Check, Fault, Faults};
pub use overrides::Overrides;
pub use period::Period;
pub use schema::{all_keys_by, all_keys_of, keys_of};
pub use secret::{Secret, SecretError, SecretText};
pub use source::{PlacedFault, Style};
pub use words::{nearest, suggestion};
