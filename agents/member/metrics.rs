//! What is counted about gossip: messages, bytes, delays, and what was refused.

use p7_core::vocabulary::Millis;
use p7_mesh::transport::Figures;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// The metrics of the mesh's traffic.
pub(crate) struct Metrics {
    messages: IntCounterVec,
    bytes: IntCounterVec,
    delay: Histogram,
    refused: IntCounterVec,
    turned_away: IntCounterVec,
    commands: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters =
            |name: &str, help: &str, label: &str| IntCounterVec::new(Opts::new(name, help), &[label]);
        let messages =
            counters("p7_gossip_messages_total", "Messages between this node and its peers.", "direction")?;
        let bytes = counters(
            "p7_gossip_bytes_total",
            "Bytes between this node and its peers, with all that the transport adds.",
            "direction",
        )?;
        let refused = counters(
            "p7_gossip_refused_total",
            "Frames of peers that were not taken, by the reason.",
            "why",
        )?;
        let turned_away = counters(
            "p7_mesh_refused_total",
            "Connections, frames and orders that the transport did not take, by the reason.",
            "why",
        )?;
        let commands = IntCounterVec::new(
            Opts::new(
                "p7_mesh_commands_total",
                "Commands to other nodes, from them, and passed on between others, by what came of them.",
            ),
            &["direction", "result"],
        )?;
        registry.register(Box::new(commands.clone()))?;
        let buckets = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
        let delay = Histogram::with_opts(
            HistogramOpts::new(
                "p7_gossip_delay_seconds",
                "From the stating of news to its being heard here by gossip; clocks that differ count in.",
            )
            .buckets(buckets),
        )?;
        registry.register(Box::new(messages.clone()))?;
        registry.register(Box::new(bytes.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        registry.register(Box::new(turned_away.clone()))?;
        registry.register(Box::new(delay.clone()))?;
        Ok(Self { messages, bytes, delay, refused, turned_away, commands })
    }

    /// Brings the counters up to the transport's.
    pub(crate) fn note(&self, figures: &Figures) {
        let rows = [
            (&self.messages, "in", figures.messages_in.values().sum()),
            (&self.messages, "out", figures.messages_out.values().sum()),
            (&self.bytes, "in", figures.bytes_in),
            (&self.bytes, "out", figures.bytes_out),
        ];
        for (family, direction, now) in rows {
            let counter = family.with_label_values(&[direction]);
            counter.inc_by(now.saturating_sub(counter.get()));
        }
        for (why, now) in &figures.refused {
            let counter = self.turned_away.with_label_values(&[why.as_str()]);
            counter.inc_by(now.saturating_sub(counter.get()));
        }
    }

    /// News took so long.
    pub(crate) fn delay(&self, delay: Millis) {
        self.delay.observe(std::time::Duration::from_millis(delay.0).as_secs_f64());
    }

    /// A command to another node (`out`), from one (`in`), or between others (`passed`) came to this.
    pub(crate) fn command(&self, direction: &'static str, result: &'static str) {
        self.commands.with_label_values(&[direction, result]).inc();
    }

    /// A frame was not taken.
    pub(crate) fn refused(&self, why: &'static str) {
        self.refused.with_label_values(&[why]).inc();
    }
}
