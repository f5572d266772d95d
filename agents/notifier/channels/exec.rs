//! A program that gets the message on its standard input, as the JSON a webhook gets.
//!
//! It runs only where node.toml allows it: the shared configuration alone must not make a machine run
//! something. Exit code 0 is accepted, 75 (`EX_TEMPFAIL`) is tried again, everything else is refused.

use super::webhook::event;
use crate::channel::{Abilities, Again, Arrival, Channel, Follows, Node, Outcome, Outside, Unready};
use p7_core::speech::message::{Message, Previous};
use p7_settings::{Check, Faults, Period};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// How long a program may run when nothing is said.
const TIMEOUT: Period = Period::seconds(10);
/// The longest it may be given: below what the ledger waits for an outcome.
const TIMEOUT_LIMIT: Period = Period::seconds(30);
/// Most arguments.
const ARGUMENTS_LIMIT: usize = 64;
/// How much of its output is kept, in bytes; the rest is read and dropped.
const OUTPUT_LIMIT: usize = 4 * 1024;
/// How much of that is shown, in characters.
const SHOWN_LIMIT: usize = 200;
/// What a program exits with when another try may help (sysexits.h).
const TRY_AGAIN: i32 = 75;

/// `[channels.NAME.exec]`: a program that gets the message on its standard input, as JSON.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The program, with its whole path. Needed, and to be named in `programs` of `[notifier]` in the
    /// node.toml of every machine that may run it.
    pub program: PathBuf,
    /// Its arguments; no shell looks at them. Default none.
    pub arguments: Vec<String>,
    /// How long it may run before it is killed, at most "30s". Default "10s".
    pub timeout: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self { program: PathBuf::new(), arguments: Vec::new(), timeout: TIMEOUT }
    }
}

impl Config {
    /// Whether this node allows it.
    ///
    /// # Errors
    /// When it doesn't, or the program is not there.
    pub fn prepare(&self, node: &Node) -> Result<Ready, Unready> {
        let program = self.program.display();
        if !node.programs.contains(&self.program) {
            let why =
                format!("this node may not run {program}; add it to `programs` in [notifier] of node.toml");
            return Err(Unready::new("program", why));
        }
        if !self.program.is_file() {
            return Err(Unready::new("program", format!("there is no file {program} on this node")));
        }
        Ok(Ready {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            timeout: self.timeout.0,
        })
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.program.as_os_str().is_empty() {
            faults.here("needs `program`, with its whole path: program = \"/usr/local/bin/page-me\"");
        } else if !self.program.is_absolute() {
            faults.push("program", "give its whole path, such as \"/usr/local/bin/page-me\"");
        }
        if self.arguments.len() > ARGUMENTS_LIMIT {
            faults.push("arguments", format!("more than {ARGUMENTS_LIMIT}"));
        }
        if self.timeout > TIMEOUT_LIMIT || self.timeout.0.is_zero() {
            faults.push("timeout", format!("must be more than nothing and at most \"{TIMEOUT_LIMIT}\""));
        }
    }
}

/// A program that may be run.
#[derive(Debug)]
pub struct Ready {
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
}

impl Channel for Ready {
    /// What is written to its standard input.
    type Request = String;

    fn abilities(&self) -> Abilities {
        Abilities { again: Again::Repeats, follows: Follows::Nothing }
    }

    fn render(&self, message: &Message, _: Option<&Previous>) -> Vec<String> {
        vec![format!("{}\n", event(message))]
    }

    async fn send(&self, request: &String, _: Option<&str>, _: &Outside) -> Outcome {
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                let what_to_do = format!("check that {} may be run by p7's user", self.program.display());
                return Outcome::Refused { why: format!("it can't be started: {error}"), what_to_do };
            }
        };
        match tokio::time::timeout(self.timeout, run(&mut child, request)).await {
            Ok(ended) => ended,
            Err(_elapsed) => Outcome::Retry {
                after: None,
                why: format!("it did not end within {} s and was killed", self.timeout.as_secs_f32()),
                arrival: Arrival::Perhaps,
            },
        }
    }
}

async fn run(child: &mut Child, request: &str) -> Outcome {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // a program may end without reading all of it
            drop(stdin.write_all(request.as_bytes()).await);
        }
    };
    let ((), out, err, ended) = tokio::join!(feed, bounded(stdout), bounded(stderr), child.wait());
    let said = [err, out].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let with = |how: String| if said.is_empty() { how } else { format!("{how}: {said}") };
    match ended.map(|status| status.code()) {
        Ok(Some(0)) => Outcome::Sent(None),
        Ok(Some(TRY_AGAIN)) => Outcome::Retry {
            after: None,
            why: with("it asks to be run again".to_owned()),
            arrival: Arrival::No,
        },
        Ok(Some(code)) => Outcome::Refused {
            why: with(format!("it ended with exit code {code}")),
            what_to_do: "run it by hand with a message on its standard input".to_owned(),
        },
        Ok(None) => {
            Outcome::Retry { after: None, why: with("it was killed".to_owned()), arrival: Arrival::Perhaps }
        }
        Err(error) => Outcome::Retry { after: None, why: error.to_string(), arrival: Arrival::Perhaps },
    }
}

/// The beginning of what a program writes, on one line; the rest is read, so that it is not held up.
async fn bounded(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut kept = Vec::new();
    let mut piece = [0_u8; 1024];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        let room = OUTPUT_LIMIT.saturating_sub(kept.len());
        kept.extend(piece.iter().take(read.min(room)));
    }
    let text = String::from_utf8_lossy(&kept);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_LIMIT).collect()
}

#[cfg(test)]
#[path = "tests/exec.rs"]
mod tests;
