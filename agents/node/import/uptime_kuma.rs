//! Uptime Kuma: the JSON of its backup, a list of monitors.

use super::ImportError;
use super::codes::Codes;
use super::draft::{
    Draft, DraftAsks, DraftHttp, DraftJson, DraftOauth2, DraftProbe, DraftService, Given, one_line, text,
    wanted,
};
use super::gatus::is_host_and_port;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// What Uptime Kuma accepts unless told otherwise.
const ACCEPTED: &str = "200-299";
/// Uptime Kuma tests once a minute unless told otherwise.
const INTERVAL_S: u64 = 60;
/// Shortest and longest interval that is believed, in seconds.
const INTERVAL_LIMITS_S: (u64, u64) = (1, 86_400);
/// When Uptime Kuma speaks of a certificate for the last time unless told otherwise, before it expires.
const CERTIFICATE_LEFT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Most monitors that are imported.
const MONITOR_LIMIT: usize = 10_000;

type Monitor = Map<String, Value>;

pub(super) fn import(source: &str) -> Result<Draft, ImportError> {
    let file: Value =
        serde_json::from_str(source).map_err(|e| ImportError::not_it(format!("no JSON: {e}")))?;
    let Some(monitors) = file.get("monitorList").and_then(Value::as_array) else {
        return Err(ImportError::not_it(
            "there is no `monitorList`; is it the backup that Uptime Kuma exports?",
        ));
    };
    let monitors: Vec<&Monitor> = monitors.iter().take(MONITOR_LIMIT).filter_map(Value::as_object).collect();
    let groups: BTreeMap<u64, &str> = monitors
        .iter()
        .filter(|m| word(m, "type") == Some("group"))
        .filter_map(|m| Some((number(m, "id")?, word(m, "name")?)))
        .collect();
    let mut draft = Draft::default();
    for monitor in monitors {
        service(&mut draft, monitor, &groups);
    }
    let lists = [
        ("notificationList", "notification", "p7 sends no alerts yet"),
        ("proxyList", "proxy", "set `proxy` in the http tables of the services that need it"),
    ];
    for (key, what, why) in lists {
        for entry in file.get(key).and_then(Value::as_array).into_iter().flatten() {
            let name = entry.get("name").or(entry.get("host")).and_then(Value::as_str).unwrap_or("?");
            draft.leave(None, format!("{what} \"{}\"", one_line(name)), why);
        }
    }
    Ok(draft)
}

fn service(draft: &mut Draft, monitor: &Monitor, groups: &BTreeMap<u64, &str>) {
    let kind = word(monitor, "type").unwrap_or("?");
    if kind == "group" {
        return;
    }
    let name = word(monitor, "name").unwrap_or("");
    let label = match number(monitor, "id") {
        Some(id) => format!("monitor \"{}\" (id {id})", one_line(name)),
        None => format!("monitor \"{}\"", one_line(name)),
    };
    if flag(monitor, "active") == Some(false) {
        draft.leave(None, label, "it is paused");
        return;
    }
    if flag(monitor, "upsideDown") == Some(true) {
        draft.leave(None, label, "p7 has no upside-down mode: a test that should fail");
        return;
    }
    let id = draft.id_of(name);
    let probe = match kind {
        "http" | "keyword" | "json-query" => http(draft, monitor, kind, &id, &label),
        "port" => port(monitor),
        _ => Err("p7 has no test of this kind"),
    };
    let probe = match probe {
        Ok(probe) => probe,
        Err(why) => {
            draft.leave(None, format!("{label} of type {}", one_line(kind)), why);
            return;
        }
    };
    let (least, most) = INTERVAL_LIMITS_S;
    let interval = Duration::from_secs(number(monitor, "interval").unwrap_or(INTERVAL_S).clamp(least, most));
    let timeout = seconds(monitor, "timeout").unwrap_or(interval.mul_f64(0.8)).min(interval);
    let parent = number(monitor, "parent").and_then(|p| groups.get(&p));
    retries(draft, monitor, &label);
    draft.services.push(DraftService {
        name: text(if name.is_empty() { &id } else { name }),
        environment: one_line(parent.copied().unwrap_or("")),
        description: word(monitor, "description").filter(|d| !d.is_empty()).map(text),
        runbook: None,
        labels: labels(monitor),
        interval: Some(interval),
        timeout: Some(timeout),
        retries: 0,
        retry_delay: None,
        maintenance: Vec::new(),
        probe,
        id,
    });
}

