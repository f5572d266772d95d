//! Commands to other nodes and from them: sent, passed on where there is no connection, done, answered.
//!
//! A command goes straight to its node, or through one neighbour that is connected to it: that one asks in
//! its own name, so every node answers only to peers that were let into the mesh. What may have been done
//! is never sent twice.

use crate::clock;
use crate::member::Member;
use crate::route::{Route, is_near, route};
use actix::prelude::*;
use p7_bus::{COMMAND_WITHIN, CommandFault, CommandFor, CommandHeard};
use p7_core::mesh::view::{MemberView, MeshView};
use p7_core::mesh::words::Steady;
use p7_core::vocabulary::{Millis, NodeId};
use p7_mesh::frames::{self, Answered, Command, CommandAnswer, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::oneshot;

/// The command that only wants an answer: it shows how far a peer is.
pub(crate) const PING: &str = "ping";
/// The command that wants another passed on to a neighbour.
const PASS_ON: &str = "pass-on";
/// Most commands that this node waits for, and most that it does for others, at once: people give them.
const AT_ONCE: usize = 16;
/// How long one of this node's own agents may take: less than who asks waits.
const DO_WITHIN: Duration = Duration::from_secs(5);
/// Tickets of commands; those of the machine's questions count from 1.
const FIRST_TICKET: u64 = 1 << 63;
/// A command that nobody answers for so long is forgotten.
const FORGOTTEN_AFTER: Millis = Millis(30_000);

/// A command that is to be passed on.
#[derive(Serialize, Deserialize)]
struct PassOnV1 {
    to: String,
    name: String,
    text: String,
}

/// What comes of a command.
type Outcome = Result<String, CommandFault>;

/// Who waits for what comes of a command.
enum Asker {
    /// Somebody on this node.
    Here(oneshot::Sender<Outcome>),
    /// A peer, by the token of its question.
    Peer(u64),
}

/// A command that was sent.
struct Sent {
    to: NodeId,
    command: Command,
    asker: Asker,
    /// Through whom it went; none when straight.
    through: Option<NodeId>,
    /// Who else may pass it on.
    left: Vec<NodeId>,
    at: Steady,
}

impl Sent {
    /// Whether there is another way, and somebody who still waits.
    fn may_go_on(&self) -> bool {
        let is_over = matches!(&self.asker, Asker::Here(answer) if answer.is_closed());
        !self.left.is_empty() && !is_over
    }
}

/// The commands that are under way.
#[derive(Default)]
pub(crate) struct Commands {
    tickets: u64,
    sent: BTreeMap<u64, Sent>,
    /// How many are being done here.
    doing: usize,
}

impl Commands {
    /// Makes room: what nobody waits for any more is forgotten.
    fn sweep(&mut self, now: Steady) {
        self.sent.retain(|_, sent| match &sent.asker {
            Asker::Here(answer) => !answer.is_closed(),
            Asker::Peer(_) => now.since(sent.at) < FORGOTTEN_AFTER,
        });
    }
}

impl Member {
    /// Does what another node asks for by name.
    pub(crate) fn obey(&mut self, from: &NodeId, token: u64, command: Command, context: &mut Context<Self>) {
        if command.name == PING {
            return self.answer_command(token, &CommandAnswer::Done(String::new()));
        }
        let refused = |why| CommandAnswer::Refused(Refusal::NotTaken, why);
        let view = self.machine.view(clock::now());
        let asks = |member: &MemberView| member.node == *from && is_near(member);
        let is_allowed = self.allow.as_ref().is_none_or(|allow| allow.contains(from));
        if !is_allowed || !view.members.iter().any(asks) {
            self.metrics.command("in", "not_allowed");
            tracing::warn!(%from, command = command.name, "a command of a node that is not known here is refused");
            let why = "this node does not know you; ask again in a few seconds".to_owned();
            return self.answer_command(token, &refused(why));
        }
        self.commands.sweep(clock::now().steady);
        if command.name == PASS_ON {
            return self.pass_on(token, &command.text, &view);
        }
        let Some(doer) = self.listeners.commands.get(command.name.as_str()).cloned() else {
            self.metrics.command("in", "unknown");
            let why = format!("this node knows no command `{}`", command.name);
            return self.answer_command(token, &refused(why));
        };
        if self.commands.doing >= AT_ONCE {
            self.metrics.command("in", "busy");
            return self.answer_command(token, &refused("this node is busy; try again".to_owned()));
        }
        self.commands.doing += 1;
        tracing::info!(%from, command = command.name, "a node asks for something");
        let asked = doer.send(CommandHeard { from: from.clone(), text: command.text });
        let done = tokio::time::timeout(DO_WITHIN, asked).into_actor(self);
        context.spawn(done.map(move |done, member, _| {
            member.commands.doing -= 1;
            let outcome = match done {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(CommandFault::Unavailable("it is stopping".to_owned())),
                Err(_) => Err(CommandFault::TimedOut("what should do it does not answer".to_owned())),
            };
            member.metrics.command("in", result(&outcome));
            member.answer_command(token, &answer_of(outcome));
        }));
    }

    fn answer_command(&self, token: u64, answer: &CommandAnswer) {
        match frames::answer_command(answer, self.wire) {
            Ok(frame) => self.link.answer(token, frame),
            Err(error) => tracing::error!(%error, "can't answer a command"),
        }
    }

    /// Passes a command on to a node that this one is connected to.
    fn pass_on(&mut self, token: u64, text: &str, view: &MeshView) {
        let refused = |why: &str| CommandAnswer::Refused(Refusal::NotTaken, why.to_owned());
        let Ok(PassOnV1 { to, name, text }) = serde_json::from_str(text) else {
            self.metrics.command("passed", "invalid");
            return self.answer_command(token, &refused("what is to be passed on can't be read"));
        };
        let to = view.members.iter().find(|member| member.node.as_str() == to && member.connected);
        let Some(to) = to else {
            self.metrics.command("passed", "unreachable");
            return self.answer_command(token, &refused("not connected to it either"));
        };
        if self.commands.sent.len() >= AT_ONCE || name == PASS_ON {
            self.metrics.command("passed", "busy");
            return self.answer_command(token, &refused("this node is busy; try again"));
        }
        tracing::info!(to = %to.node, command = name, "a command is passed on");
        self.send(Sent {
            to: to.node.clone(),
            command: Command { name, text },
            asker: Asker::Peer(token),
            through: None,
            left: Vec::new(),
            at: clock::now().steady,
        });
    }

    /// Sends a command where it is to go next.
    fn send(&mut self, sent: Sent) {
        let (to, frame) = match &sent.through {
            None => (sent.to.clone(), frames::ask_command(&sent.command, self.common_wire())),
            Some(neighbour) => {
                let Command { name, text } = sent.command.clone();
                let passed = PassOnV1 { to: sent.to.as_str().to_owned(), name, text };
                let text = serde_json::to_string(&passed).unwrap_or_default();
                let command = Command { name: PASS_ON.to_owned(), text };
                (neighbour.clone(), frames::ask_command(&command, self.common_wire()))
            }
        };
        match frame {
            Ok(frame) => {
                self.commands.tickets += 1;
                let ticket = FIRST_TICKET + self.commands.tickets;
                self.commands.sent.insert(ticket, sent);
                self.link.ask(to, ticket, frame);
            }
            Err(error) => self.settle(sent, Err(CommandFault::Invalid(error.to_string()))),
        }
    }

    /// Somebody on this node gives a command to another.
    fn command(&mut self, order: CommandFor, answer: oneshot::Sender<Outcome>) {
        let now = clock::now();
        self.commands.sweep(now.steady);
        let sent = Sent {
            to: order.node,
            command: Command { name: order.name.to_owned(), text: order.text },
            asker: Asker::Here(answer),
            through: None,
            left: Vec::new(),
            at: now.steady,
        };
        if self.commands.sent.len() >= AT_ONCE {
            let busy = format!("{AT_ONCE} commands to other nodes are under way; try again in a few seconds");
            return self.settle(sent, Err(CommandFault::Unavailable(busy)));
        }
        match route(&self.machine.view(now), &sent.to) {
            Err(fault) => self.settle(sent, Err(fault)),
            Ok(Route::Straight) => self.send(sent),
            Ok(Route::Through(mut left)) => {
                let through = Some(left.remove(0));
                self.send(Sent { through, left, ..sent });
            }
        }
    }

    /// A command was answered, or not. False when it was no command of ours.
    pub(crate) fn commanded(&mut self, ticket: u64, bytes: Option<&[u8]>) -> bool {
        if ticket < FIRST_TICKET {
            return false;
        }
        // its time is over, and who asked has been told so
        let Some(mut sent) = self.commands.sent.remove(&ticket) else { return true };
        let view = self.machine.view(clock::now());
        let name = |node: &NodeId| view.name_of(node).to_owned();
        let opened = bytes.map(|bytes| frames::open_answer(bytes, &self.mesh));
        let outcome = match opened {
            Some(Ok(Answered::Command(CommandAnswer::Refused(Refusal::NotTaken, _)))) if sent.may_go_on() => {
                sent.through = Some(sent.left.remove(0));
                self.send(sent);
                return true;
            }
            Some(Ok(Answered::Command(CommandAnswer::Done(text)))) => Ok(text),
            Some(Ok(Answered::Command(CommandAnswer::Refused(why, text)))) => {
                Err(match (why, &sent.through) {
                    (Refusal::NotTaken, Some(neighbour)) => CommandFault::Unavailable(format!(
                        "this node has no connection to {}, and {} can't pass it on: {text}",
                        name(&sent.to),
                        name(neighbour),
                    )),
                    (Refusal::NotTaken, None) => {
                        CommandFault::Unavailable(format!("{} refuses: {text}", name(&sent.to)))
                    }
                    (Refusal::NotFound, _) => CommandFault::NotFound(text),
                    (Refusal::Invalid, _) => CommandFault::Invalid(text),
                    (Refusal::Conflict, _) => CommandFault::Conflict(text),
                    (Refusal::Unavailable, _) => CommandFault::Unavailable(text),
                })
            }
            Some(Ok(Answered::CaughtUp(_) | Answered::Figured(_)) | Err(_)) => {
                Err(CommandFault::Unavailable(format!("{} answers what can't be read", name(&sent.to))))
            }
            None => {
                let asked = sent.through.as_ref().unwrap_or(&sent.to);
                Err(CommandFault::TimedOut(format!(
                    "{} did not answer: the connection broke or was too slow; whether it was done is not known",
                    name(asked)
                )))
            }
        };
        self.settle(sent, outcome);
        true
    }

    /// Tells who asked what came of it.
    fn settle(&self, sent: Sent, outcome: Outcome) {
        match sent.asker {
            Asker::Here(answer) => {
                let result = result(&outcome);
                if let Err(fault) = &outcome {
                    tracing::info!(to = %sent.to, command = sent.command.name, %fault, "a command was not done");
                }
                // else who asked has been told that it took too long, and that was counted
                if answer.send(outcome).is_ok() {
                    self.metrics.command("out", result);
                }
            }
            Asker::Peer(token) => {
                self.metrics.command("passed", result(&outcome));
                self.answer_command(token, &answer_of(outcome));
            }
        }
    }
}

impl Handler<CommandFor> for Member {
    type Result = ResponseActFuture<Self, Outcome>;

    fn handle(&mut self, order: CommandFor, _: &mut Self::Context) -> Self::Result {
        let to = order.node.clone();
        let (answer, answered) = oneshot::channel();
        self.command(order, answer);
        let answered = tokio::time::timeout(COMMAND_WITHIN, answered).into_actor(self);
        Box::pin(answered.map(move |answered, member, _| match answered {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(CommandFault::Unavailable("the node is stopping".to_owned())),
            Err(_) => {
                let outcome = Err(CommandFault::TimedOut(format!(
                    "{} did not answer within {} s; whether it was done is not known",
                    member.machine.view(clock::now()).name_of(&to),
                    COMMAND_WITHIN.as_secs()
                )));
                member.metrics.command("out", result(&outcome));
                outcome
            }
        }))
    }
}

fn answer_of(outcome: Outcome) -> CommandAnswer {
    match outcome {
        Ok(text) => CommandAnswer::Done(text),
        Err(CommandFault::NotFound(text)) => CommandAnswer::Refused(Refusal::NotFound, text),
        Err(CommandFault::Invalid(text)) => CommandAnswer::Refused(Refusal::Invalid, text),
        Err(CommandFault::Conflict(text)) => CommandAnswer::Refused(Refusal::Conflict, text),
        Err(CommandFault::Unavailable(text) | CommandFault::TimedOut(text)) => {
            CommandAnswer::Refused(Refusal::Unavailable, text)
        }
    }
}

/// What came of it, in a word for metrics.
fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        Ok(_) => "done",
        Err(CommandFault::NotFound(_)) => "not_found",
        Err(CommandFault::Invalid(_)) => "invalid",
        Err(CommandFault::Conflict(_)) => "conflict",
        Err(CommandFault::Unavailable(_)) => "unavailable",
        Err(CommandFault::TimedOut(_)) => "timed_out",
    }
}
