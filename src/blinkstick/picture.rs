//! The language of light: a sight, a moment and the settings make the colours of every LED. After the
//! original: the bottom LED is the worst level, the top one tells what goes on; a row shows shares.

use crate::colour::{Brightness, Rgb};
use crate::sight::{Mesh, Network, STANDINGS, Sight, Standing};
use p7_core::vocabulary::{Level, MeshTime, Millis};
use serde::{Deserialize, Serialize};

/// How long the beginning of a cycle is shown.
const NEW_CYCLE: u64 = 1_000;
/// Until when after a cycle's beginning the verdict stands still.
const SETTLED: u64 = 3_000;
/// How often the top LED blinks while the next cycle is waited for, and for how long it is lit.
const BLINK_EVERY: u64 = 2_000;
/// The original's delay.
const BLINK_LIT: u64 = 500;
/// Cycles shorter than this are not told: the light would only flicker.
const SHORTEST_CYCLE: Millis = Millis(5_000);
/// How long the dot of a row stays on an LED, as in the original.
const DOT_STAYS: u64 = 2_000;
/// A minute, which is how exact the night is.
const MINUTE: u64 = 60_000;

/// What each thing looks like; the defaults are the original's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Colours {
    /// All is well. Default `green`.
    pub healthy: Rgb,
    /// A service failed once and is not confirmed. Default `white`, on the top LED.
    pub warning: Rgb,
    /// A service is in an incident. Default `orange`.
    pub incident: Rgb,
    /// A service is down. Default `red`.
    pub down: Rgb,
    /// Nothing is known. Default `gray`.
    pub unknown: Rgb,
    /// A cycle begins or is waited for, and the dot of a row. Default `blue`.
    pub busy: Rgb,
    /// This node has no network. Default `white`, everywhere.
    pub no_network: Rgb,
    /// A service refuses the credentials. Default `deeppink`.
    pub unauthorized: Rgb,
    /// A service is in maintenance. Default `yellow`.
    pub maintenance: Rgb,
    /// No other node of the mesh is heard. Default `purple`.
    pub lost_mesh: Rgb,
}

impl Default for Colours {
    fn default() -> Self {
        Self {
            healthy: Rgb::new(0, 0x80, 0),
            warning: Rgb::new(255, 255, 255),
            incident: Rgb::new(255, 0xa5, 0),
            down: Rgb::new(255, 0, 0),
            unknown: Rgb::new(0x80, 0x80, 0x80),
            busy: Rgb::new(0, 0, 255),
            no_network: Rgb::new(255, 255, 255),
            unauthorized: Rgb::new(255, 0x14, 0x93),
            maintenance: Rgb::new(255, 255, 0),
            lost_mesh: Rgb::new(0x80, 0, 0x80),
        }
    }
}

/// Whether cycles are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// As the original: a cycle's beginning, the wait for the next, the walking dot.
    #[default]
    Cycles,
    /// Only levels and special states: nothing moves.
    Calm,
}

/// Hours in which the light is off, in minutes of the day; over midnight when it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    /// The first minute.
    pub from: u16,
    /// The minute it ends before.
    pub until: u16,
}

/// How one light speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// What things look like.
    pub colours: Colours,
    /// How bright.
    pub brightness: Brightness,
    /// Whether cycles are told.
    pub activity: Activity,
    /// When it is off.
    pub night: Option<Night>,
}

impl Default for Language {
    fn default() -> Self {
        Self {
            colours: Colours::default(),
            brightness: Brightness::FULL,
            activity: Activity::Cycles,
            night: None,
        }
    }
}

/// When a picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Mesh time: nodes side by side blink together.
    pub now: MeshTime,
    /// The minute of the day where the light stands.
    pub minute: u16,
}

/// What every LED shows, and for how long at most if nothing happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// LED 0 first.
    pub leds: Vec<Rgb>,
    /// Until it has to be looked at again; none: until something happens.
    pub stays: Option<Millis>,
}

