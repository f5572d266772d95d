//! Writes Prometheus' text format: a family's head, then its samples.

use std::fmt::Write as _;

/// What a family counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only goes up.
    Counter,
}

/// A text that grows family by family.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// A family whose samples are being written.
#[derive(Debug)]
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Text {
    /// Begins a family.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        // writing to a string does not fail
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").unwrap_or_default();
        Family { text: &mut self.0, name }
    }

    /// All of it.
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// One sample.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(self.name);
        for (index, (name, text)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            escaped(self.text, text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        writeln!(self.text, " {value}").unwrap_or_default();
    }
}

fn escaped(to: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => to.push_str("\\\\"),
            '"' => to.push_str("\\\""),
            '\n' => to.push_str("\\n"),
            plain => to.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_a_head_and_its_labels_are_escaped() {
        let mut text = Text::default();
        let mut family = text.family("p7_x", Kind::Gauge, "An x.");
        family.sample(&[], 1.0);
        family.sample(&[("a", "say \"x\"\\\n"), ("b", "c")], 0.25);
        assert_eq!(
            text.into_string(),
            "# HELP p7_x An x.\n# TYPE p7_x gauge\np7_x 1\np7_x{a=\"say \\\"x\\\"\\\\\\n\",b=\"c\"} 0.25\n"
        );
    }
}
