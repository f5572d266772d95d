//! What can be asked about the mesh and its shared configuration.

use super::{Config, Form, Node};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Mesh {
    #[command(subcommand)]
    pub(crate) action: Option<MeshAction>,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// What else can be done with the mesh.
#[derive(Debug, Subcommand)]
pub(crate) enum MeshAction {
    /// Make a mesh key beside node.toml and name it there
    Key(MeshKeyArgs),
    /// Print one string that lets another machine join
    Invite(MeshInvite),
    /// Join a mesh by the string that `p7 mesh invite` printed
    Join(MeshJoin),
    /// Show every node: since when, how far, which roles, version and configuration, clock offset
    Peers {
        #[command(flatten)]
        node: Node,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MeshKeyArgs {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Only print the key; whoever sees it can join
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MeshInvite {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Where the other machine reaches this one; the addresses of this machine's interfaces unless given
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) address: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct MeshJoin {
    /// The string; `-` reads standard input, which keeps it out of the shell's history
    #[arg(value_name = "STRING")]
    pub(crate) invitation: String,
    #[command(flatten)]
    pub(crate) config: Config,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The mesh.toml that every node is to take up, or its folder; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Who gives it; your user name unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Shared {
    #[command(subcommand)]
    pub(crate) action: SharedAction,
}

/// What can be done with the shared configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum SharedAction {
    /// Show how a mesh.toml differs from the mesh's; exit 1 when it does
    Diff {
        /// The file, or its folder; `-` reads standard input
        #[arg(value_name = "FILE", env = "P7_CONFIG", default_value = "mesh-config")]
        place: PathBuf,
        #[command(flatten)]
        node: Node,
    },
    /// Print the mesh's newest mesh.toml
    Show {
        #[command(flatten)]
        node: Node,
        #[command(flatten)]
        form: Form,
    },
}
