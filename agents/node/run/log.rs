//! Where the log goes and what is in it: standard error, as text or JSON.

use crate::cli::{self, Failure};
use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// The default filter. The web server tells how many threads it starts, and calls what strangers send it an
/// error; the transport's library tells the node's id, which p7 does itself.
fn quieted(level: &str) -> String {
    format!("{level},actix_server=warn,actix_http=off,libp2p_swarm=warn")
}

/// Starts the log. What the command line says goes before the configuration.
pub(crate) fn start(
    config: LogConfig,
    filter: Option<&str>,
    format: Option<cli::LogFormat>,
) -> Result<(), Failure> {
    let quiet = quieted(config.level.as_str());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_say_for_their_developers_is_not_in_the_default_log() {
        let filter = EnvFilter::try_new(quieted("info")).unwrap().to_string();
        let parts: Vec<&str> = filter.split(',').collect();
        for part in ["info", "actix_server=warn", "actix_http=off", "libp2p_swarm=warn"] {
            assert!(parts.contains(&part), "{part} is missing in {filter}");
        }
    }
}
