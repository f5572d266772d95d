//! What can be asked about the devices of a machine.

use super::{Form, Node};
use clap::{Args, Subcommand};

/// Longest time a colour is shown: a day.
const SECONDS_LIMIT: i64 = 86_400;

#[derive(Debug, Args)]
pub(crate) struct Device {
    #[command(subcommand)]
    pub(crate) action: DeviceAction,
}

/// What can be done with devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceAction {
    /// List the devices and how they are; without a node the BlinkSticks that are plugged in here
    List(DeviceList),
    /// Walk through what a device can do, and say what you should see and hear
    Test(DeviceTest),
    /// Show a colour for a while
    Set(DeviceSet),
    /// Print the udev rule that lets people use BlinkSticks
    Udev,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceList {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceTest {
    /// Its name in node.toml; where no node runs, a BlinkStick's serial, or `all`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) node: Node,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceSet {
    /// Its name in node.toml; where no node runs, a BlinkStick's serial, or `all`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A CSS name such as `orange`, or `#rrggbb`
    #[arg(value_name = "COLOUR")]
    pub(crate) colour: String,
    /// For how long; where no node runs, it stays
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=SECONDS_LIMIT))]
    pub(crate) seconds: u32,
    #[command(flatten)]
    pub(crate) node: Node,
}

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// What, in at most 300 characters; quotes are not needed
    #[arg(value_name = "TEXT", required = true)]
    pub(crate) text: Vec<String>,
    /// Which robot, by its name in node.toml; needed only where the machine has several
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) node: Node,
}
