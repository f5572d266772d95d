//! The kinds of probes. To add one: write `kinds/NAME.rs` and add its line to `kinds!` below.
//!
//! A kind's file has a `Config` (the table `[services.ID.NAME]`, with [`Check`]) with the methods
//! `target`, `from_url` and `prepare`, and a `Ready`: the same with its secrets and files at hand, with
//! the methods `attempt` and `is_local`.

pub mod http;
pub mod json_count;
pub mod tcp;

use crate::attempt::Attempt;
use p7_core::service::Service;
use p7_core::vocabulary::ServiceId;
use p7_settings::{Check, Faults};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::Path;
use std::time::Duration;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident: $module:ident = $name:literal;)*) => {
        /// The names of all kinds, as they stand in `[services.ID.KIND]`.
        pub const NAMES: &[&str] = &[$($name),*];

        /// The settings of a probe of any kind.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ProbeConfig {
            $($(#[$doc])* $variant(Box<$module::Config>),)*
        }

        #[derive(Debug)]
        enum Ready {
            $($variant(Box<$module::Ready>),)*
        }

        impl ProbeConfig {
            /// Reads the table of `kind`.
            ///
            /// # Errors
            /// When there is no such kind, or the table is not as the kind wants it.
            pub fn deserialize<'de, D: Deserializer<'de>>(kind: &str, from: D) -> Result<Self, D::Error> {
                match kind {
                    $($name => $module::Config::deserialize(from).map(|c| Self::$variant(Box::new(c))),)*
                    unknown => Err(D::Error::custom(format!(
                        "there is no probe kind `{unknown}`; there is: {}", NAMES.join(", ")
                    ))),
                }
            }

            /// The settings that test `url` by default, such as `https://example.org` or
            /// `tcp://db.example.org:5432`; none when no kind knows its scheme.
            pub fn from_url(url: &str) -> Option<Self> {
                None$(.or_else(|| $module::Config::from_url(url).map(|c| Self::$variant(Box::new(c)))))*
            }

            /// The name of its kind.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// What is tested, for people: without credentials.
            pub fn target(&self) -> String {
                match self { $(Self::$variant(config) => config.target(),)* }
            }

            fn prepare(&self, base: &Path) -> Result<Ready, Unready> {
                match self { $(Self::$variant(config) => config.prepare(base).map(|r| Ready::$variant(Box::new(r))),)* }
            }
        }

        impl Check for ProbeConfig {
            fn check(&self, faults: &mut Faults<'_>) {
                match self { $(Self::$variant(config) => config.check(faults),)* }
            }
        }

        impl Ready {
            async fn attempt(&self, timeout: Duration) -> Attempt {
                match self { $(Self::$variant(ready) => Box::pin(ready.attempt(timeout)).await,)* }
            }

            fn is_local(&self) -> bool {
                match self { $(Self::$variant(ready) => ready.is_local(),)* }
            }
        }
    };
}

kinds! {
    /// A request over HTTP or HTTPS.
    Http: http = "http";
    /// A number out of an answer in JSON.
    JsonCount: json_count = "json_count";
    /// A connection over TCP, with or without TLS and a few words.
    Tcp: tcp = "tcp";
}

/// Why a probe's settings could not be made ready, and which of its keys is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {why}")]
pub(crate) struct Unready {
    pub(crate) key: String,
    pub(crate) why: String,
}

impl Unready {
    pub(crate) fn new(key: &str, why: impl Into<String>) -> Self {
        Self { key: key.to_owned(), why: why.into() }
    }
}

/// Why a service's probe could not be made ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("service `{service}` can't be tested: {}: {why}", path.join("."))]
pub struct PrepareError {
    /// Which service.
    pub service: ServiceId,
    /// The keys below the service's table, such as `http`, `tls`, `ca_file`.
    pub path: Vec<String>,
    /// What is wrong and what to do.
    pub why: String,
}

/// A probe made ready: secrets resolved, files read, patterns compiled.
#[derive(Debug)]
pub struct Probe {
    config: ProbeConfig,
    /// Why it could not be made ready, else the probe.
    ready: Result<Ready, String>,
}

impl Probe {
    /// Makes `service`'s probe ready. Relative files are looked for in `base`, the configuration's folder.
    pub fn prepare(service: &Service, config: &ProbeConfig, base: &Path) -> Result<Self, PrepareError> {
        let mut ready = config.prepare(base).map_err(|unready| PrepareError {
            service: service.id.clone(),
            path: std::iter::once(config.kind()).chain(unready.key.split('.')).map(str::to_owned).collect(),
            why: unready.why,
        })?;
        if let Ready::JsonCount(count) = &mut ready {
            count.every(service.interval);
        }
        Ok(Self { config: config.clone(), ready: Ok(ready) })
    }

    /// A probe that could not be made ready: every attempt fails and says why. A service that nobody can
    /// test must not look well.
    pub fn unready(config: &ProbeConfig, error: &PrepareError) -> Self {
        let why = format!("can't be tested: {}: {}", error.path.join("."), error.why);
        Self { config: config.clone(), ready: Err(why) }
    }

    /// The settings it was made from.
    pub fn config(&self) -> &ProbeConfig {
        &self.config
    }

    /// Takes over what `before`, the same settings read earlier, remembers of its checks.
    pub(crate) fn inherit(&self, before: &Self) {
        if let (Ok(Ready::JsonCount(new)), Ok(Ready::JsonCount(old))) = (&self.ready, &before.ready) {
            new.inherit(old);
        }
    }

    /// Tests the service once, within `timeout` in all.
    pub async fn attempt(&self, timeout: Duration) -> Attempt {
        match &self.ready {
            Ok(ready) => ready.attempt(timeout).await,
            Err(why) => Attempt::untested(why),
        }
    }

    /// Whether it tests this machine itself, which needs no network.
    pub fn is_local(&self) -> bool {
        // what was never sent anywhere needs no network to fail
        self.ready.as_ref().map_or(true, Ready::is_local)
    }
}
