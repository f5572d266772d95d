//! `[devices.NAME.blinkstick]`: which stick, what it shows, and how.

use chrono_tz::Tz;
use p7_blinkstick::Brightness;
use p7_blinkstick::picture::{Activity, Colours, Language, Moment, Night};
use p7_core::service::Service;
use p7_core::vocabulary::{MeshTime, ServiceId};
use p7_settings::{Check, Faults};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The serial that stands for every stick nobody else drives.
pub(super) const ALL: &str = "all";
/// Most services, environments and labels of a filter, each.
const FILTER_LIMIT: usize = 256;
/// Milliseconds of a minute.
const MINUTE: u64 = 60_000;

/// A light on a USB stick.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The stick's serial, such as "BS012345-3.0", as `p7 device list` shows it. Default "all": every stick
    /// that no other device names.
    pub serial: String,
    /// How bright, in per cent: 1 to 100. Default 100. Below 5 some colours can't be told apart.
    pub brightness: u8,
    /// "cycles": as the original, the light tells when a cycle begins and when the next is waited for, and a
    /// dot walks over rows. "calm": only levels and special states; nothing moves. Default "cycles".
    pub activity: Activity,
    /// What the light shows once the node has stopped: "off" or "unknown". Default "off".
    pub at_end: AtEnd,
    /// Hours in which it is off: "22:00-07:00". Default none. What fails at night is then not seen on it.
    pub night: Option<Hours>,
    /// The time zone of `night`, such as "Europe/Paris". Default "UTC".
    pub time_zone: Zone,
    /// Only these services. Default none: all.
    pub services: Vec<ServiceId>,
    /// Only services of these environments. Default none: all.
    pub environments: Vec<String>,
    /// Only services with all of these labels, such as { team = "payments" }. Default none: all.
    pub labels: BTreeMap<String, String>,
    /// What each thing looks like: CSS names or "#rrggbb".
    pub colours: Colours,
}

/// What the light shows once the node has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AtEnd {
    /// Nothing.
    #[default]
    Off,
    /// That nothing is known.
    Unknown,
}

/// Hours of the day, `22:00-07:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hours(Night);

/// A time zone by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(pub(crate) Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            serial: ALL.to_owned(),
            brightness: 100,
            activity: Activity::Cycles,
            at_end: AtEnd::Off,
            night: None,
            time_zone: Zone::default(),
            services: Vec::new(),
            environments: Vec::new(),
            labels: BTreeMap::new(),
            colours: Colours::default(),
        }
    }
}

impl TryFrom<String> for Hours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let read = text.split_once('-').and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
        match read {
            Some((from, until)) if from != until => Ok(Self(Night { from, until })),
            Some(_) | None => Err("expected hours such as \"22:00-07:00\"".to_owned()),
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_unknown| "expected a time zone such as \"Europe/Paris\"".to_owned())
    }
}

impl Config {
    /// How the light speaks.
    pub(super) fn language(&self) -> Language {
        Language {
            colours: self.colours.clone(),
            brightness: Brightness::percent(self.brightness),
            activity: self.activity,
            night: self.night.map(|hours| hours.0),
        }
    }

    /// Whether this light shows that service.
    pub(super) fn shows(&self, service: &Service) -> bool {
        (self.services.is_empty() || self.services.contains(&service.id))
            && (self.environments.is_empty() || self.environments.contains(&service.environment))
            && self.labels.iter().all(|(name, value)| service.labels.get(name) == Some(value))
    }

    /// A moment where this light stands.
    pub(super) fn moment(&self, now: MeshTime) -> Moment {
        use chrono::{DateTime, Timelike};
        let utc = i64::try_from(now.0).ok().and_then(DateTime::from_timestamp_millis);
        let minute = utc.map_or(now.0 / MINUTE % (24 * 60), |utc| {
            let there = utc.with_timezone(&self.time_zone.0);
            u64::from(there.hour() * 60 + there.minute())
        });
        Moment { now, minute: u16::try_from(minute).unwrap_or_default() }
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        let serial = &self.serial;
        if serial.trim().is_empty() || serial.len() > 64 || serial.chars().any(char::is_control) {
            faults.push("serial", "names no stick; write its serial, or leave it out for every stick");
        }
        if !(1..=100).contains(&self.brightness) {
            faults.push("brightness", "write a number from 1 to 100, in per cent");
        }
        let lengths = [
            ("services", self.services.len()),
            ("environments", self.environments.len()),
            ("labels", self.labels.len()),
        ];
        for (key, length) in lengths {
            if length > FILTER_LIMIT {
                faults.push(key, format!("has more than {FILTER_LIMIT}; leave some out"));
            }
        }
    }
}
