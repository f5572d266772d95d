//! A prober with ears for what it tells.

use crate::common::{config, node, service};
use actix::prelude::*;
use p7_bus::{NetworkNoted, ProbeFinished, Suspected};
use p7_core::result::ProbeResult;
use p7_core::service::Service;
use p7_core::vocabulary::{Interval, Millis, ServiceId};
use p7_prober::{Clock, Config, ConnectivityConfig, Parts, Probe, Prober, Seating, Watch, Watched};
use prometheus::{Registry, proto::MetricType};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Notes what it is told.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    results: Arc<Mutex<Vec<Arc<ProbeResult>>>>,
    network: Arc<Mutex<Vec<NetworkNoted>>>,
    suspected: Arc<Mutex<Vec<ServiceId>>>,
}

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<ProbeFinished> for Recorder {
    type Result = ();
    fn handle(&mut self, ProbeFinished(result): ProbeFinished, _: &mut Self::Context) {
        self.results.lock().unwrap().push(result);
    }
}

impl Handler<NetworkNoted> for Recorder {
    type Result = ();
    fn handle(&mut self, noted: NetworkNoted, _: &mut Self::Context) {
        self.network.lock().unwrap().push(noted);
    }
}

impl Handler<Suspected> for Recorder {
    type Result = ();
    fn handle(&mut self, Suspected { service, .. }: Suspected, _: &mut Self::Context) {
        self.suspected.lock().unwrap().push(service);
    }
}

/// A prober, and what it tells.
pub(crate) struct World {
    pub(crate) prober: Addr<Prober>,
    recorder: Recorder,
    registry: Registry,
}

impl World {
    pub(crate) fn new(settings: &str) -> Self {
        Self::with(settings, "", Clock::system())
    }

    pub(crate) fn with(settings: &str, connectivity: &str, clock: Clock) -> Self {
        Self::seated(Seating::Alone, settings, connectivity, clock)
    }

    pub(crate) fn seated(seating: Seating, settings: &str, connectivity: &str, clock: Clock) -> Self {
        let recorder = Recorder::default();
        let told = recorder.clone().start();
        let registry = Registry::new();
        let config: Config = toml::from_str(settings).unwrap();
        let connectivity: ConnectivityConfig = toml::from_str(connectivity).unwrap();
        let parts = Parts {
            node: node(),
            clock,
            seating,
            results: told.clone().recipient(),
            network: vec![told.clone().recipient()],
            suspicions: vec![told.recipient()],
        };
        let prober = Prober::new(&config, &connectivity, parts, &registry).unwrap();
        Self { prober: prober.start(), recorder, registry }
    }

    pub(crate) async fn watch(&self, watched: Vec<Watched>) {
        self.prober.send(Watch(watched)).await.unwrap();
    }

    pub(crate) fn results(&self) -> Vec<Arc<ProbeResult>> {
        self.recorder.results.lock().unwrap().clone()
    }

    /// Waits until `enough` says so of the results.
    pub(crate) async fn until(&self, enough: impl Fn(&[Arc<ProbeResult>]) -> bool) -> Vec<Arc<ProbeResult>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let results = self.results();
            if enough(&results) {
                return results;
            }
            assert!(Instant::now() < deadline, "it did not come: {results:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a metric has reached a value.
    pub(crate) async fn until_counted(&self, name: &str, value: f64) {
        let deadline = Instant::now() + PATIENCE;
        while self.counted(name) < value {
            assert!(Instant::now() < deadline, "{name} stays at {}", self.counted(name));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so much was told of the network.
    pub(crate) async fn until_network(&self, count: usize) -> Vec<NetworkNoted> {
        let deadline = Instant::now() + PATIENCE;
        while self.network().len() < count {
            assert!(Instant::now() < deadline, "it did not come: {:?}", self.network());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.network()
    }

    /// What was told of the network.
    pub(crate) fn network(&self) -> Vec<NetworkNoted> {
        self.recorder.network.lock().unwrap().clone()
    }

    /// Of which services was told that they are suspected.
    pub(crate) fn suspected(&self) -> Vec<String> {
        self.recorder.suspected.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    pub(crate) fn counted(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|f| f.name() == name).unwrap();
        let metric = &family.get_metric()[0];
        match family.get_field_type() {
            MetricType::COUNTER => metric.get_counter().get_value(),
            MetricType::GAUGE => metric.get_gauge().get_value(),
            #[expect(clippy::cast_precision_loss, reason = "a test counts to a thousand")]
            MetricType::HISTOGRAM => metric.get_histogram().get_sample_count() as f64,
            MetricType::SUMMARY | MetricType::UNTYPED => panic!("{name}"),
        }
    }
}

/// An HTTP service to watch.
pub(crate) fn watched(id: &str, every_ms: u64, url: &str, change: impl FnOnce(&mut Service)) -> Watched {
    let mut service = service(id, "http");
    service.interval = Interval::new(Millis(every_ms));
    service.timeout = Millis(every_ms.min(5000));
    change(&mut service);
    let config = config("http", &format!("url = '{url}'"));
    let probe = Probe::prepare(&service, &config, Path::new(".")).unwrap();
    Watched { service: Arc::new(service), probe: Arc::new(probe), known: None }
}
