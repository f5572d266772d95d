//! The agent: hears what happens, and gives every device the newest of it.

use crate::config::Config;
use crate::kinds::{self, Device, Notify, Parts};
use crate::metrics::Metrics;
use crate::world::{News, World};
use actix::prelude::*;
use p7_blinkstick::sight::Network;
use p7_bus::{
    AskError, CommandFault, CommandHeard, Configured, DeviceDone, DeviceOrder, DeviceStatus, DevicesNoted,
    Heard, MeshNoted, NetworkNoted, Snapshot,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Events that wait: a status of every service of a large mesh after a restart.
const MAILBOX_LIMIT: usize = 4_096;
/// What changes within this time is shown as one: a mesh of many services may change them all at once.
const GATHER: Duration = Duration::from_millis(5);
/// How long a device may take to begin what it is told.
const OBEY_WITHIN: Duration = Duration::from_secs(3);
/// How often it is looked whether all devices have ended.
const END_LOOK: Duration = Duration::from_millis(10);

/// Who hears of the devices.
#[derive(Default)]
pub struct Listeners {
    /// How they are.
    pub devices: Vec<Recipient<DevicesNoted>>,
}

/// node → devices: from now on these listen.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Connect(pub Listeners);

/// node → devices: show what is shown at the end and stop, within this time; answered when done.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop(pub Duration);

/// A device's thread → devices: the state of one has changed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
struct Changed;

/// The devices of this machine.
pub struct Devices {
    config: Config,
    parts: Parts,
    metrics: Metrics,
    world: World,
    devices: Vec<Arc<dyn Device>>,
    listeners: Listeners,
    told: Arc<Vec<DeviceStatus>>,
    /// Whether the devices are about to be given what is new.
    gathering: bool,
}

impl Devices {
    /// The agent of this configuration; its devices start with it.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub fn new(
        config: Config,
        parts: Parts,
        registry: &prometheus::Registry,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self {
            config,
            parts,
            metrics: Metrics::new(registry)?,
            world: World::default(),
            devices: Vec::new(),
            listeners: Listeners::default(),
            told: Arc::default(),
            gathering: false,
        })
    }

    /// Something may have to be shown.
    fn note(&mut self, news: News, context: &mut Context<Self>) {
        if news == News::None || self.gathering || self.devices.is_empty() {
            return;
        }
        self.gathering = true;
        context.run_later(GATHER, |this, _| {
            this.gathering = false;
            for device in &this.devices {
                device.see(&this.world);
            }
        });
    }

    /// Lets a device do something; answers once it has begun.
    fn order(&self, order: DeviceOrder) -> ResponseFuture<Result<DeviceDone, AskError>> {
        let Some(device) = self.devices.iter().find(|device| device.name() == order.device) else {
            let missing = AskError::NotFound { kind: "device", id: order.device };
            return Box::pin(std::future::ready(Err(missing)));
        };
        let (answer, answered) = oneshot::channel();
        device.obey(&order.wish, answer);
        Box::pin(async move {
            match tokio::time::timeout(OBEY_WITHIN, answered).await {
                Ok(Ok(done)) => done.map_err(AskError::Conflict),
                // another order came before it was answered, or the node stops
                Ok(Err(_)) => Err(AskError::Conflict("something newer came in between".to_owned())),
                Err(_) => Err(AskError::Conflict(format!("{} does not answer", order.device))),
            }
        })
    }

    /// Tells how the devices are, if that changed.
    fn tell(&mut self) {
        let now: Vec<DeviceStatus> = self.devices.iter().flat_map(|device| device.status()).collect();
        self.metrics.note(&now);
        for device in &self.devices {
            device.measure(&self.metrics);
        }
        if *self.told != now {
            self.told = Arc::new(now);
            for listener in &self.listeners.devices {
                p7_bus::tell(listener, "devices", DevicesNoted(Arc::clone(&self.told)));
            }
        }
    }
}

impl Actor for Devices {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_LIMIT);
        let to = context.address().recipient::<Changed>();
        // dropped when the mailbox is full, which is looked into again with the next change
        let notify: Notify = Arc::new(move || {
            p7_bus::tell(&to, "devices", Changed);
        });
        self.devices = kinds::start(&self.config, &self.parts, &notify);
        self.tell();
    }
}

impl Handler<Connect> for Devices {
    type Result = ();

    fn handle(&mut self, Connect(listeners): Connect, _: &mut Self::Context) {
        self.listeners = listeners;
        self.told = Arc::default();
        self.tell();
        // that there are none is told, too
        if self.told.is_empty() {
            for listener in &self.listeners.devices {
                p7_bus::tell(listener, "devices", DevicesNoted(Arc::clone(&self.told)));
            }
        }
    }
}

impl Handler<Changed> for Devices {
    type Result = ();

    fn handle(&mut self, Changed: Changed, _: &mut Self::Context) {
        self.tell();
    }
}

impl Handler<Heard> for Devices {
    type Result = ();

    fn handle(&mut self, heard: Heard, context: &mut Self::Context) {
        let news = self.world.heard(heard.status);
        self.note(news, context);
    }
}

impl Handler<Snapshot> for Devices {
    type Result = ();

    fn handle(&mut self, Snapshot(statuses): Snapshot, context: &mut Self::Context) {
        let news = self.world.snapshot(&statuses);
        self.note(news, context);
    }
}

impl Handler<Configured> for Devices {
    type Result = ();

    fn handle(&mut self, Configured(services): Configured, context: &mut Self::Context) {
        let news = self.world.configured(&services);
        self.note(news, context);
    }
}

impl Handler<MeshNoted> for Devices {
    type Result = ();

    fn handle(&mut self, MeshNoted(view): MeshNoted, context: &mut Self::Context) {
        let news = self.world.mesh(&view);
        self.note(news, context);
    }
}

impl Handler<NetworkNoted> for Devices {
    type Result = ();

    fn handle(&mut self, noted: NetworkNoted, context: &mut Self::Context) {
        let network = if noted.cut_off.is_some() { Network::CutOff } else { Network::There };
        let news = self.world.network(network);
        self.note(news, context);
    }
}

impl Handler<DeviceOrder> for Devices {
    type Result = ResponseFuture<Result<DeviceDone, AskError>>;

    fn handle(&mut self, order: DeviceOrder, _: &mut Self::Context) -> Self::Result {
        self.order(order)
    }
}

impl Handler<CommandHeard> for Devices {
    type Result = ResponseFuture<Result<String, CommandFault>>;

    fn handle(&mut self, heard: CommandHeard, _: &mut Self::Context) -> Self::Result {
        let done = match DeviceOrder::of_text(&heard.text) {
            Ok(order) => self.order(order),
            Err(wrong) => return Box::pin(std::future::ready(Err(wrong.into()))),
        };
        Box::pin(async move { Ok(done.await?.to_text()) })
    }
}

impl Handler<Stop> for Devices {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Stop(within): Stop, _: &mut Self::Context) -> Self::Result {
        let devices = self.devices.clone();
        for device in &devices {
            device.end();
        }
        Box::pin(async move {
            let ended = async {
                while !devices.iter().all(|device| device.has_ended()) {
                    tokio::time::sleep(END_LOOK).await;
                }
            };
            if tokio::time::timeout(within, ended).await.is_err() {
                tracing::warn!("a device does not answer; it keeps showing what it shows");
            }
        })
    }
}
