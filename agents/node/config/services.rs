//! `[services.ID]`: each table becomes a service of the core and its probe's settings.

use super::load::Watched;
use super::maintenance::WINDOWS_LIMIT;
use super::mesh::Defaults;
use super::table::ServiceTable;
use p7_core::service::Service;
use p7_core::vocabulary::{Interval, Millis, ServiceId};
use p7_prober::ProbeConfig;
use p7_prober::kinds::NAMES;
use p7_settings::{Document, FAULT_LIMIT, Faults, Period, Reader, keys_of};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most services of a mesh.
const SERVICES_LIMIT: usize = 10_000;
/// Shortest interval: below it the schedule's own cost shows.
const INTERVAL_MIN: Millis = Millis(100);
/// Longest interval: rarer tests tell nothing.
const INTERVAL_MAX: Millis = Millis::seconds(7 * 24 * 60 * 60);
/// Most retries: a cycle has room for few.
const RETRIES_LIMIT: u8 = 10;
/// The defaults of `[defaults]`.
const INTERVAL: Period = Period::seconds(60);
const TIMEOUT: Period = Period::seconds(10);
const RETRY_DELAY: Period = Period::seconds(1);

/// A service as read: with what the others are held against.
pub(super) struct Entry {
    pub(super) watched: Watched,
    pub(super) enabled: bool,
    /// Whether nothing is wrong with its probe's table as it is written.
    pub(super) probe_is_sound: bool,
    /// The ids it says it depends on, as written.
    pub(super) depends_on: Vec<String>,
}

/// Reads all services, in the order of their ids. What is wrong is noted in the document.
pub(super) fn read(document: &mut Document, defaults: &Defaults) -> Vec<Entry> {
    let ids = document.keys(&["services"]);
    if ids.len() > SERVICES_LIMIT {
        let message = format!("{} services are more than the {SERVICES_LIMIT} a mesh may watch", ids.len());
        document.note(&["services"], &message);
        return Vec::new();
    }
    let known = keys_of::<ServiceTable>();
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        if document.fault_count() >= FAULT_LIMIT {
            break;
        }
        entries.extend(read_one(document, defaults, &id, &known));
    }
    entries
}

