//! Where the log goes and what is in it: standard error, as text or JSON.

use crate::cli::{self, Failure};
use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts the log. What the command line says goes before the configuration.
pub(crate) fn start(
    config: LogConfig,
    filter: Option<&str>,
    format: Option<cli::LogFormat>,
) -> Result<(), Failure> {
    // the web server tells how many threads it starts, and calls what strangers send it an error
    let quiet = format!("{},actix_server=warn,actix_http=off", config.level.as_str());
    let filter = filter.unwrap_or(&quiet);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::Use(format!(
            "`{filter}` is no log filter: {error}; write it as `info` or `info,p7_prober=debug`"
        ))
    })?;
    let json = match format {
        Some(cli::LogFormat::Json) => true,
        Some(cli::LogFormat::Text) => false,
        None => config.format == LogFormat::Json,
    };
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json {
        lines.json().flatten_event(true).try_init()
    } else {
        lines.with_ansi(colours).with_target(false).try_init()
    };
    started.map_err(|error| Failure::NotSo(format!("can't start the log: {error}")))
}
