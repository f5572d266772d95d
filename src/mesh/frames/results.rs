//! The results of a batch in as few bytes as are simple: each says what differs from the one before,
//! and what follows from the others is not said. The node is the batch's author.

use super::bytes::{Reader, put, put_from};
use super::{FrameError, SealError, bytes};
use p7_core::result::{Phases, ProbeResult};
use p7_core::vocabulary::{Cycle, MeshTime, Micros, NodeId, Outcome, REASON_LIMIT, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the first byte of a result says beside the outcome's code, which is in its lowest three bits.
const OUTCOME: u8 = 0b0000_0111;
const SEVERAL_ATTEMPTS: u8 = 1 << 3;
const REASON: u8 = 1 << 4;
const STATUS_CODE: u8 = 1 << 5;
const CERTIFICATE: u8 = 1 << 6;
/// The certificate's expiry is a whole second and counted in them.
const SECONDS: u8 = 1 << 7;
/// What the second says beside which of the five phases there are, which is in its lowest five bits.
const PHASES: u8 = 0b0001_1111;
/// The certificate expires when the one before does.
const SAME_CERTIFICATE: u8 = 1 << 5;
/// The code of most answers.
const USUAL_STATUS: u64 = 200;

/// What the result before said.
struct Before {
    cycle: u64,
    certificate: Option<u64>,
}

impl Before {
    fn the_first(at: MeshTime) -> Self {
        Self { cycle: at.0, certificate: None }
    }
}

/// The services of a batch in the order they first appear.
#[derive(Default)]
pub(super) struct Services<'a> {
    places: BTreeMap<&'a str, u64>,
    text: String,
}

impl<'a> Services<'a> {
    fn place(&mut self, service: &'a ServiceId) -> u64 {
        let next = u64::try_from(self.places.len()).unwrap_or(u64::MAX);
        *self.places.entry(service.as_str()).or_insert_with(|| {
            if next > 0 {
                self.text.push('\n');
            }
            self.text.push_str(service.as_str());
            next
        })
    }

    /// Their ids, one a line.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The results of a batch that was stated at `at`, and the services they are about.
pub(super) fn write<'a>(
    results: impl Iterator<Item = &'a ProbeResult>,
    at: MeshTime,
) -> Result<(Services<'a>, Vec<u8>), SealError> {
    let mut services = Services::default();
    let mut bytes = Vec::new();
    let mut before = Before::the_first(at);
    for result in results {
        let place = services.place(&result.service);
        write_one(&mut bytes, place, result, &mut before)?;
    }
    Ok((services, bytes))
}

fn write_one(
    bytes: &mut Vec<u8>,
    place: u64,
    result: &ProbeResult,
    before: &mut Before,
) -> Result<(), SealError> {
    let certificate = result.certificate_expiry.map(|at| at.0);
    let same = certificate.is_some() && certificate == before.certificate;
    let in_seconds = certificate.is_some_and(|at| at % 1000 == 0);
    let phases = result.phases.named().map(|(_name, span)| u64::from(span.0));
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let present = (0..).zip(phases).map(|(place, span)| flag(span > 0, 1 << place));
    put(bytes, place);
    bytes.push(
        bytes::code(&Outcome::ALL, &result.outcome) & OUTCOME
            | flag(result.attempts != 1, SEVERAL_ATTEMPTS)
            | flag(result.reason.is_some(), REASON)
            | flag(result.status_code.is_some(), STATUS_CODE)
            | flag(certificate.is_some(), CERTIFICATE)
            | flag(in_seconds, SECONDS),
    );
    bytes.push(present.fold(flag(same, SAME_CERTIFICATE), |all, one| all | one));
    put_from(bytes, before.cycle, result.cycle.start().0);
    put_from(bytes, result.cycle.start().0, result.at.0);
    for span in phases.into_iter().filter(|span| *span > 0) {
        put(bytes, span);
    }
    put_from(bytes, phases.iter().sum(), u64::from(result.latency.0));
    if result.attempts != 1 {
        bytes.push(result.attempts);
    }
    if let Some(code) = result.status_code {
        put_from(bytes, USUAL_STATUS, u64::from(code));
    }
    match certificate {
        Some(expiry) if !same && in_seconds => put_from(bytes, result.at.0 / 1000, expiry / 1000),
        Some(expiry) if !same => put_from(bytes, result.at.0, expiry),
        Some(_) | None => {}
    }
    if let Some(reason) = &result.reason {
        bytes::text(reason, REASON_LIMIT, "a reason").map_err(SealError::Unlawful)?;
        put(bytes, u64::try_from(reason.len()).unwrap_or(0));
        bytes.extend_from_slice(reason.as_bytes());
    }
    *before = Before { cycle: result.cycle.start().0, certificate: certificate.or(before.certificate) };
    Ok(())
}

