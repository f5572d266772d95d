//! What is counted about messages.

use prometheus::{IntCounterVec, Opts, Registry};

/// The metrics of what is said.
pub(crate) struct Metrics {
    messages: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let what = "Messages to people by channel and what became of them: sent, retried or refused.";
        let messages = IntCounterVec::new(Opts::new("p7_notifications_total", what), &["channel", "result"])?;
        registry.register(Box::new(messages.clone()))?;
        Ok(Self { messages })
    }

    pub(crate) fn said(&self, channel: &str, result: &str) {
        self.messages.with_label_values(&[channel, result]).inc();
    }
}
