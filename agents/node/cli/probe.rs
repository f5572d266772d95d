//! `p7 probe`: one test from here, and where its time went.

use super::args;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone, clean};
use super::when;
use crate::config;
use p7_core::service::{Rules, Service, VantagePoints};
use p7_core::vocabulary::{Interval, MeshTime, Millis, NodeId, Outcome, ServiceId};
use p7_prober::{Probe, ProbeConfig, Seen, probe_once};
use p7_settings::{Check, Faults};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How long a test of a plain URL may take unless told otherwise.
const TIMEOUT: Millis = Millis::seconds(10);
/// How wide the longest bar is, in columns.
const BAR: usize = 30;

/// What is tested, with the settings it is tested with.
struct Target {
    service: Service,
    probe: ProbeConfig,
    /// Where relative files of the settings are.
    base: PathBuf,
}

/// Answers `p7 probe`.
pub(crate) async fn run(args: &args::Probe) -> Result<Answer, Failure> {
    let mut target = if args.target.contains("://") {
        of_url(&args.target)?
    } else {
        of_service(&args.target, &args.config.folder)?
    };
    if let Some(timeout) = args.timeout {
        target.service.timeout = Millis(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1));
    }
    let probe = Probe::prepare(&target.service, &target.probe, &target.base)
        .map_err(|e| Failure::Use(e.to_string()))?;
    // the id a node would have does not matter here
    let node = NodeId::new("probe").map_err(|e| Failure::Use(e.to_string()))?;
    let seen = probe_once(&target.service, &probe, &node).await;
    if args.form.json {
        out::print_json(&document(&target.service, &seen))?;
    } else {
        out::print(&text(&target.service.target, &seen, Screen::of_stdout()))?;
    }
    Ok(match seen.result.outcome {
        Outcome::Up => Answer::Fine,
        Outcome::NoNetwork
        | Outcome::Unauthorized
        | Outcome::Failed
        | Outcome::Maintenance
        | Outcome::Mismatch
        | Outcome::Unmanaged => Answer::NotSo,
    })
}

/// Tests an address once, as `p7 probe URL` does.
pub(crate) async fn of_address(url: &str, node: &NodeId) -> Result<Seen, Failure> {
    let target = of_url(url)?;
    let probe = Probe::prepare(&target.service, &target.probe, &target.base)
        .map_err(|e| Failure::Use(e.to_string()))?;
    Ok(probe_once(&target.service, &probe, node).await)
}

fn of_url(url: &str) -> Result<Target, Failure> {
    let probe = ProbeConfig::from_url(url).ok_or_else(|| {
        Failure::Use(format!("no test is known for `{}`; use http, https, tcp or tls", clean(url)))
    })?;
    let mut faults = Vec::new();
    probe.check(&mut Faults::new(&mut faults));
    if let Some(fault) = faults.first() {
        return Err(Failure::Use(format!("`{}`: {}", clean(url), fault.message)));
    }
    let id = ServiceId::new("probe").map_err(|e| Failure::Use(e.to_string()))?;
    let service = Service {
        id,
        name: String::new(),
        environment: String::new(),
        kind: probe.kind().to_owned(),
        target: probe.target(),
        interval: Interval::new(Millis::seconds(60)),
        timeout: TIMEOUT,
        retries: 0,
        retry_delay: Millis(0),
        rules: Rules::default(),
        vantage_points: VantagePoints::All,
        vantage_labels: BTreeMap::new(),
        description: None,
        runbook: None,
        link: None,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        maintenance: Vec::new(),
    };
    Ok(Target { service, probe, base: PathBuf::from(".") })
}

