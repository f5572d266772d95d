//! Writes a draft as the text of a mesh.toml.

use super::draft::{Draft, DraftAsks, DraftHttp, DraftProbe, DraftService, one_line};
use std::time::Duration;

/// The mesh.toml of a draft; `from` says where it comes from.
pub(super) fn write(draft: &Draft, from: &str) -> String {
    let mut text = format!("# Imported from {}.\n", one_line(from));
    text.push_str(
        "# `p7 check` says whether all is well with it, `p7 probe SERVICE` tests one of its services.\n",
    );
    if !draft.secrets.is_empty() {
        text.push_str("#\n# Secrets are not in this file. Set these variables where the node runs:\n");
        for (variable, what) in &draft.secrets {
            put(&mut text, format_args!("#   {variable}: {}\n", one_line(what)));
        }
    }
    if !draft.connectivity.is_empty() {
        text.push_str("\n[connectivity]\n");
        list(&mut text, "anchors", &draft.connectivity);
    }
    for service in &draft.services {
        text.push('\n');
        write_service(&mut text, service);
    }
    text
}

fn write_service(text: &mut String, service: &DraftService) {
    let id = &service.id;
    put(text, format_args!("[services.{id}]\n"));
    word(text, "name", &one_line(&service.name));
    if !service.environment.is_empty() {
        word(text, "environment", &service.environment);
    }
    optional(text, "description", service.description.as_deref().map(one_line).as_deref());
    optional(text, "runbook", service.runbook.as_deref());
    span(text, "interval", service.interval);
    span(text, "timeout", service.timeout);
    if service.retries > 0 {
        put(text, format_args!("retries = {}\n", service.retries));
    }
    if !service.labels.is_empty() {
        let labels: Vec<String> = service
            .labels
            .iter()
            .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
            .collect();
        put(text, format_args!("labels = {{ {} }}\n", labels.join(", ")));
    }
    for window in &service.maintenance {
        put(text, format_args!("\n[[services.{id}.maintenance]]\n"));
        word(text, "cron", &window.cron);
        word(text, "timezone", &window.timezone);
        span(text, "duration", Some(window.lasts));
    }
    text.push('\n');
    match &service.probe {
        DraftProbe::Http(http) => write_http(text, id, http),
        DraftProbe::Tcp { address, tls, verify, certificate_left } => {
            put(text, format_args!("[services.{id}.tcp]\n"));
            word(text, "address", address);
            if *tls {
                text.push_str(if *verify { "tls = {}\n" } else { "tls = { verify = false }\n" });
            }
            span(text, "min_certificate_validity", *certificate_left);
        }
    }
}

fn write_http(text: &mut String, id: &str, http: &DraftHttp) {
    put(text, format_args!("[services.{id}.http]\n"));
    word(text, "url", &http.url);
    optional(text, "method", http.method.as_deref());
    optional(text, "body", http.body.as_deref());
    if let Some(redirects) = http.max_redirects {
        put(text, format_args!("max_redirects = {redirects}\n"));
    }
    if http.insecure {
        text.push_str("tls = { verify = false }\n");
    }
    if let Some(proxy) = &http.proxy {
        put(text, format_args!("proxy = {{ url = {} }}\n", quoted(proxy)));
    }
    for (key, codes) in [
        ("success_codes", &http.success_codes),
        ("failure_codes", &http.failure_codes),
        ("maintenance_codes", &http.maintenance_codes),
    ] {
        if !codes.is_empty() {
            let written: Vec<String> =
                codes.iter().map(|c| if c.contains('-') { quoted(c) } else { c.clone() }).collect();
            put(text, format_args!("{key} = [{}]\n", written.join(", ")));
        }
    }
    list(text, "success_text", &http.success_text);
    list(text, "failure_text", &http.failure_text);
    list(text, "maintenance_text", &http.maintenance_text);
    span(text, "max_latency", http.max_latency);
    span(text, "min_certificate_validity", http.certificate_left);
    if !http.json.is_empty() {
        text.push_str("expect_json = [\n");
        for condition in &http.json {
            let asks = asks(&condition.asks);
            put(text, format_args!("  {{ path = {}, {asks} }},\n", quoted(&condition.path)));
        }
        text.push_str("]\n");
    }
    if let Some((user, variable)) = &http.basic {
        let user = quoted(user);
        put(
            text,
            format_args!("auth = {{ basic = {{ username = {user}, password = \"env:{variable}\" }} }}\n"),
        );
    } else if let Some(oauth2) = &http.oauth2 {
        put(text, format_args!("\n[services.{id}.http.auth.oauth2]\n"));
        word(text, "token_url", &oauth2.token_url);
        word(text, "client_id", &oauth2.client_id);
        word(text, "client_secret", &format!("env:{}", oauth2.client_secret));
        optional(text, "scope", oauth2.scope.as_deref());
    }
    if !http.headers.is_empty() {
        put(text, format_args!("\n[services.{id}.http.headers]\n"));
        for (name, value) in &http.headers {
            put(text, format_args!("{} = {}\n", key(name), quoted(value)));
        }
    }
    if !http.secret_headers.is_empty() {
        put(text, format_args!("\n[services.{id}.http.secret_headers]\n"));
        for (name, variable) in &http.secret_headers {
            put(text, format_args!("{} = \"env:{variable}\"\n", key(name)));
        }
    }
}

fn asks(asks: &DraftAsks) -> String {
    match asks {
        DraftAsks::Text(words) => format!("equals = {}", quoted(words)),
        DraftAsks::Integer(number) => format!("equals = {number}"),
        DraftAsks::Bool(bool) => format!("equals = {bool}"),
        DraftAsks::Matches(words) => format!("matches = {}", quoted(words)),
        // the settings want a fraction here
        DraftAsks::AtLeast(number) => format!("min = {number}.0"),
        DraftAsks::AtMost(number) => format!("max = {number}.0"),
        DraftAsks::Exists(exists) => format!("exists = {exists}"),
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.push_str(&what.to_string());
}

fn word(text: &mut String, key: &str, value: &str) {
    put(text, format_args!("{key} = {}\n", quoted(value)));
}

fn optional(text: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        word(text, key, value);
    }
}

fn list(text: &mut String, key: &str, values: &[String]) {
    if !values.is_empty() {
        let written: Vec<String> = values.iter().map(|v| quoted(v)).collect();
        put(text, format_args!("{key} = [{}]\n", written.join(", ")));
    }
}

fn span(text: &mut String, key: &str, span: Option<Duration>) {
    if let Some(span) = span {
        word(text, key, &humantime::format_duration(span).to_string());
    }
}

/// A key as TOML takes it.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => put(&mut quoted, format_args!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
