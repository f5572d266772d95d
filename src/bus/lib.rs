//! p7-bus: how agents talk. Events are told, questions are asked; every mailbox is bounded and
//! what is dropped is counted.
//!
//! Agents know this crate and the core, not each other: an agent holds the recipient of an event,
//! a test holds a recorder. A panic anywhere aborts the process and the service manager restarts
//! it: actix's supervision does not survive a panic, and the mesh covers the gap.

mod commands;
mod devices;
mod events;
mod orders;
mod publishing;
mod tell;

pub use commands::{COMMAND_WITHIN, CommandFault, CommandFor, CommandHeard, DEVICE_COMMAND};
pub use devices::{
    DeviceDone, DeviceOrder, DeviceState, DeviceStatus, DeviceStep, DeviceWish, DevicesNoted, SAY_LIMIT,
    SHOW_LIMIT,
};
pub use events::{
    Applied, Apply, ApplyError, Ask, AskError, ConfigurationNoted, Configured, FactsHeard, Heard,
    IncidentChanged, LookNow, MailFound, MeshNoted, NetworkNoted, Notifications, PeersNoted, PeersSeen,
    ProbeAddress, ProbeFinished, ProbeNow, Request, SeatsTaken, SharedConfiguration, Snapshot, Stated,
    StoreNoted, Suspected, TestChannel,
};
pub use publishing::{FitnessNoted, PublishNoted, PublishStanding, PublishTarget, Publishing};
pub use tell::{Told, dropped, note_dropped, tell};
