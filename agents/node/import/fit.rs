//! Makes a draft keep the rules of our own configuration, and lists what had to give way.

use super::draft::{Draft, DraftProbe, DraftService, one_line};
use p7_core::vocabulary::SERVICE_ID_LIMIT;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// The limits of `[services.ID]`, as `agents/node/config` checks them.
const NAME_LIMIT: usize = 100;
const ENVIRONMENT_LIMIT: usize = 64;
const DESCRIPTION_LIMIT: usize = 500;
const RUNBOOK_LIMIT: usize = 2048;
const LABELS_LIMIT: usize = 32;
const LABEL_NAME_LIMIT: usize = 64;
const LABEL_VALUE_LIMIT: usize = 200;
const SERVICES_LIMIT: usize = 10_000;
/// The limits of a JSONPath, as the HTTP test checks them.
const PATH_LIMIT: usize = 500;
const PATH_BRACKETS_LIMIT: usize = 32;
/// How long our test waits between two attempts.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Fits every service of a draft.
pub(super) fn fit(draft: &mut Draft) {
    let mut services = std::mem::take(&mut draft.services);
    if services.len() > SERVICES_LIMIT {
        services.truncate(SERVICES_LIMIT);
        draft.leave(None, "the services beyond the first 10,000", "a mesh watches no more");
    }
    for service in &mut services {
        debug_assert!(service.id.len() <= SERVICE_ID_LIMIT);
        words(service);
        timing(draft, service);
        runbook(draft, service);
        labels(draft, service);
        probe(draft, service);
    }
    draft.services = services;
}

fn words(service: &mut DraftService) {
    let shortened =
        |text: &str, limit: usize| one_line(text).chars().take(limit).collect::<String>().trim().to_owned();
    service.name = shortened(&service.name, NAME_LIMIT);
    if service.name.is_empty() {
        service.name.clone_from(&service.id);
    }
    service.environment = shortened(&service.environment, ENVIRONMENT_LIMIT);
    let description = service.description.take().map(|d| shortened(&d, DESCRIPTION_LIMIT));
    service.description = description.filter(|d| !d.is_empty());
}

/// A time-out and the retries have room inside the interval.
fn timing(draft: &mut Draft, service: &mut DraftService) {
    let (Some(interval), Some(timeout)) = (service.interval, service.timeout) else {
        return;
    };
    let longest = interval.mul_f64(0.9);
    if timeout > longest {
        // milliseconds are enough, and read better
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX).max(1);
        service.timeout = Some(Duration::from_millis(millis));
    }
    let timeout = service.timeout.unwrap_or(timeout);
    let retries = u32::from(service.retries);
    if retries > 0 && timeout * (retries + 1) + RETRY_DELAY * retries >= interval {
        service.retries = 0;
        draft.leave(
            None,
            format!("service \"{}\": retries", service.id),
            "so many attempts do not fit into its interval; lower its timeout to have them",
        );
    }
}

fn runbook(draft: &mut Draft, service: &mut DraftService) {
    let fits = |runbook: &String| {
        runbook.len() <= RUNBOOK_LIMIT
            && Url::parse(runbook).is_ok_and(|u| u.username().is_empty() && u.password().is_none())
    };
    if service.runbook.is_some() && !service.runbook.as_ref().is_some_and(fits) {
        service.runbook = None;
        draft.leave(None, format!("service \"{}\": runbook", service.id), "it is no plain http(s) address");
    }
}

/// Names of labels are those of Prometheus: other characters become `_`.
fn labels(draft: &mut Draft, service: &mut DraftService) {
    let mut fitting: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &service.labels {
        let mut plain: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .take(LABEL_NAME_LIMIT - 1)
            .collect();
        if !plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            plain.insert(0, '_');
        }
        fitting.insert(plain, value.chars().take(LABEL_VALUE_LIMIT).collect());
    }
    if fitting.len() > LABELS_LIMIT {
        draft.leave(None, format!("service \"{}\": some labels", service.id), "a service has 32 at most");
    }
    service.labels = fitting.into_iter().take(LABELS_LIMIT).collect();
}

fn probe(draft: &mut Draft, service: &mut DraftService) {
    let DraftProbe::Http(http) = &mut service.probe else {
        return;
    };
    let token = |m: &str| m.len() <= 20 && m.bytes().all(|b| b.is_ascii_alphabetic());
    if let Some(method) = http.method.take() {
        let wants_body = !(http.success_text.is_empty()
            && http.failure_text.is_empty()
            && http.maintenance_text.is_empty()
            && http.json.is_empty());
        let why = match method.as_str() {
            "HEAD" if wants_body => Some("the answer to HEAD has no body to look at; GET is used"),
            "CONNECT" => Some("a test can't use CONNECT; GET is used"),
            m if m.is_empty() || !token(m) => Some("it is no method of HTTP; GET is used"),
            _ => None,
        };
        match why {
            Some(why) => draft.leave(None, format!("service \"{}\": method", service.id), why),
            None => http.method = Some(method),
        }
    }
    if http.basic.as_ref().is_some_and(|(user, _)| user.contains(':')) {
        http.basic = None;
        draft.leave(
            None,
            format!("service \"{}\": basic authentication", service.id),
            "a user name can't hold a colon",
        );
    }
    let before = http.json.len();
    http.json.retain(|json| {
        json.path.len() <= PATH_LIMIT && json.path.matches('[').count() <= PATH_BRACKETS_LIMIT
    });
    if http.json.len() < before {
        let what = format!("service \"{}\": a condition on its JSON body", service.id);
        draft.leave(None, what, "its path is too long");
    }
    // an address without TLS has no certificate
    if http.url.starts_with("http:") {
        http.certificate_left = None;
    }
}
