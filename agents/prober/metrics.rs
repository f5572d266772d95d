//! What the prober counts about itself. What probes measure is told by the dashboard from results.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// Upper bounds of the lag's buckets, in seconds: a timer's grain, a busy moment, a real backlog.
const LAG_BUCKETS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) lag: Histogram,
    pub(crate) running: IntGauge,
    pub(crate) overruns: IntCounter,
    pub(crate) starved: IntCounter,
    pub(crate) discarded: IntCounter,
    pub(crate) jumps: IntCounter,
    pub(crate) extra: IntCounter,
    pub(crate) unpublished: IntCounter,
    pub(crate) suspicions: IntCounter,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let lag = HistogramOpts::new(
            "p7_probe_schedule_lag_seconds",
            "How much later than planned probes started.",
        );
        let metrics = Self {
            lag: Histogram::with_opts(lag.buckets(LAG_BUCKETS.to_vec()))?,
            running: IntGauge::new("p7_probes_running", "Probes that run now.")?,
            overruns: IntCounter::new(
                "p7_probe_overruns_total",
                "Slots left out because the service's last probe still ran.",
            )?,
            starved: IntCounter::new(
                "p7_probe_starved_total",
                "Slots lost because no probe could be started for want of free places.",
            )?,
            discarded: IntCounter::new(
                "p7_probe_discarded_total",
                "Results thrown away because the machine slept, its clock was set, or the service was changed.",
            )?,
            jumps: IntCounter::new(
                "p7_clock_jumps_total",
                "Times the machine slept, was stopped or had its clock set.",
            )?,
            extra: IntCounter::new(
                "p7_probe_extra_total",
                "Probes beside the schedule, because another vantage point saw the service change.",
            )?,
            unpublished: IntCounter::new(
                "p7_probe_unpublished_total",
                "Results that were not published, because they said no more of their cycle than was said.",
            )?,
            suspicions: IntCounter::new(
                "p7_probe_suspicions_total",
                "Probes of services that were well which took so long that the other nodes were told.",
            )?,
        };
        registry.register(Box::new(metrics.lag.clone()))?;
        registry.register(Box::new(metrics.running.clone()))?;
        for counter in [
            &metrics.overruns,
            &metrics.starved,
            &metrics.discarded,
            &metrics.jumps,
            &metrics.extra,
            &metrics.unpublished,
            &metrics.suspicions,
        ] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(metrics)
    }
}
