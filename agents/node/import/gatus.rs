//! Gatus: a YAML file with endpoints and their conditions.

use super::ImportError;
use super::codes::Codes;
use super::draft::{
    Draft, DraftHttp, DraftOauth2, DraftProbe, DraftService, DraftWindow, Given, is_variable, one_line, text,
};
use super::gatus_conditions::{self, Asked};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Gatus tests once a minute unless told otherwise.
const INTERVAL: Duration = Duration::from_secs(60);
/// And waits ten seconds.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest interval and maintenance that are believed.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Deepest nesting of the file: Gatus' own is eight.
const DEPTH_LIMIT: usize = 32;
/// Most nodes of the file, aliases counted each time they are used.
const NODE_LIMIT: usize = 300_000;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    endpoints: Vec<Spanned<Endpoint>>,
    maintenance: Option<Maintenance>,
    connectivity: Option<Connectivity>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Endpoint {
    enabled: Option<bool>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    body: Option<String>,
    interval: Option<String>,
    #[serde(default)]
    conditions: Vec<String>,
    client: Option<Client>,
    #[serde(default, rename = "maintenance-windows")]
    windows: Vec<Maintenance>,
    #[serde(default, rename = "extra-labels")]
    labels: BTreeMap<String, Value>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Client {
    #[serde(default)]
    insecure: bool,
    #[serde(default, rename = "ignore-redirect")]
    ignore_redirect: bool,
    timeout: Option<String>,
    #[serde(rename = "proxy-url")]
    proxy: Option<String>,
    oauth2: Option<Oauth2>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Oauth2 {
    #[serde(rename = "token-url")]
    token_url: String,
    #[serde(rename = "client-id")]
    client_id: String,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize, Clone)]
struct Maintenance {
    enabled: Option<bool>,
    #[serde(default)]
    start: String,
    #[serde(default)]
    duration: String,
    timezone: Option<String>,
    #[serde(default)]
    every: Vec<String>,
}

#[derive(Deserialize)]
struct Connectivity {
    checker: Option<Checker>,
}

#[derive(Deserialize)]
struct Checker {
    target: Option<String>,
}

pub(super) fn import(source: &str) -> Result<Draft, ImportError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_LIMIT,
            max_nodes: NODE_LIMIT,
            max_events: NODE_LIMIT * 3,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODE_LIMIT },
        emit_comments: false,
        with_snippet: false,
    };
    let file: File = serde_saphyr::from_str_with_options(source, options)
        .map_err(|e| ImportError::not_it(one_line(&format!("no Gatus configuration: {e}"))))?;
    if file.endpoints.is_empty() {
        return Err(ImportError::not_it("there are no `endpoints:`; is it Gatus' config.yaml?"));
    }
    let mut draft = Draft::default();
    let everywhere: Vec<DraftWindow> =
        file.maintenance.iter().filter_map(|m| window(&mut draft, None, "maintenance", m)).collect();
    for endpoint in &file.endpoints {
        let line = u32::try_from(endpoint.referenced.line()).ok().filter(|l| *l > 0);
        service(&mut draft, line, &endpoint.value, &everywhere);
    }
    if let Some(anchor) = file.connectivity.and_then(|c| c.checker).and_then(|c| c.target) {
        if is_host_and_port(&anchor) {
            draft.connectivity.push(anchor);
        } else {
            draft.leave(None, "connectivity.checker.target", "it is no host:port");
        }
    }
    for key in file.rest.keys() {
        draft.leave(None, key, top_level(key));
    }
    Ok(draft)
}

fn top_level(key: &str) -> &'static str {
    match key {
        "alerting" => "p7 sends no alerts yet",
        "external-endpoints" | "suites" | "remote" => "p7 has nothing like it",
        "security" => "p7 listens on loopback, and elsewhere changes need its admin token",
        "storage" => "p7 keeps its own store in the node's data folder",
        "ui" | "web" | "metrics" | "debug" | "concurrency" | "announcements" => {
            "this belongs to Gatus itself"
        }
        _ => "p7 knows no such setting",
    }
}

