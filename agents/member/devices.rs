//! What the mesh is told of this node's devices: what changed soon, but no more often than people can follow,
//! since every word is kept for long on every node.

use crate::clock;
use crate::member::Member;
use actix::prelude::*;
use p7_bus::{DeviceState, DeviceStatus, DevicesNoted};
use p7_core::mesh::devices::{DETAIL_LIMIT, DeviceTold, DevicesTold, TOLD_LIMIT, WORD_LIMIT};
use p7_core::mesh::machine::Event;
use p7_core::mesh::words::{Fact, Steady};
use p7_core::vocabulary::{Millis, shortened};
use std::sync::Arc;
use std::time::Duration;

/// What changes within this time is told as one: a device that starts goes through some states.
const GATHER: Millis = Millis(500);
/// So many words may follow each other at once.
const BURST: u32 = 8;
/// Then one in this time: at most 720 a day.
const EVERY: Millis = Millis(120_000);
/// What only changes its detail, such as a battery, is told this much later.
const DETAIL_AFTER: Millis = Millis(1_800_000);

/// What of the devices was told, and when more may be.
pub(crate) struct Telling {
    /// None before the first word of this life: what was told in an earlier one may be wrong by now.
    told: Option<Vec<DeviceTold>>,
    now: Vec<DeviceTold>,
    /// How many words may follow at once, and since when that is counted.
    words: u32,
    counted: Steady,
    /// Since when there is something to tell.
    since: Option<Steady>,
}

impl Telling {
    pub(crate) fn new(now: Steady) -> Self {
        Self { told: None, now: Vec::new(), words: BURST, counted: now, since: None }
    }

    /// The devices are so now.
    fn note(&mut self, devices: &[DeviceStatus], now: Steady) {
        if devices.len() > TOLD_LIMIT {
            p7_bus::note_dropped("devices told", (devices.len() - TOLD_LIMIT) as u64);
        }
        self.now = devices.iter().take(TOLD_LIMIT).map(told_of).collect();
        if self.told.as_ref() == Some(&self.now) {
            self.since = None;
        } else if self.since.is_none() {
            self.since = Some(now);
        }
    }

    /// When they are to be told; none when there is no news.
    fn due(&mut self, now: Steady) -> Option<Steady> {
        let gained = u32::try_from(now.since(self.counted).0 / EVERY.0).unwrap_or(BURST);
        self.words = self.words.saturating_add(gained).min(BURST);
        self.counted = self.counted.plus(Millis(EVERY.0 * u64::from(gained)));
        let since = self.since?;
        let patience = if self.told.as_deref().is_some_and(|told| alike(told, &self.now)) {
            DETAIL_AFTER
        } else {
            GATHER
        };
        let due = since.plus(patience);
        Some(if self.words > 0 { due } else { due.max(self.counted.plus(EVERY)) })
    }

    /// What is told now.
    fn tell(&mut self) -> Vec<DeviceTold> {
        self.words = self.words.saturating_sub(1);
        self.since = None;
        self.told = Some(self.now.clone());
        self.now.clone()
    }
}

/// Whether they differ in their details at most.
fn alike(a: &[DeviceTold], b: &[DeviceTold]) -> bool {
    let bare = |device: &DeviceTold| DeviceTold { detail: None, ..device.clone() };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| bare(a) == bare(b))
}

fn told_of(device: &DeviceStatus) -> DeviceTold {
    let word = |text: &str| shortened(text, WORD_LIMIT).to_owned();
    let line = |text: &str| shortened(text, DETAIL_LIMIT).to_owned();
    DeviceTold {
        name: word(&device.name),
        kind: word(device.kind),
        unit: word(&device.unit),
        model: word(&device.model),
        state: device.state,
        detail: device.detail.as_deref().map(line),
        since: device.since,
        last_order: device.last_order.as_ref().map(|(words, at)| (line(words), *at)),
    }
}

