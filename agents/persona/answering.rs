//! From what a person did to the answer: what is wished, whether they may, who does it, what came of it.

use crate::agent::Persona;
use crate::outcomes::{FORBIDDEN, refused};
use crate::slack::envelope::{Heard, Kind};
use crate::speak::{Audience, Place};
use crate::talk::{Then, Turn, Wish};
use crate::text::{cut, joined, plain};
use crate::understand::Probed;
use actix::prelude::*;
use p7_bus::{AskError, DeviceOrder, DeviceWish, ProbeAddress, ProbeNow, Request};
use p7_core::facts::{HoldKind, Scope};
use p7_core::vocabulary::{Millis, ServiceId};
use std::future::Future;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long an agent has time to do what it is asked.
const DONE_WITHIN: Duration = Duration::from_secs(5);
/// How long a probe has time.
const PROBED_WITHIN: Duration = Duration::from_secs(60);
/// How long the button silences.
const BUTTON_SILENCE: Millis = Millis::seconds(3600);

impl Persona {
    pub(crate) fn answer(&mut self, heard: Heard, context: &mut Context<Self>) {
        let Heard { user, channel, kind, .. } = heard;
        let (turn, place) = match kind {
            Kind::Wrote { text, thread } => (self.turn(&user, &text), Place::Channel { channel, thread }),
            Kind::Slash { text, response_url } => {
                let text = if text.trim().is_empty() { "help" } else { &text };
                (self.turn(&user, text), Place::Respond { channel, url: response_url })
            }
            Kind::Pressed { action, value, response_url, thread } => {
                let Some(wish) = self.pressed(&action, &value) else { return };
                let turn = Turn { what: "button", then: Then::Do(wish) };
                let refusal = Place::Respond { channel: channel.clone(), url: response_url };
                let place = Place::Channel { channel, thread };
                self.metrics.understood(turn.what);
                return self.carry_out(turn.then, user, place, refusal, context);
            }
        };
        self.metrics.understood(turn.what);
        self.carry_out(turn.then, user, place.clone(), place, context);
    }

    fn turn(&mut self, user: &str, text: &str) -> Turn {
        let now = (self.parts.clock)();
        self.talk.hear(user, plain(text).as_deref(), &self.picture, &self.words, now)
    }

    /// What a button of an alert wishes; none for those that only lead somewhere.
    fn pressed(&self, action: &str, value: &str) -> Option<Wish> {
        let service = ServiceId::new(value).ok()?;
        let by = String::new();
        let reason = String::new();
        match action {
            "p7_ack" => Some(Wish::Change(Request::Acknowledge { service, by, reason })),
            "p7_silence" => {
                let ends = (self.parts.clock)().plus(BUTTON_SILENCE);
                let scope = Scope::Service(service);
                Some(Wish::Change(Request::Hold {
                    kind: HoldKind::Silence,
                    scope,
                    starts: None,
                    ends,
                    by,
                    reason,
                }))
            }
            _ => None,
        }
    }

    fn carry_out(
        &mut self,
        then: Then,
        user: String,
        place: Place,
        refusal: Place,
        context: &mut Context<Self>,
    ) {
        match then {
            Then::Say(text) => self.say(place, Audience::Asker, text, context),
            Then::Do(Wish::Debug) => {
                let text = self.debug();
                self.say(place, Audience::Asker, text, context);
            }
            Then::Do(Wish::Probe(Probed::Service(id))) => self.probe(Probed::Service(id), place, context),
            Then::Do(wish) => {
                let Some(ready) = self.ready.clone() else { return };
                let questions =
                    self.people.questions(&self.config.changes, &user, place.channel(), self.now());
                let asked = async move { questions.ask(&ready).await };
                self.work(context, asked, move |agent, answered, context| {
                    if let Some(trouble) = &answered.trouble {
                        tracing::warn!(trouble, "Slack does not tell who somebody is");
                    }
                    agent.people.learn(answered, agent.now());
                    if !agent.people.may(&agent.config.changes, &user, place.channel(), agent.now()) {
                        agent.metrics.heard("change", "forbidden");
                        return agent.say(refusal, Audience::Asker, FORBIDDEN.to_owned(), context);
                    }
                    agent.permitted(wish, &user, place, context);
                });
            }
        }
    }

    fn permitted(&mut self, wish: Wish, user: &str, place: Place, context: &mut Context<Self>) {
        let name = self.people.name(user);
        match wish {
            Wish::Change(request) => {
                tracing::info!(user, by = name, "somebody changes something by Slack");
                let asked = self.parts.states.send(named(request, &name));
                let done = async move { within(DONE_WITHIN, asked).await };
                self.work(context, done, move |agent, done, context| {
                    let (audience, text) = match done {
                        Ok(done) => (Audience::Everybody, agent.picture.stated(&done)),
                        Err(error) => (Audience::Asker, refused(&error)),
                    };
                    agent.say(place, audience, text, context);
                });
            }
            Wish::Speak(text) => self.speak(text, place, context),
            Wish::Probe(what) => self.probe(what, place, context),
            Wish::Debug => {}
        }
    }

