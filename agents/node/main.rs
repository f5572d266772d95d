//! p7: the binary. The command line, the sum of all configurations, and who hears whom.

mod cli;
mod config;
mod demo;
mod import;
mod run;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
