//! The `json_count` probe: one request, a number out of its JSON, held against limits and against the checks before.

mod config;
mod memory;

pub use config::{Config, Take};

use crate::attempt::{Attempt, Judgement};
use crate::kinds::Unready;
use crate::kinds::http::{self, JsonTest, json_path};
use memory::{Limits, Memory};
use p7_core::vocabulary::{Interval, Outcome};
use serde_json::Value;
use serde_json_path::JsonPath;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The settings with secrets, files and paths at hand, and what was counted before.
#[derive(Debug)]
pub struct Ready {
    request: http::Ready,
    path: JsonPath,
    shown: String,
    take: Take,
    filter: Vec<JsonTest>,
    limits: Limits,
    unit: String,
    interval: Interval,
    memory: Mutex<Memory>,
}

impl Config {
    pub(super) fn prepare(&self, base: &Path) -> Result<Ready, Unready> {
        let mut filter = Vec::new();
        for (index, condition) in self.filter.iter().enumerate() {
            let test = JsonTest::new(condition);
            filter.push(test.map_err(|(key, why)| Unready::new(&format!("filter.{index}.{key}"), why))?);
        }
        Ok(Ready {
            request: self.request().prepare(base)?.keeping_the_body(self.body_limit),
            path: json_path(&self.path).map_err(|why| Unready::new("path", why))?,
            shown: self.path.clone(),
            take: self.take,
            filter,
            limits: self.limits(),
            unit: self.unit.clone(),
            interval: Interval::new(p7_core::vocabulary::Millis::seconds(60)),
            memory: Mutex::default(),
        })
    }
}

impl Ready {
    /// How often the service is looked at: looks within one slot are one check.
    pub(super) fn every(&mut self, interval: Interval) {
        self.interval = interval;
    }

    /// Takes over what `before` has counted: only the settings were read again.
    pub(super) fn inherit(&self, before: &Self) {
        let known = before.memory.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    pub(super) fn is_local(&self) -> bool {
        self.request.is_local()
    }

    pub(super) async fn attempt(&self, timeout: Duration) -> Attempt {
        self.request.attempt_and(timeout, &|body, cut| self.judge(body, cut)).await
    }

    fn judge(&self, body: &[u8], cut: Option<&str>) -> Judgement {
        let failed = |why: String| (Outcome::Failed, Some(why));
        if let Some(cut) = cut {
            return failed(format!("the answer can't be counted: {cut}"));
        }
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            return failed("the answer is no JSON".to_owned());
        };
        let count = match self.count(&json) {
            Ok(count) => count,
            Err(why) => return failed(why),
        };
        let slot = crate::clock::wall().0 / self.interval.span().0;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        match memory.look(slot, count, &self.limits) {
            Some(found) => failed(format!("{}: {found}", self.unit)),
            None => (Outcome::Up, None),
        }
    }

    /// The number in an answer; in words why there is none.
    fn count(&self, json: &Value) -> Result<f64, String> {
        let found = self.path.query(json);
        let taken = found.iter().filter(|value| self.filter.iter().all(|test| test.unmet(value).is_none()));
        if self.take == Take::Count {
            // exact up to 2^53, and an answer has at most some millions of them
            #[expect(
                clippy::cast_precision_loss,
                reason = "an answer of 64 MiB has fewer than 2^53 of them"
            )]
            return Ok(taken.count() as f64);
        }
        let mut numbers = Vec::new();
        for value in taken {
            // New Relic and ServiceNow both give some numbers as texts
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            numbers.push(number.filter(|n: &f64| n.is_finite()).ok_or_else(|| {
                format!(
                    "`{}` finds {}, which is no number",
                    self.shown,
                    crate::words::clipped(&value.to_string())
                )
            })?);
        }
        match self.take {
            Take::Count | Take::Sum => Ok(numbers.iter().sum()),
            Take::Max => numbers
                .into_iter()
                .reduce(f64::max)
                .ok_or_else(|| format!("`{}` finds no number in the answer", self.shown)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(settings: &str, json: &str) -> Result<f64, String> {
        let config: Config = toml::from_str(&format!("url = 'http://a/'\nmax = 1\n{settings}")).unwrap();
        let ready = config.prepare(Path::new(".")).unwrap();
        ready.count(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn things_are_counted_filtered_summed_or_picked() {
        let json = r#"{"result":[
            {"priority":"1","state":"New","n":2},{"priority":"1","state":"Closed","n":3},{"priority":"3","state":"New","n":"4"}],
            "total":{"count":17}}"#;
        let new = "filter = [{ path = '$.state', equals = 'New' }";
        for (settings, expected) in [
            ("path = '$.result[*]'".to_owned(), Ok(3.0)),
            ("path = '$.nothing[*]'".to_owned(), Ok(0.0)),
            (format!("path = '$.result[*]'\n{new}]"), Ok(2.0)),
            (format!("path = '$.result[*]'\n{new}, {{ path = '$.priority', equals = '1' }}]"), Ok(1.0)),
            ("path = '$.result[?@.priority == \"1\"]'".to_owned(), Ok(2.0)),
            ("path = '$.result[*].n'\ntake = 'sum'".to_owned(), Ok(9.0)),
            ("path = '$.result[*].n'\ntake = 'max'".to_owned(), Ok(4.0)),
            ("path = '$.total.count'\ntake = 'max'".to_owned(), Ok(17.0)),
            ("path = '$.nothing'\ntake = 'sum'".to_owned(), Ok(0.0)),
            ("path = '$.nothing'\ntake = 'max'".to_owned(), Err("`$.nothing` finds no number in the answer")),
            (
                "path = '$.result[0].state'\ntake = 'max'".to_owned(),
                Err("`$.result[0].state` finds \"New\", which is no number"),
            ),
        ] {
            assert_eq!(counted(&settings, json), expected.map_err(str::to_owned), "{settings}");
        }
    }
}
