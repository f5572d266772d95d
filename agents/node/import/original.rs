//! The 2020 original's configuration: a Python file with `urlList`, read and never executed.

use super::ImportError;
use super::codes::Codes;
use super::draft::{
    Draft, DraftHttp, DraftProbe, DraftService, Given, is_harmless_header, one_line, text, wanted,
};
use super::python::{self, Node, Value};
use std::rc::Rc;
use std::time::Duration;

/// The original tested everything once a minute.
const CYCLE: Duration = Duration::from_secs(60);
/// And waited ten seconds.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most services that are imported.
const SERVICE_LIMIT: usize = 10_000;
/// Longest time-out that is believed, in seconds.
const TIMEOUT_LIMIT_S: f64 = 600.0;

/// The original's memory, kept in its configuration: nothing a person decided.
const INTERNAL: [&str; 13] = [
    "failure_history",
    "rt_history",
    "orange_since",
    "red_since",
    "orange_sent",
    "red_sent",
    "latest_deployment",
    "flappingCntr",
    "flappingStatus",
    "previousStatus",
    "currentStatus",
    "ack",
    "protocol",
];

pub(super) fn import(source: &str) -> Result<Draft, ImportError> {
    let module = python::read(source).map_err(|e| ImportError::not_it(format!("no Python file: {e}")))?;
    let Some(list) = module.names.get("urlList") else {
        return Err(ImportError::not_it(
            "there is no `urlList = {…}`; is it the configuration that CONFIGFILE named?",
        ));
    };
    let Some(entries) = list.entries() else {
        return Err(ImportError::not_it(format!(
            "line {}: urlList is computed or no dictionary; p7 reads the file but does not run it",
            list.line
        )));
    };
    let mut draft = Draft::default();
    for skipped in &module.skipped {
        draft.leave(
            Some(skipped.line),
            format!("the statement `{} …`", skipped.word),
            "only plain assignments are read, nothing is executed",
        );
    }
    for (key, entry) in entries.iter().take(SERVICE_LIMIT) {
        service(&mut draft, key, entry);
    }
    if entries.len() > SERVICE_LIMIT {
        draft.leave(Some(list.line), "the rest of urlList", "10,000 services are imported at most");
    }
    countries(&mut draft, module.names.get("ntAPICountriesList"));
    if draft.services.iter().any(is_https) {
        draft.leave(
            None,
            "unverified TLS",
            "the original accepted every certificate; p7 verifies them. Where one is really not valid, \
             give its authority or switch verification off in that service",
        );
    }
    Ok(draft)
}

fn is_https(service: &DraftService) -> bool {
    matches!(&service.probe, DraftProbe::Http(http) if http.url.starts_with("https:"))
}

fn service(draft: &mut Draft, key: &Rc<Node>, entry: &Rc<Node>) {
    let Some(name) = key.text() else {
        draft.leave(Some(key.line), "a service", "its key is computed or no text");
        return;
    };
    let label = format!("service \"{}\"", one_line(name));
    let Some(fields) = entry.entries() else {
        draft.leave(Some(key.line), label, "it is computed or no dictionary");
        return;
    };
    let id = draft.id_of(name);
    let mut service = DraftService {
        name: text(name),
        environment: String::new(),
        description: None,
        runbook: None,
        labels: Vec::new(),
        interval: Some(CYCLE),
        timeout: Some(TIMEOUT),
        retries: 0,
        retry_delay: None,
        maintenance: Vec::new(),
        probe: DraftProbe::Http(Box::default()),
        id,
    };
    let mut http = DraftHttp::default();
    let mut protocol = None;
    for (key, value) in fields {
        let Some(field) = key.text() else {
            draft.leave(Some(key.line), format!("{label}: a field"), "its name is computed or no text");
            continue;
        };
        if field == "protocol" {
            protocol = value.text();
        }
        match one_field(draft, &mut service, &mut http, field, value) {
            Ok(()) => {}
            Err(why) => {
                draft.leave(Some(value.line.max(key.line)), format!("{label}: {}", one_line(field)), why);
            }
        }
    }
    let url = with_scheme(&http.url, protocol);
    if let Err(why) = draft.url(&mut http, &service.id, &url) {
        draft.leave(Some(key.line), label, why);
        return;
    }
    service.probe = DraftProbe::Http(Box::new(http));
    draft.services.push(service);
}