fn read_one(
    document: &mut Document,
    defaults: &Defaults,
    name: &str,
    known: &[&'static str],
) -> Option<Entry> {
    let path = ["services", name];
    let id = ServiceId::new(name).map_err(|wrong| document.note(&path, &wrong.to_string())).ok();
    let table: ServiceTable = document.decode(&path, NAMES)?;
    document.check(&path, &table);
    let before = document.fault_count();
    let probe = read_probe(document, name, known);
    let probe_is_sound = document.fault_count() == before;
    let timing = timing(document, name, &table, defaults);
    let mut list = Vec::new();
    let mut faults = Faults::new(&mut list);
    table.rules.check(&mut faults.under("rules"), defaults.rules);
    let mut windows = Vec::new();
    {
        let mut below = faults.under("maintenance");
        if table.maintenance.len() > WINDOWS_LIMIT {
            below.here(format!("more than {WINDOWS_LIMIT} windows"));
        }
        for (index, window) in table.maintenance.iter().enumerate().take(WINDOWS_LIMIT) {
            let index = index.to_string();
            // half of a window would only be told to lack the other half
            let keys = ["cron", "duration", "starts", "ends", "timezone"];
            let damaged =
                keys.iter().any(|key| document.is_damaged(&["services", name, "maintenance", &index, key]));
            if damaged {
                window.check_cron(&mut below.under(index));
            } else {
                windows.extend(window.window(&mut below.under(index)));
            }
        }
    }
    document.note_below(&path, &list);
    let (id, probe) = (id?, probe?);
    let service = Service {
        name: table.name.unwrap_or_else(|| name.to_owned()),
        environment: table.environment,
        kind: probe.kind().to_owned(),
        target: probe.target(),
        interval: timing.interval,
        timeout: timing.timeout,
        retries: timing.retries,
        retry_delay: timing.retry_delay,
        rules: table.rules.or(defaults.rules),
        vantage_points: table.vantage_points.or(defaults.vantage_points),
        vantage_labels: table.vantage_labels,
        description: table.description,
        runbook: table.runbook,
        link: table.link,
        labels: table.labels,
        depends_on: Vec::new(),
        maintenance: windows,
        id,
    };
    Some(Entry {
        watched: Watched {
            service: Arc::new(service),
            probe: Arc::new(probe),
            origin: table.deployment.map(Arc::new),
        },
        enabled: table.enabled,
        probe_is_sound,
        depends_on: table.depends_on,
    })
}

/// Reads the one table of the service that is named after a kind of probe.
fn read_probe(document: &mut Document, name: &str, known: &[&'static str]) -> Option<ProbeConfig> {
    let keys = document.keys(&["services", name]);
    let kinds: Vec<&str> = keys.iter().map(String::as_str).filter(|key| NAMES.contains(key)).collect();
    match kinds.as_slice() {
        [] => {
            // a misspelt kind was noted as an unknown key already
            if keys.iter().all(|key| known.contains(&key.as_str())) {
                let wanted: Vec<String> =
                    NAMES.iter().map(|kind| format!("[services.{name}.{kind}]")).collect();
                let message = format!("nothing says how to test this service; add {}", wanted.join(" or "));
                document.note(&["services", name], &message);
            }
            None
        }
        [kind] => {
            let path = ["services", name, kind];
            let misplaced: Vec<&'static str> =
                known.iter().copied().filter(|key| document.has(&["services", name, kind, key])).collect();
            for key in &misplaced {
                let message = format!("`{key}` belongs to [services.{name}]");
                document.note_key(&["services", name, kind, key], &message);
            }
            let read = |reader: Reader<'_>| ProbeConfig::deserialize(kind, reader);
            let probe = document.decode_by(&path, &misplaced, read)?;
            document.check(&path, &probe);
            Some(probe)
        }
        [first, second, ..] => {
            let message =
                format!("a service is tested in one way, and `{first}` is there, too; keep one of them");
            document.note(&["services", name, second], &message);
            None
        }
    }
}

struct Timing {
    interval: Interval,
    timeout: Millis,
    retries: u8,
    retry_delay: Millis,
}

/// How often and how long a service is tested; notes what does not fit together.
fn timing(document: &mut Document, name: &str, table: &ServiceTable, defaults: &Defaults) -> Timing {
    let interval = table.interval.or(defaults.interval).unwrap_or(INTERVAL).as_millis();
    let retries = table.retries.or(defaults.retries).unwrap_or(0);
    let retry_delay = table.retry_delay.or(defaults.retry_delay).unwrap_or(RETRY_DELAY).as_millis();
    let asked = table.timeout.or(defaults.timeout);
    let attempts = u64::from(retries) + 1;
    let waiting = retry_delay.0.saturating_mul(u64::from(retries));
    // an unsaid time-out is shortened to what the interval leaves, a tenth of it kept free
    let room = (interval.0 - interval.0 / 10).saturating_sub(waiting) / attempts;
    let timeout = asked.map_or(Millis(room.min(TIMEOUT.as_millis().0)), Period::as_millis);
    // what is wrong by itself is told whatever else is; a value that was read past has its default here
    let mut alone = Vec::new();
    if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
        alone.push(("interval", String::from("must be \"100ms\" to \"7d\"")));
    }
    if retries > RETRIES_LIMIT {
        alone.push(("retries", format!("must be at most {RETRIES_LIMIT}")));
    }
    if asked.is_some() && timeout.0 == 0 {
        alone.push(("timeout", String::from("must be more than nothing")));
    }
    for (key, message) in &alone {
        document.note(&place_of(document, name, key), message);
    }
    let keys = ["interval", "timeout", "retries", "retry_delay"];
    let unsure = keys
        .iter()
        .any(|key| document.is_damaged(&["services", name, key]) || document.is_damaged(&["defaults", key]));
    if !unsure && alone.is_empty() {
        let total = timeout.0.saturating_mul(attempts).saturating_add(waiting);
        let faulty = if timeout.0 >= interval.0 {
            let (timeout, interval) = (written(timeout), written(interval));
            Some(("timeout", format!("{timeout} must be less than the interval, {interval}")))
        } else if timeout.0 == 0 || total >= interval.0 {
            let (total, interval) = (written(Millis(total)), written(interval));
            let message = format!(
                "{attempts} attempts and the delays between them may take {total}, longer than the interval, {interval}; \
                 lower `retries`, `timeout` or `retry_delay`"
            );
            Some(("retries", message))
        } else {
            None
        };
        if let Some((key, message)) = faulty {
            document.note(&place_of(document, name, key), &message);
        }
    }
    Timing { interval: Interval::new(interval), timeout, retries, retry_delay }
}

/// Where a key is said: in the service, in `[defaults]`, or else the service as a whole.
fn place_of<'a>(document: &Document, name: &'a str, key: &'a str) -> Vec<&'a str> {
    let own = vec!["services", name, key];
    let default = vec!["defaults", key];
    if !document.has(&own) && document.has(&default) { default } else { own }
}

fn written(span: Millis) -> String {
    Period(std::time::Duration::from_millis(span.0)).to_string()
}

/// Services of the same name and environment, which pages can't tell apart: the later of each pair.
pub(super) fn namesakes(entries: &[Entry]) -> Vec<(ServiceId, ServiceId)> {
    let mut seen: BTreeMap<(&str, &str), &ServiceId> = BTreeMap::new();
    let mut pairs = Vec::new();
    for entry in entries.iter().filter(|entry| entry.enabled) {
        let service = &entry.watched.service;
        match seen.entry((&service.name, &service.environment)) {
            std::collections::btree_map::Entry::Occupied(first) => {
                pairs.push((service.id.clone(), (*first.get()).clone()));
            }
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(&service.id);
            }
        }
    }
    pairs
}
