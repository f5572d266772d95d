//! Rows read back as written, whatever version wrote them, and nothing else is read.

use super::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn shop() -> ServiceId {
    ServiceId::new("shop").unwrap()
}

fn node() -> NodeId {
    NodeId::new("a").unwrap()
}

fn cycle(start: u64) -> Cycle {
    Cycle::starting(MeshTime(start))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn result() -> ProbeResult {
    ProbeResult {
        service: shop(),
        cycle: cycle(1_767_225_600_000),
        node: node(),
        at: MeshTime(1_767_225_601_234),
        outcome: Outcome::Mismatch,
        latency: Micros(81_234),
        phases: Phases {
            resolve: Micros(1),
            connect: Micros(300),
            tls: Micros(70_000),
            processing: Micros(10_000),
            transfer: Micros(933),
        },
        attempts: 2,
        reason: Some("the text \"Welcome\" is missing".into()),
        status_code: Some(200),
        certificate_expiry: Some(MeshTime(1_775_000_000_000)),
    }
}

fn incident() -> Incident {
    Incident {
        id: IncidentId { service: shop(), first: cycle(1_767_225_600_000) },
        began: MeshTime(1_767_225_600_777),
        opened: cycle(1_767_225_610_000),
        worst: Level::Down,
        recovered: Some(cycle(1_767_225_700_000)),
        ended: Some(MeshTime(1_767_225_700_042)),
        reason: Some("connection refused".into()),
    }
}

fn acknowledgement() -> Acknowledgement {
    let at = MeshTime(1_767_225_660_000);
    Acknowledgement { incident: incident().id, service: shop(), by: "ada".into(), at, reason: "on it".into() }
}

fn hold(scope: Scope) -> Hold {
    Hold {
        id: "ada-1".into(),
        kind: HoldKind::Maintenance,
        scope,
        starts: MeshTime(1_767_225_600_000),
        ends: MeshTime(1_767_229_200_000),
        by: "ada".into(),
        reason: "new disks".into(),
        stated: MeshTime(1_767_225_500_000),
    }
}

fn deployment() -> Deployment {
    Deployment {
        service: shop(),
        name: "v1.2".into(),
        by: "ci".into(),
        state: DeploymentState::Succeeded,
        at: MeshTime(1_767_225_600_000),
        link: Some("https://ci.example/7".into()),
    }
}

fn rollup() -> Rollup {
    let mut rollup = Rollup::new(MeshTime(1_767_225_600_000), Resolution::Hour);
    for latency in [0, 900, 20_000, 21_000, 4_000_000_000] {
        rollup.add_parts(Outcome::Up, Micros(latency));
    }
    rollup.add_parts(Outcome::Failed, Micros(10_000_000));
    rollup
}

/// Bytes that version 1 wrote. They are on people's disks: never change them, only add to them.
#[test]
fn rows_that_version_1_wrote_are_read_for_ever() {
    let row = bytes(RESULT_V1);
    assert_eq!(read_result(shop(), result().cycle, node(), &row), Ok(result()));
    assert_eq!(read_incident(incident().id, &bytes(INCIDENT_V1)), Ok(incident()));
    assert_eq!(read_acknowledgement(incident().id, &bytes(ACKNOWLEDGEMENT_V1)), Ok(acknowledgement()));
    assert_eq!(read_hold("ada-1", &bytes(HOLD_V1)), Ok(hold(Scope::Environment("production".into()))));
    assert_eq!(read_deployment(shop(), &bytes(DEPLOYMENT_V1)), Ok(deployment()));
    assert_eq!(read_rollup(1_767_225_600_000, Resolution::Hour, &bytes(ROLLUP_V1)), Ok(rollup()));
}

/// Fails when a row is written in another way without a new version.
#[test]
fn rows_are_written_as_version_1_writes_them() {
    assert_eq!(hex(&result_row(&result())), RESULT_V1);
    assert_eq!(hex(&incident_row(&incident())), INCIDENT_V1);
    assert_eq!(hex(&acknowledgement_row(&acknowledgement())), ACKNOWLEDGEMENT_V1);
    assert_eq!(hex(&hold_row(&hold(Scope::Environment("production".into())))), HOLD_V1);
    assert_eq!(hex(&deployment_row(&deployment())), DEPLOYMENT_V1);
    assert_eq!(hex(&rollup_row(&rollup())), ROLLUP_V1);
}

const RESULT_V1: &str = "\
    01fba40905fc523d010001fb2c01fc70110100fb1027fba50302011d7468652074657874202257656c636f6d65222069\
    73206d697373696e6701c801fd00963e469d010000";
const INCIDENT_V1: &str = "\
    01fd09abda769b010000fd10cfda769b0100000501fda02edc769b01000001fdca2edc769b0100000112636f6e6e6563\
    74696f6e2072656675736564";
const ACKNOWLEDGEMENT_V1: &str = "0103616461fd6092db769b010000056f6e206974";
const HOLD_V1: &str = "\
    0101010a70726f64756374696f6efd00a8da769b010000fd809611779b01000003616461096e6577206469736b73fd60\
    21d9769b010000";
const DEPLOYMENT_V1: &str = "\
    010476312e3202636901fd00a8da769b010000011468747470733a2f2f63692e6578616d706c652f37";
const ROLLUP_V1: &str = "0100000100050000fcaccb6bee0100fc00286bee050001fb5401019b010201fb600201";

#[test]
fn every_scope_kind_and_state_reads_back() {
    for scope in [Scope::Service(shop()), Scope::Environment(String::new()), Scope::All] {
        for kind in KINDS {
            let hold = Hold { kind, ..hold(scope.clone()) };
            assert_eq!(read_hold("ada-1", &hold_row(&hold)), Ok(hold));
        }
    }
    for state in STATES {
        let deployment = Deployment { state, link: None, ..deployment() };
        assert_eq!(read_deployment(shop(), &deployment_row(&deployment)), Ok(deployment));
    }
    for worst in Level::ALL {
        let incident = Incident { worst, recovered: None, ended: None, reason: None, ..incident() };
        assert_eq!(read_incident(incident.id.clone(), &incident_row(&incident)), Ok(incident));
    }
}

#[test]
fn texts_that_are_too_long_are_cut_and_never_keep_a_fact_from_being_stored() {
    let long = "é".repeat(5000);
    let stated = Acknowledgement { by: long.clone(), reason: long.clone(), ..acknowledgement() };
    let read = read_acknowledgement(incident().id, &acknowledgement_row(&stated)).unwrap();
    assert_eq!((read.by.len(), read.reason.len()), (NOTE_LIMIT, NOTE_LIMIT));
    let long_reason = ProbeResult { reason: Some(long.as_str().into()), ..result() };
    let read = read_result(shop(), result().cycle, node(), &result_row(&long_reason)).unwrap();
    assert_eq!(read.reason.unwrap().len(), REASON_LIMIT);
    let linked = Deployment { link: Some(long), ..deployment() };
    assert_eq!(read_deployment(shop(), &deployment_row(&linked)).unwrap().link, None);
}

#[test]
fn a_row_of_a_newer_version_cut_short_or_with_more_than_it_should_have_is_refused() {
    let row = result_row(&result());
    let read = |row: &[u8]| read_result(shop(), result().cycle, node(), row);
    assert_eq!(read(&[]), Err(BadRow::Empty));
    assert_eq!(read(&[2, 0, 0]), Err(BadRow::Version(2)));
    for cut in 1..row.len() {
        assert!(read(&row[..cut]).is_err(), "cut at {cut}");
    }
    let mut longer = row.clone();
    longer.push(0);
    assert_eq!(read(&longer), Err(BadRow::Shape("1 bytes too many".into())));
}

#[test]
fn a_row_that_claims_to_be_huge_is_refused_without_taking_the_memory() {
    // version, then a text of 2^62 bytes
    let row = [1, 253, 0, 0, 0, 0, 0, 0, 0, 0x40];
    assert!(matches!(read_acknowledgement(incident().id, &row), Err(BadRow::Shape(_))));
    // counts, sum, no range, then 2^62 bins
    let row = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 253, 0, 0, 0, 0, 0, 0, 0, 0x40];
    assert!(matches!(read_rollup(0, Resolution::Day, &row), Err(BadRow::Shape(_))));
}

