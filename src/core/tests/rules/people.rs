//! What people state: acknowledgements, silences, maintenance, deployments change what is shown only.

use crate::common::{live, moment, watch};
use p7_core::facts::{Acknowledgement, Deployment, DeploymentState, Hold, HoldKind, Scope};
use p7_core::service::Rules;
use p7_core::status::{Colour, MaintenanceNote, ServiceStatus};
use p7_core::vocabulary::{Level, ServiceId};
use p7_core::watch::{Event, Watch};
use std::sync::Arc;

fn shop() -> ServiceId {
    ServiceId::new("shop").unwrap()
}

fn status(watch: &Watch) -> Arc<ServiceStatus> {
    Arc::clone(watch.status(&shop()).unwrap())
}

fn hold(kind: HoldKind, scope: Scope, from: u64, to: u64) -> Hold {
    Hold {
        id: "h1".into(),
        kind,
        scope,
        starts: moment(from),
        ends: moment(to),
        by: "ada".into(),
        reason: "upgrade".into(),
        stated: moment(from),
    }
}

#[test]
fn an_acknowledgement_shows_as_long_as_its_incident_is_open() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["FF"]);
    let incident = status(&watch).incident.clone().unwrap();
    let said = Acknowledgement {
        incident,
        service: shop(),
        by: "ada".into(),
        at: moment(1),
        reason: "on it".into(),
    };
    assert_eq!(watch.hear(Event::Acknowledged(said.clone()), moment(1)).len(), 1);
    assert_eq!(status(&watch).acknowledged, Some(said.clone()));
    assert_eq!(status(&watch).level, Level::Incident);
    assert_eq!(watch.hear(Event::Acknowledged(said), moment(1)), [], "said twice");
    live(&mut watch, &["..PFF"]);
    assert_eq!(status(&watch).level, Level::Incident);
    assert_eq!(status(&watch).acknowledged, None, "it was for the incident before");
}

#[test]
fn maintenance_shows_from_its_start_to_its_end_and_measures_on() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["FF"]);
    watch.hear(Event::Held(hold(HoldKind::Maintenance, Scope::All, 3, 5)), moment(2));
    assert_eq!(status(&watch).maintenance, None);
    watch.hear(Event::Tick, moment(3));
    let until = moment(5);
    let note = MaintenanceNote::Planned { until, reason: "upgrade".into() };
    assert_eq!(status(&watch).maintenance, Some(note));
    assert_eq!((status(&watch).colour(), status(&watch).level), (Colour::Yellow, Level::Incident));
    watch.hear(Event::Tick, moment(5));
    assert_eq!(status(&watch).maintenance, None);
}

#[test]
fn a_silence_covers_its_scope_only_and_can_be_lifted() {
    for (scope, covers) in [
        (Scope::All, true),
        (Scope::Service(shop()), true),
        (Scope::Service(ServiceId::new("other").unwrap()), false),
        (Scope::Environment("production".into()), true),
        (Scope::Environment("staging".into()), false),
    ] {
        let mut watch = watch(Rules::default());
        let silence = hold(HoldKind::Silence, scope, 0, 9);
        watch.hear(Event::Held(silence.clone()), moment(1));
        assert_eq!(status(&watch).silence.is_some(), covers, "{:?}", silence.scope);
        let lifted = Hold { ends: moment(2), stated: moment(2), ..silence.clone() };
        watch.hear(Event::Held(lifted), moment(2));
        assert_eq!(status(&watch).silence, None);
        watch.hear(Event::Held(silence), moment(3));
        assert_eq!(status(&watch).silence, None, "an older version of it does not come back");
    }
}

#[test]
fn a_service_that_says_it_is_in_maintenance_is_yellow_and_passes() {
    let mut watch = watch(Rules::default());
    live(&mut watch, &["PM"]);
    assert_eq!(status(&watch).maintenance, Some(MaintenanceNote::Found));
    assert_eq!((status(&watch).colour(), status(&watch).level), (Colour::Yellow, Level::Healthy));
}

#[test]
fn the_latest_deployment_shows() {
    let mut watch = watch(Rules::default());
    let deployment = |state, n| Deployment {
        service: shop(),
        name: "1.2".into(),
        by: "ci".into(),
        state,
        at: moment(n),
        link: None,
    };
    let done = deployment(DeploymentState::Succeeded, 2);
    watch.hear(Event::Deployed(done.clone()), moment(2));
    watch.hear(Event::Deployed(deployment(DeploymentState::Running, 1)), moment(3));
    assert_eq!(status(&watch).deployment, Some(done));
}
