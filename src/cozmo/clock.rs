//! The time of day where the robot stands, quiet hours, and the turn of the hour.

use std::str::FromStr;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// The wall clock where the robot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LocalTime {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 is Monday.
    pub weekday: u8,
    /// 1 to 31.
    pub day: u8,
    /// 1 to 12.
    pub month: u8,
}

impl LocalTime {
    /// Minutes since midnight.
    pub fn minute_of_day(self) -> u16 {
        u16::from(self.hour) * 60 + u16::from(self.minute)
    }
}

/// Hours of the day in which the robot says and moves nothing, such as `22:00-07:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: u16,
    until: u16,
}

/// Why a text names no quiet hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no span of the day; write it as \"22:00-07:00\"")]
pub struct BadHours(String);

impl FromStr for QuietHours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let bad = || BadHours(text.chars().take(40).collect());
        let (from, until) = text.split_once('-').ok_or_else(bad)?;
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let two_digits = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
            let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
            let at = hour * 60 + minute;
            (minute < 60 && at <= DAY_MINUTES).then_some(at)
        };
        let (from, until) = (minute(from).ok_or_else(bad)?, minute(until).ok_or_else(bad)?);
        if from == until { Err(bad()) } else { Ok(Self { from, until }) }
    }
}

impl QuietHours {
    /// Whether it is quiet at a minute of the day. A span may go over midnight.
    pub fn contains(self, minute_of_day: u16) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&minute_of_day)
        } else {
            minute_of_day >= self.from || minute_of_day < self.until
        }
    }

    /// When it ends, as people write it.
    pub fn ends(self) -> String {
        format!("{:02}:{:02}", self.until / 60 % 24, self.until % 60)
    }
}

/// Whether the robot tells the time by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HourCall {
    /// At each full hour.
    #[default]
    Hourly,
    /// Never.
    Never,
}

/// Notices the turn of the hour once, however often it is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct HourTurn {
    last: Option<(u8, u8)>,
}

impl HourTurn {
    /// Whether a new hour has begun since it was last asked. Only its first minute counts: a machine that
    /// slept through it says nothing.
    pub fn turned(&mut self, at: LocalTime) -> bool {
        let hour = (at.day, at.hour);
        let turned = self.last.is_some_and(|last| last != hour) && at.minute == 0;
        self.last = Some(hour);
        turned
    }
}
