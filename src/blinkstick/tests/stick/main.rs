//! Sticks as bytes, as models, and as pictures.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod colours;
mod driving;
mod frames;
mod pictures;