fn service(draft: &mut Draft, line: Option<u32>, from: &Endpoint, everywhere: &[DraftWindow]) {
    let label = format!("endpoint \"{}\"", one_line(&from.name));
    if from.enabled == Some(false) {
        draft.leave(line, label, "it is switched off");
        return;
    }
    let id = draft.id_of(&if from.group.is_empty() {
        from.name.clone()
    } else {
        format!("{}-{}", from.group, from.name)
    });
    let Some(probe) = probe(draft, line, &label, &id, from) else {
        return;
    };
    let mut maintenance = everywhere.to_vec();
    for own in &from.windows {
        maintenance.extend(window(draft, line, &label, own));
    }
    let client_timeout = from.client.as_ref().and_then(|c| c.timeout.as_deref());
    let interval = span(draft, line, &label, "interval", from.interval.as_deref(), INTERVAL);
    let timeout = span(draft, line, &label, "client.timeout", client_timeout, TIMEOUT);
    for key in from.rest.keys() {
        let why = match key.as_str() {
            "alerts" => "p7 sends no alerts yet",
            "ui" | "always-run" | "store" => "this belongs to Gatus itself",
            "dns" | "ssh" => "it belongs to a kind of test that p7 does not have",
            "graphql" => "write the body as {\"query\": …} and a content-type of application/json",
            _ => "p7 knows no such setting",
        };
        draft.leave(line, format!("{label}: {}", one_line(key)), why);
    }
    let labels = from.labels.iter().filter_map(|(k, v)| Some((one_line(k), one_line(&plain(v)?))));
    draft.services.push(DraftService {
        name: text(if from.name.is_empty() { &id } else { &from.name }),
        environment: one_line(&from.group),
        description: None,
        runbook: None,
        labels: labels.collect(),
        interval: Some(interval),
        timeout: Some(timeout.min(interval)),
        retries: 0,
        retry_delay: None,
        maintenance,
        probe,
        id,
    });
}

fn probe(draft: &mut Draft, line: Option<u32>, label: &str, id: &str, from: &Endpoint) -> Option<DraftProbe> {
    let mut asked = Asked { codes: None, http: DraftHttp::default() };
    let scheme = from.url.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    let secure = match scheme.as_str() {
        "http" | "https" => None,
        "tcp" => Some(false),
        "tls" => Some(true),
        other => {
            let why = match other {
                // Gatus knows such an endpoint by its table, its url being the name server
                _ if from.rest.contains_key("dns") => "p7 has no test for DNS".to_owned(),
                "" => "its url has no scheme such as `https://`".to_owned(),
                other => format!("p7 has no test for `{}` addresses", one_line(other)),
            };
            draft.leave(line, label, why);
            return None;
        }
    };
    for condition in &from.conditions {
        let fits = secure.is_none() || condition.starts_with("[CONNECTED]") || condition.starts_with("[CERT");
        let taken = if fits {
            gatus_conditions::take(&mut asked, condition)
        } else {
            Err("p7's TCP test has no such condition")
        };
        if let Err(why) = taken {
            draft.leave(line, format!("{label}: condition `{}`", one_line(condition)), why);
        }
    }
    let insecure = from.client.as_ref().is_some_and(|c| c.insecure);
    let Some(tls) = secure else {
        return http(draft, line, label, id, from, asked);
    };
    let address = from.url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/');
    if !is_host_and_port(address) {
        draft.leave(line, label, "its url is no host:port");
        return None;
    }
    Some(DraftProbe::Tcp {
        address: address.to_owned(),
        tls,
        verify: !insecure,
        certificate_left: asked.http.certificate_left.filter(|_| tls),
    })
}

fn http(
    draft: &mut Draft,
    line: Option<u32>,
    label: &str,
    id: &str,
    from: &Endpoint,
    asked: Asked,
) -> Option<DraftProbe> {
    let mut http = asked.http;
    let taken = if from.url.contains("${") {
        Err("its url holds a variable")
    } else {
        draft.url(&mut http, id, &from.url)
    };
    if let Err(why) = taken {
        draft.leave(line, label, why);
        return None;
    }
    // Gatus looks at the status only where a condition does
    let codes = asked.codes.unwrap_or_else(Codes::all);
    if !codes.is_default() {
        http.success_codes = codes.ranges();
        http.failure_codes = Codes::all().but(&codes).ranges();
    }
    http.method = from.method.as_deref().map(|m| m.trim().to_ascii_uppercase()).filter(|m| m != "GET");
    http.body = from.body.as_deref().filter(|b| !b.is_empty()).map(text);
    for (name, value) in &from.headers {
        header(draft, line, label, id, &mut http, name, value);
    }
    if let Some(client) = &from.client {
        client_of(draft, line, label, id, &mut http, client);
    }
    Some(DraftProbe::Http(Box::new(http)))
}

