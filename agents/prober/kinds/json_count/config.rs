//! `[services.ID.json_count]`: what is asked, what is counted, and how many are too many.

use super::memory::{Limits, RISES_LIMIT};
use crate::kinds::http::{self, Auth, JsonCondition, JsonTest, Proxy, json_path};
use crate::net::resolve::Ip;
use crate::net::tls::Tls;
use p7_settings::{Check, Faults, Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most conditions of a filter: each looks at everything that is counted.
const FILTER_LIMIT: usize = 16;

/// `[services.ID.json_count]`: a number out of an answer in JSON, held against limits and against the
/// checks before.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is asked for: an `http://` or `https://` address without credentials. Required.
    pub url: String,
    /// The method. Default `GET`.
    #[serde(default = "get")]
    pub method: String,
    /// Headers to send, by name. Default none.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are secrets: `env:NAME` or `file:PATH`. Default none.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, Secret>,
    /// What is sent as the request's body, such as a GraphQL query. Default nothing.
    #[serde(default)]
    pub body: Option<String>,
    /// How to log in. Default not.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// A proxy to go through. Default none.
    #[serde(default)]
    pub proxy: Option<Proxy>,
    /// Which addresses of the name are used: `any`, `ipv4`, `ipv6`, `prefer_ipv4`, `prefer_ipv6`.
    /// Default `any`.
    #[serde(default)]
    pub ip: Ip,
    /// How TLS is spoken. Default verified against the system's authorities.
    #[serde(default)]
    pub tls: Tls,
    /// How much of the answer's body is read, in bytes. Default 1048576 (1 MiB). A longer answer fails.
    #[serde(default = "one_mebibyte")]
    pub body_limit: u64,
    /// What must hold in the answer's JSON before anything is counted. Default nothing. Services that answer
    /// 200 with an error inside count as zero without it.
    #[serde(default)]
    pub expect_json: Vec<JsonCondition>,

    /// What is counted: a JSONPath (RFC 9535) such as `$.result[*]`. Required.
    pub path: String,
    /// What is made of what the path finds: `count`, or the `sum` or `max` of the numbers there. Default
    /// `count`. `max` of one number is that number.
    #[serde(default)]
    pub take: Take,
    /// Only what meets all of these is taken; their `path` starts at each thing found. Default everything.
    #[serde(default)]
    pub filter: Vec<JsonCondition>,
    /// Failed when there are fewer. Default not asked.
    #[serde(default)]
    pub min: Option<f64>,
    /// Failed when there are more. Default not asked.
    #[serde(default)]
    pub max: Option<f64>,
    /// Failed when there are so many times as many as at the last check of this node, such as 2 for
    /// "doubled". Default not asked.
    #[serde(default)]
    pub rate_factor: Option<f64>,
    /// Failed when so many checks in a row of this node, 1 to 20, each found more than the one before.
    /// Default not asked.
    #[serde(default)]
    pub rate_rises: Option<u8>,
    /// Below this number the two rates are not looked at. Default 0: then one after none is a rise, too.
    #[serde(default)]
    pub rate_from: f64,
    /// What is counted, in words, for the reason: "open incidents". Default `things`.
    #[serde(default = "things")]
    pub unit: String,
}

/// What is made of what the path finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// How many there are.
    #[default]
    Count,
    /// The sum of the numbers.
    Sum,
    /// The greatest of the numbers.
    Max,
}

fn get() -> String {
    "GET".to_owned()
}

fn one_mebibyte() -> u64 {
    1024 * 1024
}

fn things() -> String {
    "things".to_owned()
}

impl Config {
    pub(in crate::kinds) fn target(&self) -> String {
        self.request().target()
    }

    /// No address asks for a count by itself.
    pub(in crate::kinds) fn from_url(_url: &str) -> Option<Self> {
        None
    }

    /// The request, as the `http` probe makes it.
    pub(super) fn request(&self) -> http::Config {
        http::Config {
            method: self.method.clone(),
            headers: self.headers.clone(),
            secret_headers: self.secret_headers.clone(),
            body: self.body.clone(),
            auth: self.auth.clone(),
            proxy: self.proxy.clone(),
            ip: self.ip,
            tls: self.tls.clone(),
            body_limit: self.body_limit,
            expect_json: self.expect_json.clone(),
            ..http::Config::plain(&self.url)
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            min: self.min,
            max: self.max,
            factor: self.rate_factor,
            rises: self.rate_rises,
            rate_from: self.rate_from,
        }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        self.request().check(faults);
        if let Err(wrong) = json_path(&self.path) {
            faults.push("path", wrong);
        }
        if self.filter.len() > FILTER_LIMIT {
            faults.push("filter", format!("more than {FILTER_LIMIT} conditions; leave some out"));
        }
        for (index, condition) in self.filter.iter().enumerate() {
            if let Err((key, wrong)) = JsonTest::new(condition) {
                faults.under("filter").under(index.to_string()).push(key, wrong);
            }
        }
        let asked = [self.min, self.max, self.rate_factor];
        if asked.iter().all(Option::is_none) && self.rate_rises.is_none() {
            faults.here("nothing is asked of the count; give `min`, `max`, `rate_factor` or `rate_rises`");
        }
        if asked.into_iter().flatten().chain([self.rate_from]).any(|number| !number.is_finite()) {
            faults.here("limits must be numbers");
        }
        if self.rate_factor.is_some_and(|factor| factor <= 1.0) {
            faults.push("rate_factor", "must be more than 1; 2 means doubled");
        }
        if self.rate_rises.is_some_and(|rises| rises == 0 || usize::from(rises) > RISES_LIMIT) {
            faults.push("rate_rises", format!("must be 1 to {RISES_LIMIT} checks"));
        }
        if self.min.zip(self.max).is_some_and(|(min, max)| min > max) {
            faults.push("min", "is more than `max`, so no count would do");
        }
        if self.method.eq_ignore_ascii_case("HEAD") {
            faults.push("method", "the answer to HEAD has no body to count in");
        }
        if self.unit.is_empty() || self.unit.len() > 60 || self.unit.chars().any(char::is_control) {
            faults.push("unit", "write one line of at most 60 bytes");
        }
    }
}