/// Uptime Kuma's retries are further cycles before it speaks; our levels do that already.
fn retries(draft: &mut Draft, monitor: &Monitor, label: &str) {
    if number(monitor, "maxretries").is_some_and(|n| n > 0) {
        draft.leave(
            None,
            format!("{label}: maxretries"),
            "p7 warns at the first failed cycle, opens an incident at the second and calls it down at the \
             sixth; set `rules` where that is not wanted",
        );
    }
    if number(monitor, "proxyId").is_some() {
        draft.leave(None, format!("{label}: its proxy"), "set `proxy` in its http table");
    }
}

fn port(monitor: &Monitor) -> Result<DraftProbe, &'static str> {
    let host = word(monitor, "hostname").unwrap_or("").trim();
    let port = number(monitor, "port").unwrap_or(0);
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let address = format!("{host}:{port}");
    if !is_host_and_port(&address) {
        return Err("its hostname or port is missing or wrong");
    }
    Ok(DraftProbe::Tcp { address, tls: false, verify: true, certificate_left: None })
}

fn http(
    draft: &mut Draft,
    monitor: &Monitor,
    kind: &str,
    id: &str,
    label: &str,
) -> Result<DraftProbe, &'static str> {
    let mut http = DraftHttp {
        method: word(monitor, "method").map(str::to_ascii_uppercase).filter(|m| m != "GET"),
        body: word(monitor, "body").filter(|b| !b.is_empty()).map(text),
        insecure: flag(monitor, "ignoreTls").unwrap_or(false),
        max_redirects: number(monitor, "maxredirects")
            .and_then(|n| u8::try_from(n.min(20)).ok())
            .filter(|n| *n != 10),
        ..DraftHttp::default()
    };
    draft.url(&mut http, id, word(monitor, "url").unwrap_or(""))?;
    if flag(monitor, "expiryNotification") == Some(true) && http.url.starts_with("https:") {
        http.certificate_left = Some(CERTIFICATE_LEFT);
    }
    codes(draft, monitor, label, &mut http);
    if kind == "keyword" {
        let keyword = word(monitor, "keyword").filter(|k| !k.is_empty()).ok_or("it has no keyword")?;
        if flag(monitor, "invertKeyword") == Some(true) {
            http.failure_text.push(wanted(keyword));
        } else {
            http.success_text.push(wanted(keyword));
        }
    }
    if kind == "json-query" {
        json_query(draft, monitor, label, &mut http);
    }
    headers(draft, monitor, id, label, &mut http);
    credentials(draft, monitor, id, label, &mut http);
    Ok(DraftProbe::Http(Box::new(http)))
}

fn codes(draft: &mut Draft, monitor: &Monitor, label: &str, http: &mut DraftHttp) {
    let listed: Vec<&str> = match monitor.get("accepted_statuscodes").and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(Value::as_str).collect(),
        None => vec![ACCEPTED],
    };
    let mut accepted = Codes::none();
    for range in listed {
        match Codes::read(range) {
            Some(codes) => accepted = accepted.or(&codes),
            None => draft.leave(
                None,
                format!("{label}: accepted_statuscodes `{}`", one_line(range)),
                "it is no status code from 100 to 599",
            ),
        }
    }
    if !accepted.is_default() {
        http.success_codes = accepted.ranges();
        http.failure_codes = Codes::all().but(&accepted).ranges();
    }
}

