//! p7-notifier: tells people about incidents on the channels they read, each message once.
//!
//! What is due is the core's to say ([`p7_core::speech`] and the ledger); this agent hears what happened,
//! asks, states what it is about to say, and has it sent. How a message looks on a channel, and how the
//! channel's answers are to be taken, is one file of `channels/`.

pub mod channel;
pub mod channels;
mod compose;
pub mod http;
mod logbook;
mod mail;
mod metrics;
mod notifier;
mod shelf;
mod speak;
mod standing;

pub use channel::{
    Abilities, Again, Arrival, Channel, Entry, Follows, Happening, Node, Outcome, Outside, Speaker, Unready,
};
pub use channels::{ChannelConfig, NAMES};
pub use notifier::{Named, Notifier, Parts, Recall, TakenUp};

#[cfg(test)]
#[path = "tests/unit/samples.rs"]
pub(crate) mod samples;

#[cfg(test)]
#[path = "tests/unit/once.rs"]
mod once;

#[cfg(test)]
#[path = "tests/unit/peers.rs"]
mod peers;
