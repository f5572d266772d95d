//! `[devices.NAME.cozmo]`: where the robot is, how it speaks, and when it keeps quiet.

use crate::kinds::Parts;
use crate::kinds::blinkstick::Zone;
use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;
use p7_core::vocabulary::MeshTime;
use p7_cozmo::character::{self, Manners};
use p7_cozmo::clock::{self, LocalTime, QuietHours};
use p7_cozmo::robot::{ADDRESS, Settings, WallClock};
use p7_cozmo::voice::Voice;
use p7_settings::{Check, Faults};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;

/// Words a minute that espeak-ng can speak.
const WORDS_PER_MINUTE: std::ops::RangeInclusive<u16> = 80..=450;
/// Longest name of a voice, in bytes.
const VOICE_LIMIT: usize = 64;

/// The robot Cozmo.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it is. Default "172.31.1.1:5551": every Cozmo, in its own Wi-Fi.
    pub address: SocketAddr,
    /// How loud, in per cent: 0 to 100. Default 60.
    pub volume: u8,
    /// One of espeak-ng's voices. Default "en-us".
    pub voice: String,
    /// How fast it speaks: 80 to 450. Default 150.
    pub words_per_minute: u16,
    /// Hours without speech and motion: "22:00-07:00". Lights and face stay. Default none.
    pub quiet_hours: Option<Quiet>,
    /// The time zone of its clock, such as "Europe/Paris". Default "UTC".
    pub time_zone: Zone,
    /// What it does on its charger: "as_ever", or "silent". Default "as_ever".
    pub on_charger: OnCharger,
    /// Whether it tells the time: "hourly" or "never". Default "hourly".
    pub hour_call: HourCall,
}

/// What the robot does on its charger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCharger {
    /// The same as anywhere.
    #[default]
    AsEver,
    /// It neither speaks nor moves.
    Silent,
}

/// Whether the robot tells the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HourCall {
    /// At each full hour.
    #[default]
    Hourly,
    /// Not at all.
    Never,
}

/// Hours of the day in which the robot is quiet, `22:00-07:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Quiet(QuietHours);

impl TryFrom<String> for Quiet {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_bad: clock::BadHours| "expected hours such as \"22:00-07:00\"".to_owned())
    }
}

impl Default for Config {
    fn default() -> Self {
        let voice = Voice::default();
        Self {
            address: ADDRESS,
            volume: 60,
            voice: voice.name,
            words_per_minute: voice.words_per_minute,
            quiet_hours: None,
            time_zone: Zone::default(),
            on_charger: OnCharger::AsEver,
            hour_call: HourCall::Hourly,
        }
    }
}

impl Config {
    /// What the robot is told of it.
    pub(super) fn settings(&self, parts: &Parts) -> Settings {
        let (now, zone) = (parts.clock, self.time_zone.0);
        let voice =
            Voice { name: self.voice.clone(), words_per_minute: self.words_per_minute, ..Voice::default() };
        Settings {
            address: self.address,
            volume: u16::try_from(u32::from(u16::MAX) * u32::from(self.volume.min(100)) / 100)
                .unwrap_or(u16::MAX),
            voice,
            manners: Manners {
                quiet: self.quiet_hours.map(|Quiet(hours)| hours),
                on_charger: match self.on_charger {
                    OnCharger::AsEver => character::OnCharger::AsEver,
                    OnCharger::Silent => character::OnCharger::Silent,
                },
                hour_call: match self.hour_call {
                    HourCall::Hourly => clock::HourCall::Hourly,
                    HourCall::Never => clock::HourCall::Never,
                },
            },
            clock: WallClock(Arc::new(move || local(now(), zone))),
        }
    }
}

/// The time of day in a zone.
pub(super) fn local(now: MeshTime, zone: Tz) -> LocalTime {
    let utc = i64::try_from(now.0).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
    let there = utc.with_timezone(&zone);
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    LocalTime {
        hour: small(there.hour()),
        minute: small(there.minute()),
        weekday: small(there.weekday().num_days_from_monday()),
        day: small(there.day()),
        month: small(there.month()),
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults<'_>) {
        if self.volume > 100 {
            faults.push("volume", "write a number from 0 to 100, in per cent");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+');
        let voice = &self.voice;
        if voice.is_empty()
            || voice.len() > VOICE_LIMIT
            || voice.starts_with('-')
            || !voice.chars().all(plain)
        {
            faults.push("voice", "is no voice's name; `espeak-ng --voices` lists them");
        }
        if !WORDS_PER_MINUTE.contains(&self.words_per_minute) {
            faults.push("words_per_minute", "write a number from 80 to 450");
        }
        if self.address.port() == 0 {
            faults.push("address", "has port 0; a Cozmo's is 5551");
        }
    }
}