/// A JSONata path that is a plain one is a JSONPath too.
fn json_query(draft: &mut Draft, monitor: &Monitor, label: &str, http: &mut DraftHttp) {
    let path = word(monitor, "jsonPath").unwrap_or("").trim();
    let path = path.strip_prefix("$.").unwrap_or(path);
    let plain = !path.is_empty()
        && path.split('.').all(|name| {
            !name.is_empty()
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
    let equal = matches!(word(monitor, "jsonPathOperator"), None | Some("=="));
    let expected = word(monitor, "expectedValue");
    let (true, true, Some(expected)) = (plain, equal, expected) else {
        draft.leave(
            None,
            format!("{label}: its JSON query"),
            "only a plain path such as data.status compared for equality is carried over",
        );
        return;
    };
    http.json.push(DraftJson { path: format!("$.{path}"), asks: DraftAsks::equal_to(expected) });
}

fn headers(draft: &mut Draft, monitor: &Monitor, id: &str, label: &str, http: &mut DraftHttp) {
    if http.body.is_some() {
        let kind = match word(monitor, "httpBodyEncoding") {
            Some("xml") => "text/xml; charset=utf-8",
            Some("form") => "application/x-www-form-urlencoded",
            Some(_) | None => "application/json",
        };
        http.headers.push(("Content-Type".to_owned(), kind.to_owned()));
    }
    let Some(written) = word(monitor, "headers").filter(|h| !h.trim().is_empty()) else {
        return;
    };
    let Ok(Value::Object(headers)) = serde_json::from_str::<Value>(written) else {
        draft.leave(None, format!("{label}: headers"), "they are no JSON object");
        return;
    };
    for (name, value) in headers {
        let given = value.as_str().map_or(Given::Secret, Given::Plain);
        if let Err(why) = draft.header(http, id, &name, &given) {
            draft.leave(None, format!("{label}: header `{}`", one_line(&name)), why);
        }
    }
}

fn credentials(draft: &mut Draft, monitor: &Monitor, id: &str, label: &str, http: &mut DraftHttp) {
    let filled = |key: &str| word(monitor, key).filter(|v| !v.is_empty());
    match filled("authMethod") {
        None | Some("basic" | "null") => {
            if let Some(user) = filled("basic_auth_user") {
                if user.contains(':') {
                    draft.leave(
                        None,
                        format!("{label}: basic authentication"),
                        "a user name can't hold a colon",
                    );
                    return;
                }
                let what = format!("the password of {} at {id}", one_line(user));
                http.basic = Some((text(user), draft.secret(id, "password", &what)));
            }
        }
        Some("oauth2-cc") => {
            if let (Some(url), Some(client)) = (filled("oauth_token_url"), filled("oauth_client_id")) {
                match DraftOauth2::new(draft, id, url, client, filled("oauth_scopes").unwrap_or("")) {
                    Ok(oauth2) => http.oauth2 = Some(oauth2),
                    Err(why) => draft.leave(None, format!("{label}: authentication"), why),
                }
            }
        }
        Some(other) => draft.leave(
            None,
            format!("{label}: authentication `{}`", one_line(other)),
            "p7 knows basic, bearer, OAuth2 client credentials and client certificates; set it up by hand",
        ),
    }
}

fn labels(monitor: &Monitor) -> Vec<(String, String)> {
    let tags = monitor.get("tags").and_then(Value::as_array).into_iter().flatten();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for tag in tags {
        if let Some(name) = tag.get("name").and_then(Value::as_str) {
            let value = tag.get("value").and_then(Value::as_str).unwrap_or("");
            labels.insert(one_line(name), one_line(value));
        }
    }
    labels.into_iter().collect()
}

fn word<'a>(monitor: &'a Monitor, key: &str) -> Option<&'a str> {
    monitor.get(key).and_then(Value::as_str)
}

/// A number, also one that is written as a text.
fn number(monitor: &Monitor, key: &str) -> Option<u64> {
    let value = monitor.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn seconds(monitor: &Monitor, key: &str) -> Option<Duration> {
    let seconds = monitor.get(key)?.as_f64()?;
    (0.1..=600.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

/// A boolean, also one that is written as 0 or 1.
fn flag(monitor: &Monitor, key: &str) -> Option<bool> {
    let value = monitor.get(key)?;
    value.as_bool().or_else(|| value.as_u64().map(|n| n != 0))
}
