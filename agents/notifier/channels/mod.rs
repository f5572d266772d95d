//! The channels. To add one: write `channels/NAME.rs` and add its line to `channels!` below.
//!
//! A channel's file has a `Config` (the table `[channels.NAME.KIND]`, with [`Check`] and a method
//! `prepare`) and a `Ready` that implements [`crate::Channel`]: the same with its secrets and files at hand.

pub mod alertmanager;
pub mod email;
pub mod exec;
pub mod pagerduty;
pub mod slack;
pub mod sumo;
pub mod teams;
pub mod webhook;

use crate::channel::{Node, Speaker, Unready};
use p7_settings::{Check, Faults};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::Arc;

macro_rules! channels {
    ($($(#[$doc:meta])* $variant:ident: $module:ident = $name:literal;)*) => {
        /// The names of all kinds, as they stand in `[channels.NAME.KIND]`.
        pub const NAMES: &[&str] = &[$($name),*];

        /// The settings of a channel of any kind.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ChannelConfig {
            $($(#[$doc])* $variant(Box<$module::Config>),)*
        }

        impl ChannelConfig {
            /// Reads the table of `kind`.
            ///
            /// # Errors
            /// When there is no such kind, or the table is not as the kind wants it.
            pub fn deserialize<'de, D: Deserializer<'de>>(kind: &str, from: D) -> Result<Self, D::Error> {
                match kind {
                    $($name => $module::Config::deserialize(from).map(|c| Self::$variant(Box::new(c))),)*
                    unknown => Err(D::Error::custom(format!(
                        "there is no kind of channel `{unknown}`; there is: {}", NAMES.join(", ")
                    ))),
                }
            }

            /// The name of its kind.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Makes it ready on this node.
            ///
            /// # Errors
            /// When a secret or file is not there, or the node does not allow it.
            pub fn prepare(&self, node: &Node) -> Result<Arc<dyn Speaker>, Unready> {
                match self { $(Self::$variant(config) => config.prepare(node).map(|ready| Arc::new(ready) as Arc<dyn Speaker>),)* }
            }
        }

        impl Check for ChannelConfig {
            fn check(&self, faults: &mut Faults<'_>) {
                match self { $(Self::$variant(config) => config.check(faults),)* }
            }
        }
    };
}

channels! {
    /// Prometheus Alertmanager.
    Alertmanager: alertmanager = "alertmanager";
    /// Mail.
    Email: email = "email";
    /// A program that gets the message on its standard input.
    Exec: exec = "exec";
    /// PagerDuty's events.
    Pagerduty: pagerduty = "pagerduty";
    /// A Slack channel.
    Slack: slack = "slack";
    /// A log in Sumo Logic.
    Sumo: sumo = "sumo";
    /// A workflow of Microsoft Teams.
    Teams: teams = "teams";
    /// A POST of JSON to an address of your choice.
    Webhook: webhook = "webhook";
}