fn of_service(name: &str, folder: &Path) -> Result<Target, Failure> {
    let shown = folder.display();
    if ServiceId::new(name).is_err() {
        return Err(Failure::Use(format!(
            "`{0}` is neither a URL nor a service's id; did you mean https://{0} or tcp://{0}?",
            clean(name)
        )));
    }
    let loaded = config::load(folder, &config::environment())
        .map_err(|refused| Failure::Use(format!("{refused}; `p7 check {shown}` lists them all")))?;
    let Some(found) = loaded.services.iter().find(|w| w.service.id.as_str() == name) else {
        let ids: Vec<&str> = loaded.services.iter().map(|w| w.service.id.as_str()).collect();
        let near = p7_settings::nearest(name, ids.iter().copied());
        let hint =
            near.map_or_else(|| ", or give a URL".to_owned(), |near| format!("; did you mean `{near}`?"));
        return Err(Failure::Use(format!("there is no service `{name}` in {shown}{hint}")));
    };
    Ok(Target {
        service: found.service.as_ref().clone(),
        probe: found.probe.as_ref().clone(),
        base: loaded.dir.clone(),
    })
}

fn text(target: &str, seen: &Seen, screen: Screen) -> String {
    let (result, detail) = (&seen.result, &seen.detail);
    let (sign, tone) = match result.outcome {
        Outcome::Up => ('✓', Tone::Good),
        Outcome::Maintenance => ('=', Tone::Note),
        Outcome::NoNetwork | Outcome::Unmanaged => ('?', Tone::Faint),
        Outcome::Unauthorized | Outcome::Failed | Outcome::Mismatch => ('✗', Tone::Bad),
    };
    let outcome = screen.ink.paint(tone, &format!("{sign} {}", result.outcome));
    let mut lines = vec![format!("{outcome}  {}  {}", clean(target), when::latency(result.latency.as_ms()))];
    if let Some(reason) = &result.reason {
        lines.push(format!("  {}", clean(reason)));
    }
    lines.push(String::new());
    let longest = result.phases.named().map(|(_, span)| span.0).into_iter().max().unwrap_or(0);
    // a phase that was not reached, such as TLS on plain HTTP, took no time
    for (name, span) in result.phases.named().into_iter().filter(|(_, span)| span.0 > 0) {
        let width =
            usize::try_from(u64::from(span.0) * BAR as u64 / u64::from(longest.max(1))).unwrap_or(BAR);
        let bar = screen.ink.paint(Tone::Note, &"█".repeat(width));
        let line = format!("  {name:<10} {:>9}  {bar}", when::latency(span.as_ms()));
        lines.push(line.trim_end().to_owned());
    }
    let mut facts: Vec<String> = Vec::new();
    facts.extend(result.status_code.map(|code| format!("status {code}")));
    facts.extend(detail.http_version.clone());
    facts.extend(detail.tls_version.as_deref().map(tls));
    facts.extend(detail.peer.map(|peer| format!("from {peer}")));
    if result.status_code.is_some() {
        let cut = if detail.body_cut { " and more" } else { "" };
        facts.push(format!("{} bytes{cut}", detail.body_bytes));
    }
    if !facts.is_empty() {
        lines.extend([String::new(), format!("  {}", clean(&facts.join(", ")))]);
    }
    lines.extend(detail.redirects.iter().map(|to| format!("  redirected to {}", clean(to))));
    lines.extend(result.certificate_expiry.map(|at| format!("  {}", certificate(at, result.at))));
    lines.join("\n") + "\n"
}

/// `TLS 1.3`, as people write it.
fn tls(version: &str) -> String {
    match version.strip_prefix("TLSv") {
        Some(number) => format!("TLS {}", number.replace('_', ".")),
        None => version.to_owned(),
    }
}

fn certificate(expires: MeshTime, now: MeshTime) -> String {
    if expires > now {
        format!("certificate expires {} (in {})", when::show(expires), when::short(expires.since(now)))
    } else {
        format!("certificate expired {} ago ({})", when::short(now.since(expires)), when::show(expires))
    }
}

