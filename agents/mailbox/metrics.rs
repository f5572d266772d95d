//! What is counted about mailboxes.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

pub(crate) struct Metrics {
    unread: IntGaugeVec,
    looks: IntCounterVec,
    found: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let unread =
            Opts::new("p7_mailbox_unread", "Unread mails of a folder, where this node reads its mailbox.");
        let looks = Opts::new(
            "p7_mailbox_looks_total",
            "Times a folder was looked at by this node, by what came of it.",
        );
        let found =
            Opts::new("p7_mailbox_found_total", "Mails this node found worth a word, by how grave they are.");
        let metrics = Self {
            unread: IntGaugeVec::new(unread, &["mailbox", "folder"])?,
            looks: IntCounterVec::new(looks, &["mailbox", "folder", "result"])?,
            found: IntCounterVec::new(found, &["mailbox", "level"])?,
        };
        registry.register(Box::new(metrics.unread.clone()))?;
        registry.register(Box::new(metrics.looks.clone()))?;
        registry.register(Box::new(metrics.found.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn looked(&self, mailbox: &str, folder: &str, unread: u32) {
        self.unread.with_label_values(&[mailbox, folder]).set(i64::from(unread));
        self.looks.with_label_values(&[mailbox, folder, "read"]).inc();
    }

    pub(crate) fn troubled(&self, mailbox: &str, folder: &str) {
        self.forget(mailbox, folder);
        self.looks.with_label_values(&[mailbox, folder, "failed"]).inc();
    }

    pub(crate) fn found(&self, mailbox: &str, level: &str) {
        self.found.with_label_values(&[mailbox, level]).inc();
    }

    /// The figure of a folder that is no longer read is nobody's.
    pub(crate) fn forget(&self, mailbox: &str, folder: &str) {
        // it is an error where there is none yet
        drop(self.unread.remove_label_values(&[mailbox, folder]));
    }
}
