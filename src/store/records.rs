//! Rows as they lie on disk: a version byte, then the row of that version in bincode. Old versions
//! are migrated when they are read; nothing else in the house knows how a row is written.
//!
//! To change a row: add a struct of the next version, write that one, turn the old one into it where
//! it is read, record bytes of the old one in the tests. To change keys or what a table means: raise
//! [`FORMAT`] and migrate when the store is opened.

use crate::keys::{ACKNOWLEDGEMENTS, DEPLOYMENTS, HOLDS};
use crate::rollup::{Resolution, Rollup};
use crate::sketch::{Sketch, SketchV1};
use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState, Hold, HoldKind, NOTE_LIMIT, Scope};
use p7_core::incident::{Incident, IncidentId};
use p7_core::result::{Phases, ProbeResult};
use p7_core::vocabulary::{
    Cycle, Level, MeshTime, Micros, NodeId, Outcome, REASON_LIMIT, ServiceId, shortened,
};
use serde::{Deserialize, Serialize};

mod mesh;

pub(crate) use mesh::{
    configuration_row, kept_row, logged_row, peer_row, read_configuration, read_kept, read_logged, read_peer,
    read_term, term_row,
};

/// The format of the whole database: keys and tables.
pub(crate) const FORMAT: u32 = 1;

/// Largest row that is read, in bytes: the sketch of a day with latencies from microseconds to an hour
/// has at most 1,110 bins of at most 8 bytes.
const ROW_LIMIT: usize = 64 * 1024;

/// The version every row is written in today.
const V1: u8 = 1;

impl From<BadRow> for String {
    fn from(bad: BadRow) -> Self {
        bad.to_string()
    }
}

/// Why a row can't be read. The database's checksums hold, so it was written so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRow {
    /// Nothing there.
    #[error("an empty row")]
    Empty,
    /// Of a version this program does not know.
    #[error("a row of version {0}")]
    Version(u8),
    /// Not what its version says.
    #[error("a row that does not decode: {0}")]
    Shape(String),
}

#[derive(Serialize, Deserialize)]
struct ResultV1<'a> {
    /// Milliseconds from the cycle's start to the attempt; wraps, so that every pair of times fits.
    began_after: i64,
    outcome: u8,
    latency: u32,
    phases: [u32; 5],
    attempts: u8,
    #[serde(borrow)]
    reason: Option<&'a str>,
    status_code: Option<u16>,
    certificate_expiry: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct IncidentV1<'a> {
    began: u64,
    opened: u64,
    worst: u8,
    recovered: Option<u64>,
    ended: Option<u64>,
    #[serde(borrow)]
    reason: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct AcknowledgementV1<'a> {
    by: &'a str,
    at: u64,
    reason: &'a str,
}

#[derive(Serialize, Deserialize)]
struct HoldV1<'a> {
    kind: u8,
    scope: u8,
    /// The service or environment; empty when it covers everything.
    scope_name: &'a str,
    starts: u64,
    ends: u64,
    by: &'a str,
    reason: &'a str,
    stated: u64,
}

#[derive(Serialize, Deserialize)]
struct DeploymentV1<'a> {
    name: &'a str,
    by: &'a str,
    state: u8,
    at: u64,
    #[serde(borrow)]
    link: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct RollupV1 {
    counts: [u32; 7],
    latencies: SketchV1,
}

/// What a result's row holds beside its key.
pub(crate) fn result_row(result: &ProbeResult) -> Vec<u8> {
    let p = result.phases;
    encode(&ResultV1 {
        began_after: result.at.0.wrapping_sub(result.cycle.start().0).cast_signed(),
        outcome: code(&Outcome::ALL, &result.outcome),
        latency: result.latency.0,
        phases: [p.resolve.0, p.connect.0, p.tls.0, p.processing.0, p.transfer.0],
        attempts: result.attempts,
        reason: result.reason.as_deref().map(|text| shortened(text, REASON_LIMIT)),
        status_code: result.status_code,
        certificate_expiry: result.certificate_expiry.map(|at| at.0),
    })
}

