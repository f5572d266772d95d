//! Everybody whom the agent asks or tells, recorded, and the agent among them.

use super::fake::Fake;
use super::samples::{NOW, picture, robot, status};
use crate::agent::{Parts, Persona, Standing, TakeUp};
use crate::config::Config;
use actix::prelude::*;
use p7_bus::{
    Ask, AskError, Configured, DeviceDone, DeviceOrder, DevicesNoted, FitnessNoted, Heard, ProbeAddress,
    ProbeNow, Request,
};
use p7_core::facts::{Acknowledgement, Hold};
use p7_core::incident::IncidentId;
use p7_core::result::{Phases, ProbeResult};
use p7_core::vocabulary::{Cycle, Level, Micros, Outcome};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// What the agent wished.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) requests: Vec<Request>,
    pub(crate) orders: Vec<DeviceOrder>,
    pub(crate) probed: Vec<String>,
    pub(crate) fitness: Vec<Option<String>>,
}

pub(crate) struct Others {
    asked: Arc<Mutex<Asked>>,
    /// How long a statement takes.
    slow: Duration,
}

impl Actor for Others {
    type Context = Context<Self>;
}

impl Handler<Request> for Others {
    type Result = ResponseFuture<Result<Ask, AskError>>;

    fn handle(&mut self, request: Request, _: &mut Self::Context) -> Self::Result {
        self.asked.lock().unwrap().requests.push(request.clone());
        let slow = self.slow;
        Box::pin(async move {
            tokio::time::sleep(slow).await;
            match request {
                Request::Acknowledge { service, .. } if service.as_str() == "wiki" => {
                    Err(AskError::Conflict("`wiki` has no open incident to acknowledge".into()))
                }
                Request::Acknowledge { service, by, reason } => {
                    let incident = IncidentId { service: service.clone(), first: Cycle::starting(NOW) };
                    Ok(Ask::Acknowledged(Acknowledgement { incident, service, by, at: NOW, reason }))
                }
                Request::Hold { kind, scope, starts, ends, by, reason } => {
                    let starts = starts.unwrap_or(NOW);
                    Ok(Ask::Held(Hold { id: "x".into(), kind, scope, starts, ends, by, reason, stated: NOW }))
                }
                other @ (Request::Lift { .. } | Request::Deployed(_) | Request::Holds) => {
                    Err(AskError::Invalid(format!("{other:?}")))
                }
            }
        })
    }
}

fn result(outcome: Outcome) -> Arc<ProbeResult> {
    Arc::new(ProbeResult {
        service: super::samples::id("probe"),
        cycle: Cycle::starting(NOW),
        node: super::samples::node("berlin1"),
        at: NOW,
        outcome,
        latency: Micros(42_000),
        phases: Phases { connect: Micros(2_000), processing: Micros(40_000), ..Phases::default() },
        attempts: 1,
        reason: (outcome != Outcome::Up).then(|| "status 502 <!here>".into()),
        status_code: Some(if outcome == Outcome::Up { 200 } else { 502 }),
        certificate_expiry: None,
    })
}

impl Handler<ProbeNow> for Others {
    type Result = Result<Arc<ProbeResult>, AskError>;

    fn handle(&mut self, ProbeNow(service): ProbeNow, _: &mut Self::Context) -> Self::Result {
        self.asked.lock().unwrap().probed.push(service.to_string());
        Ok(result(Outcome::Failed))
    }
}

impl Handler<ProbeAddress> for Others {
    type Result = Result<Arc<ProbeResult>, AskError>;

    fn handle(&mut self, ProbeAddress(address): ProbeAddress, _: &mut Self::Context) -> Self::Result {
        self.asked.lock().unwrap().probed.push(address);
        Ok(result(Outcome::Up))
    }
}

impl Handler<DeviceOrder> for Others {
    type Result = Result<DeviceDone, AskError>;

    fn handle(&mut self, order: DeviceOrder, _: &mut Self::Context) -> Self::Result {
        self.asked.lock().unwrap().orders.push(order);
        Ok(DeviceDone { steps: Vec::new() })
    }
}

impl Handler<FitnessNoted> for Others {
    type Result = ();

    fn handle(&mut self, noted: FitnessNoted, _: &mut Self::Context) {
        assert_eq!(noted.what, "persona");
        self.asked.lock().unwrap().fitness.push(noted.trouble);
    }
}

/// An agent that knows the samples, and what it wished.
pub(crate) struct World {
    pub(crate) persona: Addr<Persona>,
    pub(crate) asked: Arc<Mutex<Asked>>,
    pub(crate) registry: prometheus::Registry,
    _dir: TempDir,
}

impl World {
    /// An agent in front of `fake`; `changes` is the text of `[changes]`.
    pub(crate) fn new(fake: &Fake, standing: Standing, changes: &str, slow: Duration) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("app"), format!("{}\n", super::fake::APP_TOKEN)).unwrap();
        std::fs::write(dir.path().join("bot"), format!("{}\n", super::fake::BOT_TOKEN)).unwrap();
        let asked = Arc::new(Mutex::new(Asked::default()));
        let others = Others { asked: Arc::clone(&asked), slow }.start();
        let registry = prometheus::Registry::new();
        let parts = Parts {
            standing,
            node_name: "berlin".to_owned(),
            version: "0.1.0".to_owned(),
            dir: dir.path().to_owned(),
            clock: || NOW,
            states: others.clone().recipient(),
            probes: others.clone().recipient(),
            addresses: others.clone().recipient(),
            devices: others.clone().recipient(),
            fitness: vec![others.recipient()],
        };
        let persona = Persona::new(parts, &registry).unwrap().start();
        let base = &fake.base;
        let config: Config = toml::from_str(&format!(
            "app_token = 'file:app'\nbot_token = 'file:bot'\ntimezone = 'Europe/Berlin'\napi = '{base}'\n[changes]\n{changes}"
        ))
        .unwrap();
        persona.try_send(Configured(Arc::new(picture().services.values().cloned().collect()))).unwrap();
        persona
            .try_send(Heard { status: status("shop", Level::Down, 14, "status 502"), result: None })
            .unwrap();
        persona.try_send(DevicesNoted(Arc::new(vec![robot()]))).unwrap();
        let mesh_name = "Example mesh".to_owned();
        persona.try_send(TakeUp { config, mesh_name, dashboard: None }).unwrap();
        Self { persona, asked, registry, _dir: dir }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.asked.lock().unwrap().requests.clone()
    }

    /// How often something was heard with this result.
    pub(crate) fn heard(&self, result: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == "p7_persona_heard_total");
        let metrics = family.map(|family| family.get_metric().to_vec()).unwrap_or_default();
        let with =
            metrics.iter().filter(|metric| metric.get_label().iter().any(|label| label.value() == result));
        with.map(|metric| metric.get_counter().get_value()).sum()
    }
}
