//! What can be asked of `p7`, each command with its help.

mod device;
mod mesh;
mod notify;

pub(crate) use device::{At, Device, DeviceAction, DeviceList, DeviceSet, DeviceTest, Say};
pub(crate) use mesh::{Apply, Mesh, MeshAction, MeshInvite, MeshJoin, MeshKeyArgs, Shared, SharedAction};
pub(crate) use notify::{Notify, NotifyAction, NotifyList, NotifyTest};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Watches services together with other nodes and says how they are.
#[derive(Debug, Parser)]
#[command(
    name = "p7",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 fine; 1 the asked thing is not so (a service is down, nothing to acknowledge); \
                  2 wrong use or configuration; 3 the node can't be reached.\n\
                  New here? `p7 demo` shows everything and needs nothing."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, in the order a newcomer meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node: watch the services of a configuration and serve the dashboard
    Run(Run),
    /// See everything at once: a node, a small site that fails and recovers, nothing to set up
    Demo(Demo),
    /// Write a commented configuration to start from
    Init(Folder),
    /// Report every fault of a configuration with its file, line and column
    Check(Check),
    /// Test a URL or a service once, from here, and show where the time went
    Probe(Probe),
    /// Show how the services are; exit 1 when one of them is in an incident
    Status(Status),
    /// List the services that are watched
    Services(Services),
    /// Show one service: its status, vantage points and last cycles
    Service(OneService),
    /// List incidents, the newest first
    Incidents(Incidents),
    /// Show the nodes, their roles and what each of them sees; `peers` shows how far they are
    Mesh(Mesh),
    /// Give the whole mesh a new mesh.toml, which every node takes up
    Apply(Apply),
    /// Compare or print the mesh's shared configuration
    Config(Shared),
    /// Acknowledge a service's open incident: somebody is on it
    Ack(Ack),
    /// Keep quiet about services for a while, list silences, or lift one
    Silence(Silence),
    /// State maintenance of a service, list it, or lift it
    Maintenance(Maintenance),
    /// State that a service is being deployed, or was
    Deployment(Deployment),
    /// List the devices of all nodes and how they are
    Devices(DeviceList),
    /// List, test or light a device, or print the udev rule for BlinkSticks
    Device(Device),
    /// Let a robot say something, wherever in the mesh it is
    Say(Say),
    /// List the channels people are told on, or try one out
    Notify(Notify),
    /// Turn another monitor's configuration into a mesh.toml
    Import(Import),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the version
    Version,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct Config {
    /// Folder with node.toml and mesh.toml
    #[arg(long = "config", value_name = "DIR", env = "P7_CONFIG", default_value = "mesh-config")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) config: Config,
    /// What to log, such as `info` or `info,p7_prober=debug`; unless given, what node.toml says
    #[arg(long, value_name = "FILTER", env = "P7_LOG")]
    pub(crate) log: Option<String>,
    /// How the log is written; unless given, what node.toml says
    #[arg(long, value_name = "FORM")]
    pub(crate) log_format: Option<LogFormat>,
}