impl Member {
    /// Tells the mesh of the devices when that is due, and looks again when it will be.
    fn tell_devices(&mut self, context: &mut Context<Self>) {
        if let Some(handle) = self.telling_at.take() {
            context.cancel_future(handle);
        }
        let now = clock::now();
        let Some(due) = self.telling.due(now.steady) else { return };
        if due > now.steady {
            let wait = Duration::from_millis(due.since(now.steady).0);
            self.telling_at = Some(context.run_later(wait, |member, context| {
                member.telling_at = None;
                member.tell_devices(context);
            }));
            return;
        }
        let at = self.machine.mesh_time(now);
        let told = DevicesTold { devices: self.telling.tell(), at };
        self.hear(Event::Stated(vec![Fact::Devices(Arc::new(told))]), context);
    }
}

impl Handler<DevicesNoted> for Member {
    type Result = ();

    /// That a device is there at all is part of what this node says about itself, from when it was there once;
    /// how it is now, of what it tells of its devices.
    fn handle(&mut self, DevicesNoted(devices): DevicesNoted, context: &mut Self::Context) {
        let known = self.about.devices.len();
        for device in devices.iter().filter(|device| device.state == DeviceState::Up) {
            let line = format!("{}:{}", device.kind, device.name);
            if !self.about.devices.contains(&line) {
                self.about.devices.push(line);
            }
        }
        if self.about.devices.len() > known {
            self.about.at = self.machine.mesh_time(clock::now());
            let about = self.about.clone();
            self.hear(Event::Stated(vec![Fact::About(about)]), context);
        }
        self.telling.note(&devices, clock::now().steady);
        self.tell_devices(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::vocabulary::MeshTime;

    fn device(state: DeviceState, detail: &str) -> DeviceStatus {
        DeviceStatus {
            name: "desk".to_owned(),
            kind: "blinkstick",
            unit: String::new(),
            model: String::new(),
            state,
            detail: Some(detail.to_owned()),
            since: MeshTime(1),
            last_order: None,
        }
    }

    fn at(ms: u64) -> Steady {
        Steady(ms)
    }

    #[test]
    fn a_start_is_told_even_without_devices_and_only_once() {
        let mut telling = Telling::new(at(0));
        assert_eq!(telling.due(at(0)), None, "nothing is known yet");
        telling.note(&[], at(100));
        assert_eq!(telling.due(at(100)), Some(at(600)));
        assert_eq!(telling.tell(), []);
        telling.note(&[], at(700));
        assert_eq!(telling.due(at(700)), None);
    }

    #[test]
    fn a_state_is_told_soon_a_detail_late_and_what_is_as_before_never() {
        let mut telling = Telling::new(at(0));
        telling.note(&[device(DeviceState::Up, "4.1 V")], at(0));
        assert_eq!(telling.due(at(0)), Some(at(500)));
        assert_eq!(telling.tell().len(), 1);
        telling.note(&[device(DeviceState::Up, "4.0 V")], at(1_000));
        assert_eq!(telling.due(at(1_000)), Some(at(1_801_000)));
        telling.note(&[device(DeviceState::Missing, "gone")], at(2_000));
        assert_eq!(telling.due(at(2_000)), Some(at(1_500)), "there was something to tell already");
        telling.note(&[device(DeviceState::Up, "4.1 V")], at(3_000));
        assert_eq!(telling.due(at(3_000)), None);
    }

    #[test]
    fn a_device_that_comes_and_goes_without_end_is_told_of_now_and_then() {
        let (mut telling, mut told) = (Telling::new(at(0)), 0);
        for second in 0..86_400 {
            let state = if second % 2 == 0 { DeviceState::Up } else { DeviceState::Missing };
            telling.note(&[device(state, "")], at(second * 1_000));
            if telling.due(at(second * 1_000 + 600)).is_some_and(|due| due <= at(second * 1_000 + 600)) {
                telling.tell();
                told += 1;
            }
        }
        assert!((700..=8 + 720).contains(&told), "{told} times a day");
    }

    #[test]
    fn texts_and_their_number_are_bounded() {
        let mut telling = Telling::new(at(0));
        telling.note(&vec![device(DeviceState::Trouble, &"ä".repeat(500)); 40], at(0));
        let told = telling.tell();
        assert_eq!(told.len(), TOLD_LIMIT);
        assert!(
            told.iter().all(|device| device.detail.as_ref().is_some_and(|text| text.len() <= DETAIL_LIMIT))
        );
    }
}