/// The result of a row and its key.
pub(crate) fn read_result(
    service: ServiceId,
    cycle: Cycle,
    node: NodeId,
    row: &[u8],
) -> Result<ProbeResult, BadRow> {
    let row: ResultV1 = decode(row)?;
    let [resolve, connect, tls, processing, transfer] = row.phases.map(Micros);
    Ok(ProbeResult {
        service,
        cycle,
        node,
        at: MeshTime(cycle.start().0.wrapping_add(row.began_after.cast_unsigned())),
        outcome: coded(&Outcome::ALL, row.outcome, "outcome")?,
        latency: Micros(row.latency),
        phases: Phases { resolve, connect, tls, processing, transfer },
        attempts: row.attempts,
        reason: row.reason.map(Into::into),
        status_code: row.status_code,
        certificate_expiry: row.certificate_expiry.map(MeshTime),
    })
}

/// The parts of a result's row that rollups count.
pub(crate) fn read_figures(row: &[u8]) -> Result<(Outcome, Micros), BadRow> {
    let row: ResultV1 = decode(row)?;
    Ok((coded(&Outcome::ALL, row.outcome, "outcome")?, Micros(row.latency)))
}

pub(crate) fn incident_row(incident: &Incident) -> Vec<u8> {
    encode(&IncidentV1 {
        began: incident.began.0,
        opened: incident.opened.start().0,
        worst: code(&Level::ALL, &incident.worst),
        recovered: incident.recovered.map(|cycle| cycle.start().0),
        ended: incident.ended.map(|at| at.0),
        reason: incident.reason.as_deref().map(|text| shortened(text, REASON_LIMIT)),
    })
}

pub(crate) fn read_incident(id: IncidentId, row: &[u8]) -> Result<Incident, BadRow> {
    let row: IncidentV1 = decode(row)?;
    let cycle = |start| Cycle::starting(MeshTime(start));
    Ok(Incident {
        id,
        began: MeshTime(row.began),
        opened: cycle(row.opened),
        worst: coded(&Level::ALL, row.worst, "level")?,
        recovered: row.recovered.map(cycle),
        ended: row.ended.map(MeshTime),
        reason: row.reason.map(Into::into),
    })
}

/// Whether the incident of a row has ended.
pub(crate) fn has_ended(row: &[u8]) -> Result<bool, BadRow> {
    decode::<IncidentV1<'_>>(row).map(|row| row.recovered.is_some())
}

pub(crate) fn acknowledgement_row(acknowledgement: &Acknowledgement) -> Vec<u8> {
    encode(&AcknowledgementV1 {
        by: shortened(&acknowledgement.by, NOTE_LIMIT),
        at: acknowledgement.at.0,
        reason: shortened(&acknowledgement.reason, NOTE_LIMIT),
    })
}

pub(crate) fn read_acknowledgement(incident: IncidentId, row: &[u8]) -> Result<Acknowledgement, BadRow> {
    let row: AcknowledgementV1 = decode(row)?;
    Ok(Acknowledgement {
        service: incident.service.clone(),
        incident,
        by: row.by.to_owned(),
        at: MeshTime(row.at),
        reason: row.reason.to_owned(),
    })
}

const KINDS: [HoldKind; 2] = [HoldKind::Silence, HoldKind::Maintenance];

pub(crate) fn hold_row(hold: &Hold) -> Vec<u8> {
    let (scope, scope_name) = match &hold.scope {
        Scope::Service(service) => (0, service.as_str()),
        Scope::Environment(environment) => (1, environment.as_str()),
        Scope::All => (2, ""),
    };
    encode(&HoldV1 {
        kind: code(&KINDS, &hold.kind),
        scope,
        scope_name: shortened(scope_name, NOTE_LIMIT),
        starts: hold.starts.0,
        ends: hold.ends.0,
        by: shortened(&hold.by, NOTE_LIMIT),
        reason: shortened(&hold.reason, NOTE_LIMIT),
        stated: hold.stated.0,
    })
}

pub(crate) fn read_hold(id: &str, row: &[u8]) -> Result<Hold, BadRow> {
    let row: HoldV1 = decode(row)?;
    let scope = match row.scope {
        0 => Scope::Service(ServiceId::new(row.scope_name).map_err(|bad| BadRow::Shape(bad.to_string()))?),
        1 => Scope::Environment(row.scope_name.to_owned()),
        2 => Scope::All,
        other => return Err(BadRow::Shape(format!("scope {other}"))),
    };
    Ok(Hold {
        id: id.to_owned(),
        kind: coded(&KINDS, row.kind, "kind")?,
        scope,
        starts: MeshTime(row.starts),
        ends: MeshTime(row.ends),
        by: row.by.to_owned(),
        reason: row.reason.to_owned(),
        stated: MeshTime(row.stated),
    })
}