/// Takes one field over, or says why not.
fn one_field(
    draft: &mut Draft,
    service: &mut DraftService,
    http: &mut DraftHttp,
    field: &str,
    value: &Rc<Node>,
) -> Result<(), &'static str> {
    if INTERNAL.contains(&field) {
        return Ok(());
    }
    if value.value == Value::Computed {
        return Err("it is computed; p7 reads the file but does not run it");
    }
    let words = || value.text().map(text).ok_or("it is no text");
    match field {
        "appname" => service.name = words()?,
        "customer" => service.environment = one_line(&words()?),
        "url" => http.url = words()?,
        "credentials" => return credentials(draft, service, http, value),
        "payload" if !matches!(value.text(), Some("EMPTY" | "")) => {
            return Err("the original never sent it; set `method` and `body` if it is meant to be sent");
        }
        "payload" => {}
        "timeout" => match seconds(value) {
            Some(timeout) => service.timeout = Some(timeout),
            None => return Err("it is no number of seconds up to 600"),
        },
        "retries" => match value.int() {
            Some(attempts @ 0..=10) => service.retries = u8::try_from((attempts - 1).max(0)).unwrap_or(0),
            Some(_) | None => return Err("it is no number of attempts up to 10"),
        },
        "http_success" => http.success_codes = codes(value)?,
        "http_failure" => http.failure_codes = codes(value)?,
        "http_maintenance" => http.maintenance_codes = codes(value)?,
        "payload_success" => http.success_text = texts(value)?,
        "payload_failure" => http.failure_text = texts(value)?,
        "payload_maintenance" => http.maintenance_text = texts(value)?,
        "runbook" => {
            let runbook = words()?;
            if runbook.starts_with("https://") || runbook.starts_with("http://") {
                service.runbook = Some(runbook);
            } else if !matches!(runbook.as_str(), "" | "-" | "None") {
                return Err("it is no http(s) address");
            }
        }
        "release_def_ids" => {
            let none = value.items().is_some_and(|ids| ids.iter().all(|n| n.int() == Some(0)));
            if !none {
                return Err("deployments are stated to p7 (`p7 deployment`), not looked up in Azure DevOps");
            }
        }
        _ => return Err("the original knows no such field"),
    }
    Ok(())
}

/// The original sent its credentials as headers.
fn credentials(
    draft: &mut Draft,
    service: &DraftService,
    http: &mut DraftHttp,
    value: &Rc<Node>,
) -> Result<(), &'static str> {
    if value.value == Value::None {
        return Ok(());
    }
    let headers = value.entries().ok_or("it is no dictionary of headers")?;
    for (name, value) in headers {
        let label =
            format!("service \"{}\": the header `{}`", service.id, one_line(name.text().unwrap_or("?")));
        // the original's own placeholder for "no credentials"
        if name.text() == Some("foo") && value.text() == Some("bar") {
            continue;
        }
        let given = match &value.value {
            Value::Environment(variable) => Given::Variable(variable),
            // whatever it is called there, it was meant as a credential
            Value::Text(plain) if name.text().is_some_and(is_harmless_header) => Given::Plain(plain),
            Value::Text(_)
            | Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Dict(_)
            | Value::Computed => Given::Secret,
        };
        let taken = match name.text() {
            Some(name) => draft.header(http, &service.id, name, &given),
            None => Err("its name is computed or no text"),
        };
        if let Err(why) = taken {
            draft.leave(Some(value.line), label, why);
        }
    }
    Ok(())
}

fn seconds(value: &Node) -> Option<Duration> {
    let seconds = match (value.int(), &value.value) {
        #[expect(clippy::cast_precision_loss, reason = "anything near the precision's end is refused below")]
        (Some(n), _) => n as f64,
        (None, Value::Float(x)) => *x,
        (None, _no_number) => return None,
    };
    (seconds > 0.0 && seconds <= TIMEOUT_LIMIT_S).then(|| Duration::from_secs_f64(seconds))
}

fn codes(value: &Node) -> Result<Vec<String>, &'static str> {
    let one = |node: &Node| match (node.int(), node.text()) {
        (Some(code), _) => Codes::read(&code.to_string()),
        (None, Some(code)) => Codes::read(code),
        (None, None) => None,
    };
    let all: Option<Vec<Codes>> = match value.items() {
        Some(items) => items.iter().filter(|n| !is_made_up(n)).map(|n| one(n)).collect(),
        None => one(value).map(|c| vec![c]),
    };
    let all = all.ok_or("it is no list of status codes")?;
    Ok(all.iter().fold(Codes::none(), |sum, c| sum.or(c)).ranges())
}

/// The original's own codes for "no connection", "no network" and "something else".
fn is_made_up(node: &Node) -> bool {
    matches!(node.int(), Some(666 | 777 | 999))
}

fn texts(value: &Node) -> Result<Vec<String>, &'static str> {
    match value.text() {
        // an empty text is in every body
        Some(words) if words.trim().is_empty() => Ok(Vec::new()),
        Some(words) => Ok(vec![wanted(words)]),
        None if value.value == Value::None => Ok(Vec::new()),
        None => Err("it is no text"),
    }
}

/// The original kept the scheme apart in later versions.
fn with_scheme(url: &str, protocol: Option<&str>) -> String {
    match protocol {
        _ if url.contains("://") => url.to_owned(),
        Some(protocol) => format!("{}://{url}", protocol.to_ascii_lowercase()),
        None => format!("http://{url}"),
    }
}

fn countries(draft: &mut Draft, list: Option<&Rc<Node>>) {
    let Some(list) = list else { return };
    let used = list.entries().is_none_or(|entries| {
        entries.iter().any(|(key, _)| key.text().is_none_or(|k| !k.starts_with("DUMMY")))
    });
    if used {
        draft.leave(
            Some(list.line),
            "ntAPICountriesList",
            "the original no longer used it; describe such an API as a service of its own",
        );
    }
}
