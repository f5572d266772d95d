//! Lights on USB sticks: one thread looks who is plugged in, and each stick has a thread of its own.

mod config;
mod desk;
mod drive;
mod watch;

pub use config::{AtEnd, Config, Hours, Zone};

use super::{Answer, Device, Notify, Parts};
use crate::world::World;
use desk::{Desk, Order};
use p7_blinkstick::sight::Sight;
use p7_blinkstick::walk::{Step, walk};
use p7_bus::{DeviceStatus, DeviceWish};
use std::sync::Arc;

/// What it is called in the API, metrics and the mesh.
const KIND: &str = "blinkstick";

struct BlinkStick(Arc<Desk>);

/// Starts the lights that are configured.
pub(super) fn start(configs: Vec<(String, Config)>, parts: &Parts, notify: &Notify) -> Vec<Arc<dyn Device>> {
    let desks: Vec<Arc<Desk>> = configs
        .into_iter()
        .map(|(name, config)| Arc::new(Desk::new(name, config, parts.clock, Arc::clone(notify))))
        .collect();
    if !desks.is_empty() {
        watch::start(desks.clone(), Arc::clone(&parts.sticks));
    }
    desks.into_iter().map(|desk| Arc::new(BlinkStick(desk)) as Arc<dyn Device>).collect()
}

impl Device for BlinkStick {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn see(&self, world: &World) {
        let mut sight = Sight::default();
        (sight.network, sight.mesh) = (world.network, world.mesh);
        for (id, service) in world.services.iter().filter(|(_, service)| self.0.config.shows(service)) {
            match world.statuses.get(id) {
                Some(status) => sight.add(status),
                None => sight.add_unknown(),
            }
            sight.add_cycle(service.interval.span());
        }
        self.0.see(sight);
    }

    fn obey(&self, wish: &DeviceWish, answer: Answer) {
        let (words, steps) = match wish {
            DeviceWish::Test => ("test".to_owned(), walk(&self.0.config.colours)),
            DeviceWish::Show { colour, span } => match colour.parse() {
                Ok(colour) => (format!("show {colour}"), vec![Step::show(colour, *span)]),
                Err(bad) => {
                    // whoever asked may have gone
                    drop(answer.send(Err(bad.to_string())));
                    return;
                }
            },
            DeviceWish::Say { .. } => {
                // whoever asked may have gone
                drop(answer.send(Err(format!("{} is a light and has no voice", self.0.name))));
                return;
            }
        };
        self.0.order(words, Order::new(steps, answer));
    }

    fn status(&self) -> Vec<DeviceStatus> {
        self.0.status()
    }

    fn end(&self) {
        self.0.end();
    }

    fn has_ended(&self) -> bool {
        self.0.has_ended()
    }
}
