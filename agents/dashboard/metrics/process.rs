//! What the process takes: CPU time and memory, as Linux tells under `/proc`.

use super::text::{Kind, Text};
use crate::metrics::families::seconds;
use p7_core::vocabulary::MeshTime;
use std::fs;

/// Clock ticks a second in `/proc/self/stat`: fixed at 100 in what Linux shows to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes what is known; on other systems nothing.
pub(super) fn write(text: &mut Text, started: MeshTime) {
    if let Some(cpu) = cpu_seconds() {
        text.family("process_cpu_seconds_total", Kind::Counter, "CPU time of the process, user and system.")
            .sample(&[], cpu);
    }
    if let Some(bytes) = resident_bytes() {
        text.family("process_resident_memory_bytes", Kind::Gauge, "Memory of the process that is in RAM.")
            .sample(&[], bytes);
    }
    text.family("process_start_time_seconds", Kind::Gauge, "When the process started, in Unix time.")
        .sample(&[], seconds(started));
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // the second field, the name, may hold anything up to the last parenthesis
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_and_memory_of_this_process_are_known() {
        assert!(cpu_seconds().unwrap() < 1e6);
        assert!(resident_bytes().unwrap() > 1e6);
    }
}
