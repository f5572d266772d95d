//! What the command line reads of a node's answers; what it does not show is not read.

use super::client::Client;
use super::fault::Failure;
use chrono::{DateTime, Utc};
use p7_core::vocabulary::{Level, MeshTime};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Items asked for at once.
const PAGE: usize = 200;
/// Most items that are fetched in all: more than a node watches.
const ITEMS_LIMIT: usize = 20_000;

/// A time of the API.
pub(crate) type Moment = DateTime<Utc>;

/// A service with its status.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) environment: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) target: String,
    #[serde(default)]
    pub(crate) interval_ms: u64,
    #[serde(default)]
    pub(crate) timeout_ms: u64,
    pub(crate) description: Option<String>,
    pub(crate) runbook: Option<String>,
    pub(crate) level: Level,
    pub(crate) since: Option<Moment>,
    #[serde(default)]
    pub(crate) freshness: String,
    pub(crate) failtage_percent: Option<f64>,
    pub(crate) reason: Option<String>,
    pub(crate) last_probe_at: Option<Moment>,
    pub(crate) latency_ms: Option<f64>,
    #[serde(default)]
    pub(crate) flapping: bool,
    pub(crate) acknowledged: Option<Acknowledgement>,
    pub(crate) maintenance: Option<Maintenance>,
    pub(crate) silence: Option<Silence>,
    pub(crate) deployment: Option<Deployment>,
    /// From where it fails, in names.
    #[serde(default)]
    pub(crate) fails_from: Vec<String>,
    #[serde(default)]
    pub(crate) vantage_failed: usize,
    #[serde(default)]
    pub(crate) vantage_voting: usize,
}

