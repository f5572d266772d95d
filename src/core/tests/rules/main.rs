//! The rules of the core, seen through what a node hears and shows.

mod common;
mod levels;
mod people;
mod properties;
