//! What is counted about polls.

use prometheus::{IntCounterVec, Opts, Registry};

pub(crate) struct Metrics {
    polls: IntCounterVec,
    stated: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let polls = Opts::new(
            "p7_deployments_polls_total",
            "Times a source of deployments was asked by this node, by what came of it.",
        );
        let stated = Opts::new(
            "p7_deployments_stated_total",
            "Deployments that this node stated because a source told of them.",
        );
        let metrics = Self {
            polls: IntCounterVec::new(polls, &["source", "result"])?,
            stated: IntCounterVec::new(stated, &["source"])?,
        };
        registry.register(Box::new(metrics.polls.clone()))?;
        registry.register(Box::new(metrics.stated.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn polled(&self, source: &str, result: &str) {
        self.polls.with_label_values(&[source, result]).inc();
    }

    pub(crate) fn stated(&self, source: &str) {
        self.stated.with_label_values(&[source]).inc();
    }
}