/// A service with its recent past.
#[derive(Debug, Deserialize)]
pub(crate) struct Detail {
    #[serde(flatten)]
    pub(crate) service: Service,
    #[serde(default)]
    pub(crate) cycles: Vec<Cycle>,
    #[serde(default)]
    pub(crate) vantage_points: Vec<VantagePoint>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Cycle {
    pub(crate) verdict: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VantagePoint {
    pub(crate) node: String,
    /// Its name for people.
    pub(crate) name: Option<String>,
    pub(crate) site: Option<String>,
    pub(crate) failtage_percent: Option<f64>,
    pub(crate) outcome: String,
    pub(crate) at: Moment,
    pub(crate) latency_ms: f64,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Acknowledgement {
    #[serde(default)]
    pub(crate) incident: String,
    pub(crate) by: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Maintenance {
    pub(crate) until: Option<Moment>,
    #[serde(default)]
    pub(crate) reason: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Silence {
    pub(crate) until: Moment,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) by: String,
}

/// An incident.
#[derive(Debug, Deserialize)]
pub(crate) struct Incident {
    pub(crate) service: String,
    pub(crate) open: bool,
    pub(crate) started_at: Moment,
    pub(crate) duration_ms: u64,
    pub(crate) worst_level: Level,
    pub(crate) reason: Option<String>,
    pub(crate) acknowledged: Option<Acknowledgement>,
}

/// A silence or a maintenance.
#[derive(Debug, Deserialize)]
pub(crate) struct Hold {
    pub(crate) id: String,
    pub(crate) scope: Value,
    pub(crate) starts_at: Moment,
    pub(crate) ends_at: Moment,
    pub(crate) by: String,
    #[serde(default)]
    pub(crate) reason: String,
}

/// The nodes of a mesh.
#[derive(Debug, Deserialize)]
pub(crate) struct Mesh {
    pub(crate) this: String,
    /// The asked node, with what only it knows of itself.
    pub(crate) nodes: Vec<Node>,
    /// Every node; empty where the asked one runs alone.
    #[serde(default)]
    pub(crate) members: Vec<Member>,
    #[serde(default)]
    pub(crate) holdings: Vec<Holding>,
    pub(crate) configuration: Option<Stamp>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
}

/// One node of a mesh.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) liveness: String,
    pub(crate) since: Moment,
    pub(crate) connected: Option<bool>,
    pub(crate) version: Option<String>,
    pub(crate) started_at: Option<Moment>,
    #[serde(default)]
    pub(crate) holds: Vec<String>,
    #[serde(default)]
    pub(crate) cut_off: bool,
    pub(crate) configuration: Option<Stamp>,
    pub(crate) clock_offset_ms: Option<i64>,
    pub(crate) round_trip_ms: Option<u64>,
    #[serde(default)]
    pub(crate) links: u16,
    #[serde(default)]
    pub(crate) services: u32,
    #[serde(default)]
    pub(crate) devices: Vec<Value>,
}

impl Member {
    /// Whether it is there, or may be.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.liveness.as_str(), "alive" | "suspect")
    }
}

/// Who holds a role.
#[derive(Debug, Deserialize)]
pub(crate) struct Holding {
    pub(crate) role: String,
    pub(crate) term: Option<u64>,
}

/// A version of the shared configuration.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) hash: String,
}

/// What each vantage point sees of one service.
#[derive(Debug, Deserialize)]
pub(crate) struct MatrixRow {
    pub(crate) service: String,
    pub(crate) level: Level,
    pub(crate) cells: Vec<MatrixCell>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MatrixCell {
    pub(crate) node: String,
    pub(crate) outcome: String,
    pub(crate) latency_ms: Option<f64>,
}

/// The shared configuration itself.
#[derive(Debug, Deserialize)]
pub(crate) struct SharedConfiguration {
    pub(crate) version: u64,
    pub(crate) hash: String,
    pub(crate) by: String,
    pub(crate) at: Moment,
    pub(crate) text: String,
}

/// A new shared configuration that was taken.
#[derive(Debug, Deserialize)]
pub(crate) struct Applied {
    pub(crate) version: u64,
    pub(crate) hash: String,
    #[serde(default)]
    pub(crate) changes: Vec<String>,
    #[serde(default)]
    pub(crate) taken_by: Vec<String>,
    #[serde(default)]
    pub(crate) later: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
    pub(crate) started_at: Option<Moment>,
    pub(crate) network: Option<Network>,
    pub(crate) store: Option<Store>,
    #[serde(default)]
    pub(crate) services: u64,
    #[serde(default)]
    pub(crate) incidents_open: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Network {
    pub(crate) cut_off: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Store {
    pub(crate) trouble: Option<String>,
}

/// The configuration a node runs with.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Configuration {
    /// The faults of a newer one that it refused.
    #[serde(default)]
    pub(crate) refused: Vec<Value>,
}

impl Configuration {
    /// What to say of a refused one; none when there is none.
    pub(crate) fn trouble(&self) -> Option<String> {
        let first = self.refused.first()?;
        // a fault is its text, or an object that has one
        let text = first.as_str().or_else(|| first.get("message").and_then(Value::as_str)).unwrap_or("");
        let more = match self.refused.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        Some(format!("configuration refused: {text}{more}"))
    }
}

/// What is known of the node's configuration. It only adds to an answer, so not getting it is no failure.
pub(crate) async fn configuration(client: &Client) -> Configuration {
    client.get(&["config"], &[]).await.unwrap_or_default()
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// All items of a list, page by page, at most `limit`.
pub(crate) async fn items(
    client: &Client,
    path: &[&str],
    query: &[(&str, String)],
    limit: usize,
) -> Result<Vec<Value>, Failure> {
    let limit = limit.min(ITEMS_LIMIT);
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.push(("limit", PAGE.min(limit).to_string()));
        query.extend(cursor.take().map(|c| ("cursor", c)));
        let page: Page = client.get(path, &query).await?;
        all.extend(page.items);
        all.truncate(limit);
        cursor = page.next_cursor;
        if cursor.is_none() || all.len() >= limit {
            return Ok(all);
        }
    }
}

/// Every item of a list.
pub(crate) async fn every(client: &Client, path: &[&str]) -> Result<Vec<Value>, Failure> {
    items(client, path, &[], ITEMS_LIMIT).await
}

/// An answer's part in our own words.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|e| {
        Failure::Unreachable(format!("the node answers, but not as one of this version does ({e})"))
    })
}

/// Milliseconds since the epoch.
pub(crate) fn mesh_time(moment: Moment) -> MeshTime {
    MeshTime(u64::try_from(moment.timestamp_millis()).unwrap_or(0))
}