/// The results that were written, and how many have an outcome this program does not know.
pub(super) fn read(
    bytes: &[u8],
    services: &str,
    at: MeshTime,
    node: &NodeId,
) -> Result<(Vec<Arc<ProbeResult>>, u32), FrameError> {
    let services: Vec<ServiceId> =
        services.lines().map(ServiceId::new).collect::<Result<_, _>>().map_err(bad_id)?;
    let mut reader = Reader(bytes);
    let mut before = Before::the_first(at);
    let (mut results, mut skipped) = (Vec::new(), 0);
    while !reader.is_empty() {
        let place: usize = reader.small()?;
        let service = services.get(place).ok_or(FrameError::Shape("a service's place"))?;
        match read_one(&mut reader, service, node, &mut before)? {
            Some(result) => results.push(Arc::new(result)),
            None => skipped += 1,
        }
    }
    Ok((results, skipped))
}

fn bad_id(_bad: p7_core::vocabulary::BadId) -> FrameError {
    FrameError::Shape("a service's id")
}

fn read_one(
    reader: &mut Reader<'_>,
    service: &ServiceId,
    node: &NodeId,
    before: &mut Before,
) -> Result<Option<ProbeResult>, FrameError> {
    let (first, second) = (reader.byte()?, reader.byte()?);
    if second & !(PHASES | SAME_CERTIFICATE) != 0 {
        return Err(FrameError::Shape("a result's flags"));
    }
    let cycle = reader.number_from(before.cycle)?;
    let at = reader.number_from(cycle)?;
    let mut phases = [0u32; 5];
    for (place, span) in phases.iter_mut().enumerate() {
        if second & 1 << place != 0 {
            *span = reader.small()?;
        }
    }
    let latency = reader.number_from(phases.iter().map(|span| u64::from(*span)).sum())?;
    let attempts = if first & SEVERAL_ATTEMPTS != 0 { reader.byte()? } else { 1 };
    let status = if first & STATUS_CODE != 0 { Some(reader.number_from(USUAL_STATUS)?) } else { None };
    let certificate = match (first & CERTIFICATE != 0, second & SAME_CERTIFICATE != 0) {
        (false, _) => None,
        (true, true) => before.certificate,
        (true, false) if first & SECONDS != 0 => Some(reader.number_from(at / 1000)?.wrapping_mul(1000)),
        (true, false) => Some(reader.number_from(at)?),
    };
    let reason = if first & REASON != 0 { Some(read_reason(reader)?) } else { None };
    *before = Before { cycle, certificate: certificate.or(before.certificate) };
    let Some(outcome) = bytes::coded(&Outcome::ALL, first & OUTCOME) else { return Ok(None) };
    let [resolve, connect, tls, processing, transfer] = phases.map(Micros);
    Ok(Some(ProbeResult {
        service: service.clone(),
        cycle: Cycle::starting(MeshTime(cycle)),
        node: node.clone(),
        at: MeshTime(at),
        outcome,
        latency: Micros(u32::try_from(latency).map_err(|_great| FrameError::Shape("a latency"))?),
        phases: Phases { resolve, connect, tls, processing, transfer },
        attempts,
        reason,
        status_code: status.map(u16::try_from).transpose().map_err(|_great| FrameError::Shape("a status"))?,
        certificate_expiry: certificate.map(MeshTime),
    }))
}

/// A reason. Services can write into it, and a peer could send anything: it is made harmless as its
/// author would have.
fn read_reason(reader: &mut Reader<'_>) -> Result<Arc<str>, FrameError> {
    let length: usize = reader.small()?;
    let text = std::str::from_utf8(reader.bytes(length)?).map_err(|_bad| FrameError::Shape("a reason"))?;
    let text = bytes::text(text, REASON_LIMIT, "a reason")?;
    Ok(if text.chars().any(char::is_control) { ProbeResult::reason_of(text) } else { text.into() })
}
