//! What a configured light and the threads of its sticks share: the newest sight, the newest order, and how
//! each stick is. Whoever writes here never waits for a stick.

use super::KIND;
use super::config::{AtEnd, Config};
use crate::kinds::{Answer, Notify};
use p7_blinkstick::picture::Language;
use p7_blinkstick::port::Found;
use p7_blinkstick::sight::Sight;
use p7_blinkstick::walk::Step;
use p7_blinkstick::{Model, Rgb};
use p7_bus::{DeviceDone, DeviceState, DeviceStatus, DeviceStep};
use p7_core::vocabulary::{MeshTime, Millis};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A stick that is at one report for so long does not answer: the kernel gives a request 5 s.
const STUCK_AFTER: Duration = Duration::from_secs(3);
/// A new device file is there before udev has set its mode: so many refusals, one a look, count for nothing.
const REFUSALS_FORGIVEN: u32 = 1;

/// A configured light.
pub(super) struct Desk {
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) language: Language,
    pub(super) clock: fn() -> MeshTime,
    notify: Notify,
    shared: Mutex<Shared>,
    changed: Condvar,
}

#[derive(Default)]
struct Shared {
    sight: Sight,
    order: Option<Arc<Order>>,
    /// Rises with everything that a stick has to look at.
    generation: u64,
    ending: bool,
    units: BTreeMap<String, Unit>,
    last_order: Option<(String, MeshTime)>,
    missing_since: Option<MeshTime>,
    /// What keeps everybody from looking for sticks.
    blind: Option<String>,
}

/// One stick.
struct Unit {
    serial: String,
    model: Model,
    state: DeviceState,
    detail: Option<String>,
    since: MeshTime,
    /// Whether its thread runs.
    driven: bool,
    /// Since when it is at one report.
    busy: Option<Instant>,
    /// How often it could not be opened for want of permission.
    refusals: u32,
    /// Whether its last look found it pulled out.
    gone: bool,
}

/// Something a light is to do for a while.
pub(super) struct Order {
    steps: Vec<Step>,
    given: Instant,
    answer: Mutex<Option<Answer>>,
}

/// What a stick's thread has to go by.
pub(super) struct Glance {
    pub(super) sight: Sight,
    pub(super) order: Option<Arc<Order>>,
    pub(super) generation: u64,
    pub(super) ending: bool,
    /// The stick was pulled out.
    pub(super) gone: bool,
}

impl Order {
    /// An order, and where its answer goes.
    pub(super) fn new(steps: Vec<Step>, answer: Answer) -> Self {
        Self { steps, given: Instant::now(), answer: Mutex::new(Some(answer)) }
    }

    /// What it shows now and for how much longer; none when it is over.
    pub(super) fn step(&self, leds: usize) -> Option<(Vec<Rgb>, Duration)> {
        let mut left = self.given.elapsed();
        for step in &self.steps {
            let lasts = Duration::from_millis(step.lasts.0);
            match lasts.checked_sub(left) {
                Some(rest) if !rest.is_zero() => return Some((step.leds(leds), rest)),
                Some(_) | None => left = left.saturating_sub(lasts),
            }
        }
        None
    }

    /// Answers, the first time only.
    pub(super) fn answer(&self, done: Result<(), String>) {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(answer) = answer {
            let step = |step: &Step| DeviceStep { says: step.says.clone(), lasts: step.lasts };
            let done = done.map(|()| DeviceDone { steps: self.steps.iter().map(step).collect() });
            // whoever asked may have gone
            drop(answer.send(done));
        }
    }
}