/// Where in a cycle a moment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Begins,
    Settled,
    Lit,
    Dark,
}

impl Night {
    /// Whether a minute of the day belongs to it.
    pub fn covers(self, minute: u16) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

impl Language {
    /// The picture of a stick with so many LEDs.
    pub fn picture(&self, sight: &Sight, leds: usize, moment: Moment) -> Picture {
        let to_minute = self.night.map(|_| Millis(MINUTE - moment.now.0 % MINUTE));
        if self.night.is_some_and(|night| night.covers(moment.minute)) {
            return Picture { leds: vec![Rgb::BLACK; leds], stays: to_minute };
        }
        let Picture { leds, stays } = match leds {
            0 | 1 => Picture { leds: vec![self.one(sight); leds], stays: None },
            2 => self.pair(sight, moment.now),
            _ => self.row(sight, leds, moment.now),
        };
        Picture { leds: self.limited(leds), stays: shorter(stays, to_minute) }
    }

    /// What is shown when nothing is known any more, such as after the end of the node.
    pub fn unknown(&self, leds: usize) -> Vec<Rgb> {
        self.limited(vec![self.colours.unknown; leds])
    }

    fn limited(&self, leds: Vec<Rgb>) -> Vec<Rgb> {
        leds.into_iter().map(|colour| colour.limited(self.brightness)).collect()
    }

    /// One LED: trouble first, then what is special, then the level.
    fn one(&self, sight: &Sight) -> Rgb {
        if sight.network == Network::CutOff {
            return self.colours.no_network;
        }
        if starting(sight) {
            return self.colours.busy;
        }
        match sight.worst {
            Some(level @ (Level::Incident | Level::Down)) => self.level(Some(level)),
            level @ (Some(Level::Unknown | Level::Healthy | Level::Partial | Level::Warning) | None) => {
                self.special(sight).unwrap_or_else(|| self.level(level))
            }
        }
    }

    /// Two LEDs: the top one is LED 0.
    fn pair(&self, sight: &Sight, now: MeshTime) -> Picture {
        let still = |top, bottom| Picture { leds: vec![top, bottom], stays: None };
        if sight.network == Network::CutOff {
            return still(self.colours.no_network, self.colours.no_network);
        }
        if starting(sight) {
            return still(Rgb::BLACK, self.colours.busy);
        }
        let level = self.bottom(sight);
        if let Some(special) = self.special(sight) {
            return still(special, level);
        }
        let (phase, stays) = self.phase(sight, now);
        let leds = match phase {
            Phase::Begins => vec![level, self.colours.busy],
            Phase::Settled => vec![level, level],
            Phase::Lit => vec![self.colours.busy, level],
            Phase::Dark => vec![Rgb::BLACK, level],
        };
        Picture { leds, stays }
    }

    /// A row: each standing has its share of the LEDs, the worst first; a dot walks over them.
    fn row(&self, sight: &Sight, leds: usize, now: MeshTime) -> Picture {
        if sight.network == Network::CutOff {
            return Picture { leds: vec![self.colours.no_network; leds], stays: None };
        }
        let mut row = Vec::with_capacity(leds);
        for (standing, share) in STANDINGS.into_iter().zip(shares(sight, leds)) {
            row.extend(std::iter::repeat_n(self.standing(standing), share));
        }
        // while starting there is nothing but the dot
        if starting(sight) {
            row.fill(Rgb::BLACK);
        }
        row.resize(leds, Rgb::BLACK);
        let dot = if sight.mesh == Mesh::Lost { self.colours.lost_mesh } else { self.colours.busy };
        if self.activity == Activity::Calm && sight.mesh != Mesh::Lost && !starting(sight) {
            return Picture { leds: row, stays: None };
        }
        let step = usize::try_from(now.0 / DOT_STAYS).unwrap_or_default();
        if let Some(led) = row.get_mut(step % leds) {
            *led = dot;
        }
        Picture { leds: row, stays: Some(Millis(DOT_STAYS - now.0 % DOT_STAYS)) }
    }

