//! The node's configuration: the sum of every agent's, read from `node.toml` and `mesh.toml`.
//!
//! Each agent defines its own `Config` beside its code; here they are only put together, held
//! against each other, and reported on.

mod check;
mod deployments;
mod init;
mod load;
mod maintenance;
mod mesh;
mod node;
mod relations;
mod services;
mod speaking;
mod table;
mod warnings;

#[cfg(test)]
mod tests;

pub(crate) use check::check;
pub(crate) use init::init;
pub(crate) use load::{Fingerprint, Loaded, Watched, environment, fingerprint, load, load_shared, mesh_text};
pub(crate) use node::{LogConfig, LogFormat, NodeConfig};