    fn speak(&mut self, text: String, place: Place, context: &mut Context<Self>) {
        let Some(robot) = self.picture.robots().first().map(|name| (*name).to_owned()) else {
            let none = format!(
                "{} has no robot; those of other nodes I can't reach yet.",
                cut(&self.picture.node, 80)
            );
            return self.say(place, Audience::Asker, none, context);
        };
        let order = DeviceOrder { device: robot.clone(), wish: DeviceWish::Say { text } };
        let asked = self.parts.devices.send(order);
        let done = async move { within(DONE_WITHIN, asked).await };
        self.work(context, done, move |agent, done, context| {
            let text = match done {
                Ok(_) => format!(":robot_face: {} says it.", cut(&robot, 80)),
                Err(error) => refused(&error),
            };
            agent.say(place, Audience::Asker, text, context);
        });
    }

    /// Says that it tests, tests, and puts what came of it in the place of that.
    fn probe(&mut self, what: Probed, place: Place, context: &mut Context<Self>) {
        let (Some(speaker), Some(wait)) = (self.speaker(), self.wait(&place)) else { return };
        let (probes, addresses) = (self.parts.probes.clone(), self.parts.addresses.clone());
        let (asked, there) = (what.clone(), place.clone());
        let work = async move {
            sleep(wait).await;
            let began = speaker.say(&there, Audience::Asker, ":hourglass: Testing …").await;
            let result = match asked {
                Probed::Service(id) => within(PROBED_WITHIN, probes.send(ProbeNow(id))).await,
                Probed::Address(address) => {
                    within(PROBED_WITHIN, addresses.send(ProbeAddress(address))).await
                }
            };
            (result, began, speaker)
        };
        self.work(context, work, move |agent, (result, began, speaker), context| {
            let text = agent.picture.probed(&what, &result);
            let said = async move { speaker.change(began, &place, &text).await };
            agent.work(context, said, |_, (), _| {});
        });
    }

    fn say(&mut self, place: Place, audience: Audience, text: String, context: &mut Context<Self>) {
        let (Some(speaker), Some(wait)) = (self.speaker(), self.wait(&place)) else { return };
        let said = async move {
            sleep(wait).await;
            speaker.say(&place, audience, &text).await
        };
        self.work(context, said, |_, _, _| {});
    }

    /// Does something beside everything else, counted.
    fn work<T: 'static>(
        &mut self,
        context: &mut Context<Self>,
        work: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut Self, T, &mut Context<Self>) + 'static,
    ) {
        self.working += 1;
        context.spawn(work.into_actor(self).map(move |done, agent, context| {
            agent.working = agent.working.saturating_sub(1);
            then(agent, done, context);
        }));
    }

    /// `debug`: how the agent itself is.
    fn debug(&self) -> String {
        let mut lines = vec![
            format!(
                "{} · {}",
                self.picture.version(),
                if self.me.is_some() { "connected" } else { "not connected" }
            ),
            format!(
                "{} services, {} with a status",
                self.picture.services.len(),
                self.picture.statuses.len()
            ),
            format!("{} conversations, {} answers under way", self.talk.count(), self.working),
            format!("the time zone is {}", self.picture.zone.name()),
        ];
        if let Some((trouble, _)) = &self.trouble {
            lines.push(cut(trouble, 300));
        }
        let dropped: Vec<String> =
            p7_bus::dropped().into_iter().map(|(place, count)| format!("{count} at {place}")).collect();
        if !dropped.is_empty() {
            lines.push(format!("dropped: {}", dropped.join(", ")));
        }
        joined(&lines)
    }
}

/// A request with the name of who wishes it.
fn named(request: Request, name: &str) -> Request {
    let by = name.to_owned();
    match request {
        Request::Acknowledge { service, reason, .. } => Request::Acknowledge { service, by, reason },
        Request::Hold { kind, scope, starts, ends, reason, .. } => {
            Request::Hold { kind, scope, starts, ends, by, reason }
        }
        Request::Lift { id, .. } => Request::Lift { id, by },
        other @ (Request::Deployed(_) | Request::Holds) => other,
    }
}

/// An agent's answer, or that it is busy.
async fn within<T>(
    limit: Duration,
    asked: impl Future<Output = Result<Result<T, AskError>, MailboxError>>,
) -> Result<T, AskError> {
    match timeout(limit, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(AskError::Busy),
    }
}
