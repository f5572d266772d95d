//! The dead-man's switch: an outside address that is asked now and then, so that silence is noticed there.

use crate::metrics::Metrics;
use crate::scrub::{chain, scrub};
use p7_settings::SecretText;
use std::time::Duration;

/// How long a request may take.
const WITHIN: Duration = Duration::from_secs(10);

/// What the leader says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It watches.
    Alive,
    /// It lives, but sees nothing: its own network is down, or no service is heard of.
    Blind,
}

/// Asks the address once.
pub(crate) async fn tell(url: SecretText, sign: Sign, metrics: Metrics) {
    let secrets = [url.expose().to_owned()];
    match ask(url.expose(), sign).await {
        Ok(()) => metrics.sign_of_life("told"),
        Err(why) => {
            metrics.sign_of_life("failed");
            tracing::warn!(error = %scrub(&why, &secrets), "the dead-man's switch could not be told that we live");
        }
    }
}

async fn ask(url: &str, sign: Sign) -> Result<(), String> {
    let mut url = url::Url::parse(url.trim()).map_err(|error| format!("its address is none: {error}"))?;
    if sign == Sign::Blind {
        let path = format!("{}/fail", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    let client = reqwest::Client::builder()
        .timeout(WITHIN)
        .user_agent(concat!("p7/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| chain(&error))?;
    let answer = client.get(url).send().await.map_err(|error| chain(&error.without_url()))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status())) }
}