    /// What the top LED tells instead of activity.
    fn special(&self, sight: &Sight) -> Option<Rgb> {
        let any = |standing| sight.count(standing) > 0;
        if sight.mesh == Mesh::Lost {
            Some(self.colours.lost_mesh)
        } else if any(Standing::Unauthorized) {
            Some(self.colours.unauthorized)
        } else if any(Standing::Maintenance) {
            Some(self.colours.maintenance)
        } else if any(Standing::Warning) {
            Some(self.colours.warning)
        } else {
            None
        }
    }

    /// The bottom LED: the worst level; where all is in maintenance, that.
    fn bottom(&self, sight: &Sight) -> Rgb {
        if sight.worst.is_none() && sight.count(Standing::Maintenance) > 0 {
            return self.colours.maintenance;
        }
        self.level(sight.worst)
    }

    /// A warning is not yet failing: green with a mark, which the top LED shows.
    fn level(&self, level: Option<Level>) -> Rgb {
        match level {
            None | Some(Level::Unknown) => self.colours.unknown,
            Some(Level::Healthy | Level::Partial | Level::Warning) => self.colours.healthy,
            Some(Level::Incident) => self.colours.incident,
            Some(Level::Down) => self.colours.down,
        }
    }

    fn standing(&self, standing: Standing) -> Rgb {
        match standing {
            Standing::Down => self.colours.down,
            Standing::Incident => self.colours.incident,
            Standing::Unauthorized => self.colours.unauthorized,
            Standing::Warning => self.colours.warning,
            Standing::Maintenance => self.colours.maintenance,
            Standing::Unknown => self.colours.unknown,
            Standing::Healthy => self.colours.healthy,
        }
    }

    /// Where in its cycle a moment is, and how long it stays so.
    fn phase(&self, sight: &Sight, now: MeshTime) -> (Phase, Option<Millis>) {
        let told = sight.cycle.filter(|cycle| self.activity == Activity::Cycles && *cycle >= SHORTEST_CYCLE);
        let Some(Millis(cycle)) = told else { return (Phase::Settled, None) };
        let at = now.0 % cycle;
        let (phase, until) = if at < NEW_CYCLE {
            (Phase::Begins, NEW_CYCLE)
        } else if at < SETTLED {
            (Phase::Settled, SETTLED)
        } else {
            let begun = at - (at - SETTLED) % BLINK_EVERY;
            if at < begun + BLINK_LIT {
                (Phase::Lit, begun + BLINK_LIT)
            } else {
                (Phase::Dark, begun + BLINK_EVERY)
            }
        };
        (phase, Some(Millis(until.min(cycle) - at)))
    }
}

/// Nothing is known of any service.
fn starting(sight: &Sight) -> bool {
    sight.count(Standing::Unknown) == sight.total()
}

fn shorter(a: Option<Millis>, b: Option<Millis>) -> Option<Millis> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

/// How many of the LEDs each standing has: after its share, the largest remainders first, but every
/// standing that is there has one as long as there are enough, the worst first.
fn shares(sight: &Sight, leds: usize) -> [usize; STANDINGS.len()] {
    let mut shares = [0_usize; STANDINGS.len()];
    let counts = STANDINGS.map(|standing| usize::try_from(sight.count(standing)).unwrap_or(usize::MAX));
    let total: usize = counts.iter().sum();
    if total == 0 {
        return shares;
    }
    let mut left = leds;
    for (share, count) in shares.iter_mut().zip(counts) {
        let whole = (count * leds / total).max(usize::from(count > 0)).min(left);
        *share = whole;
        left -= whole;
    }
    // what rounding left over goes where the fraction that was cut off is largest; of equals to the worse
    while left > 0 {
        let missing = |place: usize| (counts[place] * leds).saturating_sub(shares[place] * total);
        let Some(most) = (0..STANDINGS.len()).rev().max_by_key(|place| missing(*place)) else { break };
        shares[most] += 1;
        left -= 1;
    }
    shares
}
