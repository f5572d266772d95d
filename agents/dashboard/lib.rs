//! p7-dashboard: what people and programs see of a node: pages, HTTP API, event stream, metrics, health.
//!
//! [`Dashboard`] hears what happens and keeps it on a board that every handler reads; history comes from
//! the store; what people state goes to the aggregator. Pages are rendered by [`p7_pages`], which knows
//! nothing of all this.

mod api;
mod board;
mod config;
mod dashboard;
mod events;
mod guard;
mod health;
mod metrics;
mod openapi;
mod problem;
mod publishing;
mod sending;
mod server;
mod shared;
mod views;

pub use config::{Config, DEFAULT_PORT};
pub use dashboard::Dashboard;
pub use p7_pages as pages;
pub use server::{Running, StartError, start};
pub use shared::{Clock, Parts};
pub use views::past;
