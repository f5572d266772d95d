//! The command line: reads what is asked, answers it, and ends with the exit code of the contract.

mod args;
mod check;
mod client;
mod configuration;
mod device;
mod fault;
mod import;
mod joining;
mod lists;
mod mesh;
mod notify;
mod out;
mod probe;
mod service;
mod statements;
mod status;
mod table;
mod view;
mod watch;
mod when;

pub(crate) use args::{Demo, LogFormat, Node as NodeAddress, Run};
pub(crate) use client::Client;
pub(crate) use fault::{Answer, Failure};
pub(crate) use out::{complain, print};
pub(crate) use probe::of_address as probe_address;

use args::{Arguments, Command};

use crate::config;
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Runs the command of this process's arguments.
pub(crate) fn main() -> ExitCode {
    // clap prints help and faults of use itself, and ends with 0 and 2
    let arguments = Arguments::parse();
    match answer(arguments.command) {
        Ok(answer) => answer.into(),
        Err(failure) => {
            complain(&format!("p7: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn answer(command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Run(args) => crate::run::run(&args),
        Command::Demo(args) => crate::demo::run(&args),
        Command::Init(args) => {
            let said = config::init(&args.folder).map_err(|e| Failure::Use(e.to_string()))?;
            print(&said)?;
            Ok(Answer::Fine)
        }
        Command::Check(args) => check::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Arguments::command(), "p7", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(Answer::Fine)
        }
        Command::Version => {
            print(concat!("p7 ", env!("CARGO_PKG_VERSION"), "\n"))?;
            Ok(Answer::Fine)
        }
        Command::Probe(args) => wait(probe::run(&args)),
        Command::Status(args) => wait(status::run(&args)),
        Command::Services(args) => wait(lists::services(&args)),
        Command::Service(args) => wait(service::run(&args)),
        Command::Incidents(args) => wait(lists::incidents(&args)),
        Command::Mesh(args) => wait(mesh::run(&args)),
        Command::Apply(args) => wait(configuration::apply(&args)),
        Command::Config(args) => wait(configuration::shared(&args)),
        Command::Devices(args) => wait(device::list(&args)),
        Command::Device(args) => wait(device::run(&args)),
        Command::Say(args) => wait(device::say(&args)),
        Command::Notify(args) => wait(notify::run(&args)),
        Command::Ack(args) => wait(statements::acknowledge(&args)),
        Command::Silence(args) => wait(statements::silence(&args)),
        Command::Maintenance(args) => wait(statements::maintenance(&args)),
        Command::Deployment(args) => wait(statements::deployment(&args)),
    }
}

/// Runs a command that waits for the network, on this thread.
fn wait(command: impl Future<Output = Result<Answer, Failure>>) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command)
}
