//! What came of what somebody wished, as Slack's text.

use crate::answers::{outcome_sign, plural};
use crate::picture::Picture;
use crate::text::{code, cut};
use crate::understand::Probed;
use crate::when;
use p7_bus::{Ask, AskError};
use p7_core::facts::{HoldKind, Scope};
use p7_core::result::ProbeResult;
use std::fmt::Write;

/// Longest reason shown, in bytes.
const REASON: usize = 300;

/// What somebody may not do.
pub(crate) const FORBIDDEN: &str =
    "You may ask me anything, but not change anything. Who may is in `[persona.changes]` of mesh.toml.";

impl Picture {
    /// What was stated.
    pub(crate) fn stated(&self, done: &Ask) -> String {
        match done {
            Ask::Acknowledged(said) => {
                let why = reason(&said.reason);
                format!(
                    ":eyes: *{}* has acknowledged {}{why}",
                    cut(&said.by, 80),
                    code(said.service.as_str())
                )
            }
            Ask::Held(hold) => {
                let what = match &hold.scope {
                    Scope::Service(id) => code(id.as_str()),
                    Scope::Environment(name) => format!("the environment {}", code(name)),
                    Scope::All => "everything".to_owned(),
                };
                let until = when::shown(hold.ends, self.zone);
                let from = if hold.starts > hold.stated {
                    format!("from {} ", when::shown(hold.starts, self.zone))
                } else {
                    String::new()
                };
                let (sign, word) = match hold.kind {
                    HoldKind::Silence => (":no_bell:", "silenced"),
                    HoldKind::Maintenance => (":construction:", "in maintenance"),
                };
                let why = reason(&hold.reason);
                format!("{sign} {what} is {word} {from}until {until}, says *{}*{why}", cut(&hold.by, 80))
            }
            Ask::Deployed(deployment) => {
                format!("A deployment of {} is noted.", code(deployment.service.as_str()))
            }
            Ask::Holds(holds) => format!("{} silence{} or maintenance.", holds.len(), plural(holds.len())),
        }
    }

    /// What a probe came to.
    pub(crate) fn probed(
        &self,
        what: &Probed,
        answer: &Result<std::sync::Arc<ProbeResult>, AskError>,
    ) -> String {
        let name = match what {
            Probed::Service(id) => code(id.as_str()),
            Probed::Address(address) => code(address),
        };
        let result = match answer {
            Ok(result) => result,
            Err(error) => return format!("{name} could not be tested: {}", cut(&error.to_string(), REASON)),
        };
        let mut line = format!(
            "{} {name} is *{}* from {} in {:.0} ms",
            outcome_sign(result.outcome),
            result.outcome.as_str(),
            cut(&self.node, 80),
            result.latency.as_ms()
        );
        if let Some(status) = result.status_code {
            write!(line, ", status {status}").unwrap_or_default();
        }
        if let Some(reason) = &result.reason {
            write!(line, ": {}", cut(reason, REASON)).unwrap_or_default();
        }
        let phases = result.phases.named().into_iter().filter(|(_, span)| span.0 > 0);
        let phases: Vec<String> =
            phases.map(|(phase, span)| format!("{phase} {:.0} ms", span.as_ms())).collect();
        if !phases.is_empty() {
            write!(line, "\n{}", phases.join(" · ")).unwrap_or_default();
        }
        if self.mesh.as_ref().is_some_and(|view| view.members.len() > 1) {
            line.push_str("\nTested from this node only.");
            if let Probed::Service(id) = what {
                write!(line, " `why {id}` tells what the others saw last.").unwrap_or_default();
            }
        }
        line
    }
}

fn reason(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {}", cut(text, REASON)) }
}

/// Why it could not be done.
pub(crate) fn refused(error: &AskError) -> String {
    format!("That can't be done: {}", cut(&error.to_string(), REASON))
}