impl Desk {
    pub(super) fn new(name: String, config: Config, clock: fn() -> MeshTime, notify: Notify) -> Self {
        let shared = Shared { missing_since: Some(clock()), ..Shared::default() };
        let language = config.language();
        Self { name, config, language, clock, notify, shared: Mutex::new(shared), changed: Condvar::new() }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rouse(&self, mut shared: MutexGuard<'_, Shared>) {
        shared.generation += 1;
        drop(shared);
        self.changed.notify_all();
    }

    /// Takes the newest sight.
    pub(super) fn see(&self, sight: Sight) {
        let mut shared = self.shared();
        if shared.sight != sight {
            shared.sight = sight;
            self.rouse(shared);
        }
    }

    /// Takes an order; without a stick that could follow it, it is answered at once.
    pub(super) fn order(&self, words: String, order: Order) {
        let mut shared = self.shared();
        if !shared.units.values().any(|unit| unit.driven && unit.state == DeviceState::Up) {
            let trouble = shared.units.values().find_map(|unit| unit.detail.clone());
            drop(shared);
            let why = trouble.unwrap_or_else(|| "no BlinkStick of it is plugged in".to_owned());
            order.answer(Err(format!("{} can't do that: {why}", self.name)));
            return;
        }
        shared.last_order = Some((words, (self.clock)()));
        shared.order = Some(Arc::new(order));
        self.rouse(shared);
        (self.notify)();
    }

    /// Every stick shows what it shows at the end, and its thread stops.
    pub(super) fn end(&self) {
        let mut shared = self.shared();
        shared.ending = true;
        self.rouse(shared);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.shared().ending
    }

    pub(super) fn has_ended(&self) -> bool {
        !self.shared().units.values().any(|unit| unit.driven)
    }

    /// What is shown at the end.
    pub(super) fn last_picture(&self, leds: usize) -> Vec<Rgb> {
        match self.config.at_end {
            AtEnd::Off => vec![Rgb::BLACK; leds],
            AtEnd::Unknown => self.language.unknown(leds),
        }
    }

    /// Waits until something newer than `seen` is there, at most `patience`, and looks.
    pub(super) fn glance(&self, place: &str, seen: Option<u64>, patience: Duration) -> Glance {
        let shared = self.shared();
        let nothing_new = |shared: &mut Shared| Some(shared.generation) == seen;
        let waited = self.changed.wait_timeout_while(shared, patience, nothing_new);
        let (shared, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Glance {
            sight: shared.sight.clone(),
            order: shared.order.clone(),
            generation: shared.generation,
            ending: shared.ending,
            gone: shared.units.get(place).is_none_or(|unit| unit.gone),
        }
    }

    /// Waits for the end of the node, at most `span`.
    pub(super) fn rest(&self, span: Duration) {
        drop(self.changed.wait_timeout_while(self.shared(), span, |shared| !shared.ending));
    }

    /// A stick's thread begins; false when it has one already.
    pub(super) fn begin(&self, found: &Found) -> bool {
        let mut shared = self.shared();
        let now = (self.clock)();
        let unit = shared.units.entry(found.place.clone()).or_insert_with(|| Unit::new(found, now));
        if unit.driven {
            return false;
        }
        if unit.serial != found.serial {
            *unit = Unit::new(found, now);
        }
        unit.driven = true;
        unit.gone = false;
        drop(shared);
        true
    }

    /// A stick is at a report, or no longer.
    pub(super) fn busy(&self, place: &str, busy: Option<Instant>) {
        let Some(was_stuck) = self.shared().units.get_mut(place).map(|unit| {
            let was_stuck = unit.is_stuck();
            unit.busy = busy;
            was_stuck
        }) else {
            return;
        };
        // that it did not answer was told, so that it does is to be told, too
        if was_stuck {
            (self.notify)();
        }
    }

    /// A stick shows what it should.
    pub(super) fn up(&self, place: &str) {
        self.mark(place, |unit| {
            unit.refusals = 0;
            (DeviceState::Up, None)
        });
    }

    /// A stick's thread has ended.
    pub(super) fn ended(&self, place: &str, why: Option<(DeviceState, String)>) {
        self.mark(place, |unit| {
            unit.driven = false;
            unit.busy = None;
            match why {
                Some((DeviceState::Denied, _)) if unit.refusals < REFUSALS_FORGIVEN => {
                    unit.refusals += 1;
                    (DeviceState::Starting, None)
                }
                Some((state, why)) => (state, Some(why)),
                None => (DeviceState::Missing, None),
            }
        });
    }

    fn mark(&self, place: &str, change: impl FnOnce(&mut Unit) -> (DeviceState, Option<String>)) {
        let mut shared = self.shared();
        let Some(unit) = shared.units.get_mut(place) else { return };
        let now = change(unit);
        if (unit.state, &unit.detail) == (now.0, &now.1) {
            return;
        }
        if let Some(detail) = &now.1 {
            tracing::warn!(
                device = self.name,
                serial = unit.serial,
                error = detail,
                "a BlinkStick does not work"
            );
        } else if now.0 == DeviceState::Up {
            tracing::info!(
                device = self.name,
                serial = unit.serial,
                model = unit.model.as_str(),
                "a BlinkStick works"
            );
        }
        (unit.state, unit.detail) = now;
        unit.since = (self.clock)();
        drop(shared);
        (self.notify)();
    }

    /// Takes note of which sticks of this light are plugged in; forgets those that are not.
    pub(super) fn plugged(&self, found: &[&Found]) {
        let mut shared = self.shared();
        let before = shared.units.len();
        let has = |place: &String| found.iter().any(|one| one.place == *place);
        let mut pulled = false;
        for (place, unit) in &mut shared.units {
            pulled |= !has(place) && !unit.gone;
            unit.gone = !has(place);
        }
        shared.units.retain(|_, unit| unit.driven || !unit.gone);
        let changed = shared.units.len() != before || shared.blind.take().is_some();
        if changed && shared.units.is_empty() {
            shared.missing_since = Some((self.clock)());
            tracing::warn!(device = self.name, "no BlinkStick is plugged in any more");
        }
        let stuck = shared.units.values().any(Unit::is_stuck);
        if pulled {
            self.rouse(shared);
        } else {
            drop(shared);
        }
        if changed || stuck || pulled {
            (self.notify)();
        }
    }

    /// Nobody can say which sticks are plugged in.
    pub(super) fn blind(&self, why: &str) {
        let mut shared = self.shared();
        let news = shared.blind.as_deref() != Some(why);
        shared.blind = Some(why.to_owned());
        drop(shared);
        if news {
            tracing::warn!(device = self.name, error = why, "can't look for BlinkSticks");
            (self.notify)();
        }
    }

    /// How its sticks are; one line when there is none.
    pub(super) fn status(&self) -> Vec<DeviceStatus> {
        let shared = self.shared();
        let line = |unit: &str, model: &str, state, detail, since| DeviceStatus {
            name: self.name.clone(),
            kind: KIND,
            unit: unit.to_owned(),
            model: model.to_owned(),
            state,
            detail,
            since,
            last_order: shared.last_order.clone(),
        };
        if shared.units.is_empty() {
            let since = shared.missing_since.unwrap_or_default();
            let detail = shared.blind.clone().unwrap_or_else(|| match self.config.serial.as_str() {
                super::config::ALL => "no BlinkStick is plugged in".to_owned(),
                serial => format!("{serial} is not plugged in"),
            });
            return vec![line("", "", DeviceState::Missing, Some(detail), since)];
        }
        let units = shared.units.values().map(|unit| {
            let (state, detail) = if unit.is_stuck() {
                (
                    DeviceState::Trouble,
                    Some("it does not answer; pull it out and plug it in again".to_owned()),
                )
            } else {
                (unit.state, unit.detail.clone())
            };
            line(&unit.serial, unit.model.as_str(), state, detail, unit.since)
        });
        units.collect()
    }
}

impl Unit {
    fn new(found: &Found, since: MeshTime) -> Self {
        Self {
            serial: found.serial.clone(),
            model: found.model,
            state: DeviceState::Starting,
            detail: None,
            since,
            driven: false,
            busy: None,
            refusals: 0,
            gone: false,
        }
    }

    fn is_stuck(&self) -> bool {
        self.busy.is_some_and(|since| since.elapsed() > STUCK_AFTER)
    }
}

/// A span that a picture stays, as the threads wait.
pub(super) fn patience(stays: Option<Millis>, longest: Duration) -> Duration {
    stays.map_or(longest, |stays| Duration::from_millis(stays.0).min(longest))
}