fn header(
    draft: &mut Draft,
    line: Option<u32>,
    label: &str,
    id: &str,
    http: &mut DraftHttp,
    name: &str,
    value: &Value,
) {
    let value = plain(value).unwrap_or_default();
    let variable = value.strip_prefix("${").and_then(|v| v.strip_suffix('}')).filter(|v| is_variable(v));
    let given = match variable {
        Some(variable) => Given::Variable(variable),
        None if value.contains("${") => Given::Secret,
        None => Given::Plain(&value),
    };
    if let Err(why) = draft.header(http, id, name, &given) {
        draft.leave(line, format!("{label}: header `{}`", one_line(name)), why);
    }
}

fn client_of(
    draft: &mut Draft,
    line: Option<u32>,
    label: &str,
    id: &str,
    http: &mut DraftHttp,
    client: &Client,
) {
    http.insecure = client.insecure;
    http.max_redirects = client.ignore_redirect.then_some(0);
    if let Some(proxy) = &client.proxy {
        // a proxy's address may hold a password
        if Url::parse(proxy).is_ok_and(|u| is_plain_proxy(&u)) {
            http.proxy = Some(text(proxy));
        } else {
            draft.leave(
                line,
                format!("{label}: client.proxy-url"),
                "only http proxies without a password are taken over",
            );
        }
    }
    if let Some(oauth2) = &client.oauth2 {
        let given =
            DraftOauth2::new(draft, id, &oauth2.token_url, &oauth2.client_id, &oauth2.scopes.join(" "));
        match given {
            Ok(given) => http.oauth2 = Some(given),
            Err(why) => draft.leave(line, format!("{label}: client.oauth2"), why),
        }
    }
    for key in client.rest.keys() {
        draft.leave(line, format!("{label}: client.{}", one_line(key)), "p7 knows no such setting");
    }
}

fn is_plain_proxy(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none();
    url.scheme() == "http" && url.has_host() && url.port() != Some(0) && plain
}

fn span(
    draft: &mut Draft,
    line: Option<u32>,
    label: &str,
    key: &str,
    text: Option<&str>,
    usual: Duration,
) -> Duration {
    let Some(text) = text else { return usual };
    let read = humantime::parse_duration(text).ok();
    let sane = read.filter(|d| *d >= Duration::from_secs(1) && *d <= DAY);
    sane.unwrap_or_else(|| {
        let usual = humantime::format_duration(usual);
        draft.leave(
            line,
            format!("{label}: {key}"),
            format!("it is no span from 1s to 1day; {usual} is used"),
        );
        usual_of(&usual.to_string())
    })
}

fn usual_of(text: &str) -> Duration {
    humantime::parse_duration(text).unwrap_or(INTERVAL)
}

/// A maintenance window as a cron line: Gatus gives a start, a span and weekdays.
fn window(draft: &mut Draft, line: Option<u32>, label: &str, from: &Maintenance) -> Option<DraftWindow> {
    if from.enabled == Some(false) {
        return None;
    }
    let read = || -> Option<DraftWindow> {
        let (hour, minute) = from.start.split_once(':')?;
        let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
        let lasts = humantime::parse_duration(&from.duration).ok()?;
        let days: Vec<&str> = from.every.iter().map(|d| weekday(d)).collect::<Option<_>>()?;
        let days = if days.is_empty() { "*".to_owned() } else { days.join(",") };
        let timezone = from.timezone.clone().unwrap_or_else(|| "UTC".to_owned());
        let fits = hour < 24 && minute < 60 && !lasts.is_zero() && lasts <= DAY;
        let known = timezone.parse::<chrono_tz::Tz>().is_ok();
        (fits && known).then(|| DraftWindow { cron: format!("{minute} {hour} * * {days}"), timezone, lasts })
    };
    let window = read();
    if window.is_none() {
        draft.leave(
            line,
            format!("{label}: maintenance"),
            "its start, duration, days or time zone can't be read",
        );
    }
    window
}

fn weekday(name: &str) -> Option<&'static str> {
    let days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let index = days.iter().position(|d| name.eq_ignore_ascii_case(d))?;
    ["0", "1", "2", "3", "4", "5", "6"].get(index).copied()
}

/// A YAML scalar as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a text is `host:port`, with brackets around an IPv6 address.
pub(super) fn is_host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    port.parse::<u16>().is_ok_and(|p| p > 0) && url::Host::parse(host).is_ok()
}
