//! What is counted about the conversation.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

#[derive(Clone)]
pub(crate) struct Metrics {
    heard: IntCounterVec,
    commands: IntCounterVec,
    answers: IntCounterVec,
    pub(crate) connected: IntGauge,
}

impl Metrics {
    /// # Errors
    /// When `registry` already has metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let heard = Opts::new(
            "p7_persona_heard_total",
            "What people in Slack did towards Persona/7 on this node, by kind and what became of it.",
        );
        let commands = Opts::new("p7_persona_commands_total", "Commands understood, by name.");
        let answers = Opts::new("p7_persona_answers_total", "Answers given in Slack, by what came of it.");
        let metrics = Self {
            heard: IntCounterVec::new(heard, &["kind", "result"])?,
            commands: IntCounterVec::new(commands, &["command"])?,
            answers: IntCounterVec::new(answers, &["result"])?,
            connected: IntGauge::new(
                "p7_persona_connected",
                "Whether this node holds a working socket to Slack for Persona/7.",
            )?,
        };
        registry.register(Box::new(metrics.heard.clone()))?;
        registry.register(Box::new(metrics.commands.clone()))?;
        registry.register(Box::new(metrics.answers.clone()))?;
        registry.register(Box::new(metrics.connected.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn heard(&self, kind: &str, result: &str) {
        self.heard.with_label_values(&[kind, result]).inc();
    }

    pub(crate) fn understood(&self, command: &str) {
        self.commands.with_label_values(&[command]).inc();
    }

    pub(crate) fn answered(&self, result: &str) {
        self.answers.with_label_values(&[result]).inc();
    }
}