/// When the silence or maintenance of a row ends.
pub(crate) fn hold_ends(row: &[u8]) -> Result<MeshTime, BadRow> {
    decode::<HoldV1<'_>>(row).map(|row| MeshTime(row.ends))
}

const STATES: [DeploymentState; 3] =
    [DeploymentState::Running, DeploymentState::Succeeded, DeploymentState::Failed];

pub(crate) fn deployment_row(deployment: &Deployment) -> Vec<u8> {
    encode(&DeploymentV1 {
        name: shortened(&deployment.name, NOTE_LIMIT),
        by: shortened(&deployment.by, NOTE_LIMIT),
        state: code(&STATES, &deployment.state),
        at: deployment.at.0,
        // half an address leads nowhere: one that is too long is left out
        link: deployment.link.as_deref().filter(|link| link.len() <= LINK_LIMIT),
    })
}

/// Longest address of a deployment that is kept, in bytes.
const LINK_LIMIT: usize = 2000;

pub(crate) fn read_deployment(service: ServiceId, row: &[u8]) -> Result<Deployment, BadRow> {
    let row: DeploymentV1 = decode(row)?;
    Ok(Deployment {
        service,
        name: row.name.to_owned(),
        by: row.by.to_owned(),
        state: coded(&STATES, row.state, "state")?,
        at: MeshTime(row.at),
        link: row.link.map(ToOwned::to_owned),
    })
}

/// When the statement of a row was made: of several the latest counts.
pub(crate) fn stated_at(table: u8, row: &[u8]) -> Result<u64, BadRow> {
    match table {
        ACKNOWLEDGEMENTS => decode::<AcknowledgementV1<'_>>(row).map(|row| row.at),
        HOLDS => decode::<HoldV1<'_>>(row).map(|row| row.stated),
        DEPLOYMENTS => decode::<DeploymentV1<'_>>(row).map(|row| row.at),
        other => Err(BadRow::Shape(format!("table {other} holds no statements"))),
    }
}

pub(crate) fn rollup_row(rollup: &Rollup) -> Vec<u8> {
    encode(&RollupV1 { counts: rollup.counts, latencies: rollup.latencies().row() })
}

pub(crate) fn read_rollup(start: u64, resolution: Resolution, row: &[u8]) -> Result<Rollup, BadRow> {
    let row: RollupV1 = decode(row)?;
    let latencies =
        Sketch::read(row.latencies).ok_or_else(|| BadRow::Shape("bins out of order".to_owned()))?;
    Ok(Rollup::from_parts(MeshTime(start), resolution, row.counts, latencies))
}

/// The latencies of a rollup, for another node.
pub(crate) fn sketch_row(sketch: &Sketch) -> Vec<u8> {
    encode(&sketch.row())
}

/// Latencies from another node.
pub(crate) fn read_sketch(row: &[u8]) -> Result<Sketch, BadRow> {
    Sketch::read(decode(row)?).ok_or_else(|| BadRow::Shape("bins out of order".to_owned()))
}

fn bounded() -> Configuration<LittleEndian, Varint, Limit<ROW_LIMIT>> {
    config::standard().with_limit()
}

fn encode(row: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.push(V1);
    // can't fail: the rows above hold nothing that bincode refuses, and a vector takes everything;
    // should it, the row is empty and says so when it is read
    if bincode::serde::encode_into_std_write(row, &mut bytes, bounded()).is_err() {
        bytes.clear();
    }
    bytes
}

/// Reads a row of today's version. A row of an older one is turned into it here, once there is one.
fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, BadRow> {
    let (version, body) = bytes.split_first().ok_or(BadRow::Empty)?;
    if *version != V1 {
        return Err(BadRow::Version(*version));
    }
    let (row, read) = bincode::serde::borrow_decode_from_slice(body, bounded())
        .map_err(|e| BadRow::Shape(e.to_string()))?;
    if read != body.len() {
        return Err(BadRow::Shape(format!("{} bytes too many", body.len() - read)));
    }
    Ok(row)
}

/// The code of a value: its place in the list of all, which is only ever added to.
fn code<T: PartialEq>(all: &[T], value: &T) -> u8 {
    let place = all.iter().position(|one| one == value);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn coded<T: Copy>(all: &[T], code: u8, what: &str) -> Result<T, BadRow> {
    let value = all.get(usize::from(code)).copied();
    value.ok_or_else(|| BadRow::Shape(format!("{what} {code}")))
}

#[cfg(test)]
mod tests;
