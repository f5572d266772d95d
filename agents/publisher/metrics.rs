//! What is counted about publishing.

use p7_core::vocabulary::MeshTime;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use std::time::Duration;

/// The metrics of publishing.
#[derive(Clone)]
pub(crate) struct Metrics {
    published: IntCounterVec,
    files: IntCounterVec,
    seconds: HistogramVec,
    last: GaugeVec,
    dead_man: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let published = counter(
            "p7_publish_total",
            "Publications on a target by their result: published, failed, outranked by another leader.",
            &["target", "result"],
        )?;
        let files = counter("p7_publish_files_total", "Files that were sent to a target.", &["target"])?;
        let buckets = vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
        let seconds = HistogramVec::new(
            HistogramOpts::new("p7_publish_seconds", "How long a publication took.").buckets(buckets),
            &["target"],
        )?;
        let last = GaugeVec::new(
            Opts::new(
                "p7_publish_last_success_timestamp_seconds",
                "When this node last published on a target, since 1970.",
            ),
            &["target"],
        )?;
        let dead_man = counter(
            "p7_dead_man_total",
            "Signs of life to the dead-man's switch by their result.",
            &["result"],
        )?;
        registry.register(Box::new(published.clone()))?;
        registry.register(Box::new(files.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(last.clone()))?;
        registry.register(Box::new(dead_man.clone()))?;
        Ok(Self { published, files, seconds, last, dead_man })
    }

    pub(crate) fn published(&self, target: &str, files: u64, took: Duration, at: MeshTime) {
        self.count(target, "published");
        self.files.with_label_values(&[target]).inc_by(files);
        self.seconds.with_label_values(&[target]).observe(took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit for 285,000 years")]
        self.last.with_label_values(&[target]).set(at.0 as f64 / 1000.0);
    }

    pub(crate) fn count(&self, target: &str, result: &str) {
        self.published.with_label_values(&[target, result]).inc();
    }

    pub(crate) fn sign_of_life(&self, result: &str) {
        self.dead_man.with_label_values(&[result]).inc();
    }
}