fn document(service: &Service, seen: &Seen) -> Value {
    let (result, detail) = (&seen.result, &seen.detail);
    let phases: serde_json::Map<String, Value> = result
        .phases
        .named()
        .into_iter()
        .map(|(name, span)| (format!("{name}_ms"), json!(span.as_ms())))
        .collect();
    json!({
        "target": service.target,
        "kind": service.kind,
        "at": when::write(result.at),
        "outcome": result.outcome.as_str(),
        "reason": result.reason,
        "latency_ms": result.latency.as_ms(),
        "phases": phases,
        "status_code": result.status_code,
        "certificate_expires_at": result.certificate_expiry.map(when::write),
        "peer": detail.peer.map(|peer| peer.to_string()),
        "http_version": detail.http_version,
        "tls_version": detail.tls_version,
        "redirects": detail.redirects,
        "body_bytes": detail.body_bytes,
        "body_cut": detail.body_cut,
    })
}

#[cfg(test)]
mod tests {
    use super::super::out::Ink;
    use super::*;
    use p7_core::result::{Phases, ProbeResult};
    use p7_core::vocabulary::{Cycle, Micros};
    use p7_prober::Detail;

    fn seen() -> Seen {
        let result = ProbeResult {
            service: ServiceId::new("probe").unwrap(),
            cycle: Cycle::starting(MeshTime(0)),
            node: NodeId::new("probe").unwrap(),
            at: MeshTime(1_777_667_400_000),
            outcome: Outcome::Failed,
            latency: Micros(52_300),
            phases: Phases {
                resolve: Micros(1_200),
                connect: Micros(10_000),
                tls: Micros(20_000),
                processing: Micros(20_900),
                transfer: Micros(200),
            },
            attempts: 1,
            reason: Some("status 503 Service Unavailable".into()),
            status_code: Some(503),
            certificate_expiry: Some(MeshTime(1_777_667_400_000 + 90 * 86_400_000)),
        };
        let detail = Detail {
            peer: Some("10.0.0.5:443".parse().unwrap()),
            http_version: Some("HTTP/2.0".to_owned()),
            body_bytes: 12,
            redirects: vec!["https://shop.example/en/".to_owned()],
            ..Detail::default()
        };
        Seen { result, detail }
    }

    #[test]
    fn a_test_shows_where_its_time_went() {
        let screen = Screen { width: 80, ink: Ink::Plain };
        assert_eq!(
            text("https://shop.example/", &seen(), screen),
            "\
✗ failed  https://shop.example/  52 ms
  status 503 Service Unavailable

  resolve       1.2 ms  █
  connect        10 ms  ██████████████
  tls            20 ms  ████████████████████████████
  processing     21 ms  ██████████████████████████████
  transfer      0.2 ms

  status 503, HTTP/2.0, from 10.0.0.5:443, 12 bytes
  redirected to https://shop.example/en/
  certificate expires 2026-07-30 20:30 UTC (in 90 d)
"
        );
    }

    #[test]
    fn what_was_not_reached_is_left_out_and_an_expired_certificate_is_told_as_such() {
        let mut seen = seen();
        seen.result.phases.tls = Micros(0);
        seen.result.certificate_expiry = Some(MeshTime(seen.result.at.0 - 21 * 86_400_000));
        seen.detail.tls_version = Some("TLSv1_3".to_owned());
        let text = text("https://shop.example/", &seen, Screen { width: 80, ink: Ink::Plain });
        assert!(!text.contains("tls  "), "{text}");
        assert!(text.contains("HTTP/2.0, TLS 1.3, from"), "{text}");
        assert!(text.contains("certificate expired 21 d ago (2026-04-10 20:30 UTC)"), "{text}");
    }

    #[test]
    fn what_is_neither_a_url_nor_a_service_is_wrong_use() {
        let wrong = |url: &str| of_url(url).err().map(|e| (e.code(), e.to_string()));
        assert!(wrong("http://shop.example/").is_none());
        assert_eq!(wrong("gopher://a").map(|w| w.0), Some(2));
        assert_eq!(wrong("tcp://no-port").map(|w| w.0), Some(2));
        let (code, said) = of_service("shop.example", Path::new("/nowhere"))
            .err()
            .map(|e| (e.code(), e.to_string()))
            .unwrap();
        assert_eq!(code, 2);
        assert!(said.contains("https://shop.example"), "{said}");
    }
}
