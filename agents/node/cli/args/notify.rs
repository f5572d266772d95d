//! What can be asked about channels and what is said on them.

use super::{Form, Node};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Notify {
    #[command(subcommand)]
    pub(crate) action: NotifyAction,
}

/// What can be done with channels.
#[derive(Debug, Subcommand)]
pub(crate) enum NotifyAction {
    /// List the channels and what was last said on them
    List(NotifyList),
    /// Send a message that is marked as a test, and explain the answer
    Test(NotifyTest),
}

#[derive(Debug, Args)]
pub(crate) struct NotifyList {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyTest {
    /// Its name in mesh.toml
    #[arg(value_name = "CHANNEL")]
    pub(crate) channel: String,
    /// Who tries it out; default the user's name
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) node: Node,
}
