//! p7-settings: the words of every configuration: periods, secrets by reference, faults that name
//! their place. Each agent defines its own `Config` beside its code; `agents/node` sums them.

mod faults;
mod period;
mod secret;

pub use faults::{Check, Fault, Faults};
pub use period::Period;
pub use secret::{Secret, SecretError, SecretText};
