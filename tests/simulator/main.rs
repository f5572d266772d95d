//! simulate: plays seed after seed on all cores and tells what broke, how fast, and how to see it again.

use clap::Parser;
use p7_simulator::options::Options;
use p7_simulator::run::{Outcome, Sum, play};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Plays simulated meshes and holds them against the promises.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first seed; the others follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds; none: as many as the time allows.
    #[arg(long)]
    runs: Option<u64>,
    /// How long to go on, in hours.
    #[arg(long, default_value_t = 0.05)]
    hours: f64,
    /// Tell everything that happens in the first seed's run.
    #[arg(long)]
    trace: bool,
    /// On how many threads; none: as many as there are cores.
    #[arg(long)]
    threads: Option<usize>,
}

#[expect(clippy::disallowed_methods, reason = "how fast it is can only be measured by a real clock")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let began = Instant::now();
    if arguments.trace {
        let options = Options::drawn(arguments.seed);
        say(&format!("{options:?}"));
        let outcome = play(options, Some(Box::new(say)));
        say(&format!("hash {:016x}", outcome.hash));
        return end(&sum_of(&outcome), &outcome.faults(), began);
    }
    let until = began + Duration::from_secs_f64(arguments.hours.max(0.0) * 3600.0);
    let last = arguments.runs.map(|runs| arguments.seed.saturating_add(runs));
    let next = AtomicU64::new(arguments.seed);
    let sum = Mutex::new((Sum::default(), String::new(), began));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.unwrap_or(cores).max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = last.map_or_else(|| Instant::now() >= until, |last| seed >= last);
                    if is_over {
                        return;
                    }
                    let outcome = play(Options::drawn(seed), None);
                    let mut guard = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    note(&mut guard, &outcome, began);
                }
            });
        }
    });
    let (sum, faults, _) = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    end(&sum, &faults, began)
}

fn sum_of(outcome: &Outcome) -> Sum {
    let mut sum = Sum::default();
    sum.add(outcome);
    sum
}

#[expect(clippy::disallowed_methods, reason = "how fast it is can only be measured by a real clock")]
fn note(guard: &mut (Sum, String, Instant), outcome: &Outcome, began: Instant) {
    guard.0.add(outcome);
    let faults = outcome.faults();
    if !faults.is_empty() {
        say(&faults);
        guard.1.push_str(&faults);
    }
    if guard.2.elapsed() >= TELL_EVERY {
        guard.2 = Instant::now();
        let speed = per_second(guard.0.node_hours(), began);
        say(&format!(
            "{} runs, {} node-hours, {speed} node-hours a second, {} runs with faults",
            guard.0.runs,
            guard.0.node_hours(),
            guard.0.failed.len()
        ));
    }
}

fn per_second(count: u64, began: Instant) -> u64 {
    let spent = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000) / spent
}

fn end(sum: &Sum, faults: &str, began: Instant) -> ExitCode {
    say(&format!("\n{}", sum.table()));
    say(&format!(
        "{} runs, {} node-hours in {:.1} s: {} node-hours and {} events a second",
        sum.runs,
        sum.node_hours(),
        began.elapsed().as_secs_f64(),
        per_second(sum.node_hours(), began),
        per_second(sum.events, began)
    ));
    if sum.failed.is_empty() {
        say("every promise was kept");
        return ExitCode::SUCCESS;
    }
    say(&format!("seeds with faults: {:?}", sum.failed));
    if sum.runs > 1 {
        say(&format!("\n{faults}"));
    }
    ExitCode::FAILURE
}

/// Writes a line; whoever reads may have gone.
fn say(text: &str) {
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}
