//! The rules of the core, seen through what a node hears and shows.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;
mod late;
mod levels;
mod people;
mod properties;