prop_compose! {
    fn any_result()(
        times in any::<(u64, u64)>(),
        outcome in 0..Outcome::ALL.len(),
        spans in any::<[u32; 6]>(),
        attempts: u8,
        reason in option::of("\\PC{0,70}"),
        status_code: Option<u16>,
        expiry: Option<u64>,
    ) -> ProbeResult {
        let [latency, resolve, connect, tls, processing, transfer] = spans.map(Micros);
        ProbeResult {
            cycle: cycle(times.0),
            at: MeshTime(times.1),
            outcome: Outcome::ALL[outcome],
            latency,
            phases: Phases { resolve, connect, tls, processing, transfer },
            attempts,
            reason: reason.map(Into::into),
            status_code,
            certificate_expiry: expiry.map(MeshTime),
            ..result()
        }
    }
}

proptest! {
    #[test]
    fn any_result_reads_back_as_written(result in any_result()) {
        let row = result_row(&result);
        prop_assert_eq!(read_figures(&row), Ok((result.outcome, result.latency)));
        prop_assert_eq!(read_result(shop(), result.cycle, node(), &row), Ok(result));
    }

    #[test]
    fn any_rollup_reads_back_as_written(results in vec((0..7_usize, any::<u32>()), 0..200)) {
        let mut rollup = Rollup::new(MeshTime(7), Resolution::Day);
        for (outcome, latency) in results {
            rollup.add_parts(Outcome::ALL[outcome], Micros(latency));
        }
        prop_assert_eq!(read_rollup(7, Resolution::Day, &rollup_row(&rollup)), Ok(rollup));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(row in vec(any::<u8>(), 0..300)) {
        let mut row = row;
        for version in [None, Some(1)] {
            if let (Some(version), Some(first)) = (version, row.first_mut()) {
                *first = version;
            }
            drop(read_result(shop(), cycle(5), node(), &row));
            drop(read_incident(incident().id, &row));
            drop(read_acknowledgement(incident().id, &row));
            drop(read_hold("h", &row));
            drop(read_deployment(shop(), &row));
            drop(read_rollup(5, Resolution::Hour, &row));
        }
    }
}
