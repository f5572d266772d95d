//! `p7 check`: every fault of a configuration, with its place.

use super::args;
use super::fault::{Answer, Failure};
use super::out::{self, Ink, Screen};
use crate::config;
use p7_settings::{PlacedFault, Style};
use serde_json::{Value, json};

/// Answers `p7 check`.
pub(crate) fn run(args: &args::Check) -> Result<Answer, Failure> {
    let style = match Screen::of_stdout().ink {
        Ink::Colour => Style::Coloured,
        Ink::Plain => Style::Plain,
    };
    let report = config::check(&args.folder, &config::environment(), style);
    if args.form.json {
        let list = |faults: &[PlacedFault]| -> Vec<Value> { faults.iter().map(one).collect() };
        out::print_json(&json!({
            "services": report.services,
            "faults": list(&report.faults),
            "warnings": list(&report.warnings),
        }))?;
    } else {
        out::print(&report.text)?;
    }
    Ok(match report.exit_code {
        0 => Answer::Fine,
        _ => Answer::Faulty,
    })
}

fn one(fault: &PlacedFault) -> Value {
    json!({
        "file": fault.file,
        "line": fault.position.map(|(line, _)| line),
        "column": fault.position.map(|(_, column)| column),
        "variable": fault.variable,
        "message": fault.message,
    })
}