/// The forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many nodes to start, each a process of its own, at most 12; with more than one they form a mesh
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) nodes: u16,
    /// Address and port of its dashboard [default: 127.0.0.1:7007, or a free port where that is taken]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Folder to write into; files that exist are left alone
    #[arg(value_name = "DIR", default_value = "mesh-config")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Folder with node.toml and mesh.toml
    #[arg(value_name = "DIR", env = "P7_CONFIG", default_value = "mesh-config")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// A URL (http, https, tcp://host:port) or the id of a service of mesh.toml
    #[arg(value_name = "URL|SERVICE")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) config: Config,
    /// Longest time the test may take, such as 5s; a service's own otherwise
    #[arg(long, value_name = "SPAN")]
    pub(crate) timeout: Option<humantime::Duration>,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// In which form data are printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Form {
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which node is asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct Node {
    /// Address of the node to ask
    #[arg(long = "node", value_name = "URL", env = "P7_NODE_URL", default_value = "http://127.0.0.1:7007")]
    pub(crate) url: String,
    /// Where the admin token is, for changes from other machines: env:NAME or file:PATH
    #[arg(long, value_name = "REFERENCE", env = "P7_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only services whose id, name or environment contains this, or that are at this level
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Keep the table on the screen and up to date, until Ctrl-C
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Services {
    /// Only services whose id, name or environment contains this, or that are at this level
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct OneService {
    /// Its id, as `p7 services` lists it
    #[arg(value_name = "SERVICE")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Incidents {
    /// Only those that have not ended
    #[arg(long)]
    pub(crate) open: bool,
    /// Only those of this service
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// Who says something, and why.
#[derive(Debug, Clone, Args)]
pub(crate) struct Statement {
    /// Why, for those who read it later
    #[arg(long, short, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
    /// Who says so; your user name unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Ack {
    /// The service whose incident it is
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) statement: Statement,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// What a silence or maintenance covers.
#[derive(Debug, Args)]
#[group(required = false, multiple = false)]
pub(crate) struct Scope {
    /// The service it is about
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Every service of this environment
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Every service
    #[arg(long)]
    pub(crate) all: bool,
}

/// From when to when.
#[derive(Debug, Args)]
pub(crate) struct Span {
    /// For how long, such as 90m or 2h
    #[arg(long = "for", value_name = "SPAN", conflicts_with = "until")]
    pub(crate) lasts: Option<humantime::Duration>,
    /// From when, as 2026-05-01T22:00:00+02:00, or 22:00 for the next such hour in UTC; now unless given
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until when, written like --from
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// What else can be done with silences and maintenance.
#[derive(Debug, Subcommand)]
pub(crate) enum HoldAction {
    /// List those that have not ended
    List {
        #[command(flatten)]
        node: Node,
        #[command(flatten)]
        form: Form,
    },
    /// End one now
    Lift {
        /// Its id, as `list` shows it
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        node: Node,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Silence {
    #[command(subcommand)]
    pub(crate) action: Option<HoldAction>,
    #[command(flatten)]
    pub(crate) hold: Hold,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Maintenance {
    #[command(subcommand)]
    pub(crate) action: Option<HoldAction>,
    #[command(flatten)]
    pub(crate) hold: Hold,
}

/// A silence or a maintenance to state.
#[derive(Debug, Args)]
pub(crate) struct Hold {
    #[command(flatten)]
    pub(crate) scope: Scope,
    #[command(flatten)]
    pub(crate) span: Span,
    #[command(flatten)]
    pub(crate) statement: Statement,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Deployment {
    /// The service that is deployed
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// Its name, such as a release number
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// How it is getting on
    #[arg(long, value_name = "STATE")]
    pub(crate) state: DeploymentState,
    /// Where to read more
    #[arg(long, value_name = "URL")]
    pub(crate) link: Option<String>,
    /// Who or what deploys; your user name unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// How a deployment is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeploymentState {
    /// It is going on
    Running,
    /// It is done
    Succeeded,
    /// It ended badly
    Failed,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The other monitor's file; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Whose file it is
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub(crate) format: ImportFormat,
    /// Where to write the mesh.toml; standard output unless given
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// Whose configuration is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// What the file looks like
    Auto,
    /// Protocol/7 of 2020: sample_config.py
    Original,
    /// Gatus: config.yaml
    Gatus,
    /// Uptime Kuma: its backup as JSON
    UptimeKuma,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_commands_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_hold_takes_one_scope_and_its_list_and_lift_need_none() {
        let read = |line: &str| Arguments::try_parse_from(line.split_whitespace());
        for fine in [
            "p7 silence shop --for 2h",
            "p7 silence --environment staging --for 2h --reason upgrade",
            "p7 silence --all --for 10m",
            "p7 silence list",
            "p7 silence lift s-1",
            "p7 maintenance shop --from 22:00 --until 23:30",
            "p7 maintenance list --json",
            "p7 mesh --json",
            "p7 mesh peers --node http://10.0.0.1:7007",
            "p7 apply mesh.toml --by anna",
            "p7 config diff conf",
            "p7 config show",
        ] {
            assert!(read(fine).is_ok(), "{fine}: {:?}", read(fine).err());
        }
        for wrong in [
            "p7 silence shop --all --for 2h",
            "p7 silence shop --for 2h --until 23:00",
            "p7 status --watch --json",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
