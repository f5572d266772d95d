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

/// Which node is asked, and whose devices are meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct At {
    /// The node of the mesh that is meant, by its name or id; or, as everywhere, the address of the node to ask
    #[arg(long = "node", value_name = "NAME|URL")]
    pub(crate) on: Option<String>,
    /// Address of the node to ask
    #[arg(long, value_name = "URL", env = "P7_NODE_URL", default_value = "http://127.0.0.1:7007")]
    pub(crate) url: String,
    /// Where the admin token is, for changes from other machines: env:NAME or file:PATH
    #[arg(long, value_name = "REFERENCE", env = "P7_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

impl At {
    /// The node to ask.
    pub(crate) fn asked(&self) -> Node {
        let address = self.on.as_ref().filter(|on| is_address(on)).unwrap_or(&self.url);
        Node { url: address.clone(), token: self.token.clone() }
    }

    /// The node whose devices are meant; none for that which is asked.
    pub(crate) fn on(&self) -> Option<&str> {
        self.on.as_deref().filter(|on| !is_address(on))
    }
}

/// Whether it is an address; else it is a name.
fn is_address(text: &str) -> bool {
    text.contains("://")
}

#[derive(Debug, Args)]
pub(crate) struct DeviceList {
    #[command(flatten)]
    pub(crate) at: At,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceTest {
    /// Its name in node.toml; where no node runs, a BlinkStick's serial, or `all`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) at: At,
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
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// What, in at most 300 characters; quotes are not needed
    #[arg(value_name = "TEXT", required = true)]
    pub(crate) text: Vec<String>,
    /// Which robot, by its name in node.toml; needed only where there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}
