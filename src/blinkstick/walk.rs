//! Steps that show something for a while: a colour somebody asked for, or a walk through all a light says.

use crate::colour::Rgb;
use crate::picture::Colours;
use p7_core::vocabulary::Millis;

/// How long a step of the walk stays: long enough to read its line and look.
const STEP: Millis = Millis(1_500);

/// Which LEDs a step lights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lit {
    All,
    First,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is to be seen.
    pub says: String,
    /// For how long.
    pub lasts: Millis,
    colour: Rgb,
    lit: Lit,
}

impl Step {
    /// One colour on every LED.
    pub fn show(colour: Rgb, lasts: Millis) -> Self {
        let says = colour.name().map_or_else(|| colour.to_string(), str::to_owned);
        Self { says, lasts, colour, lit: Lit::All }
    }

    /// The colours of a stick with so many LEDs.
    pub fn leds(&self, leds: usize) -> Vec<Rgb> {
        match self.lit {
            Lit::All => vec![self.colour; leds],
            Lit::First => std::iter::once(self.colour).take(leds).collect(),
        }
    }
}

/// Walks through plain colours, then through what they mean, and ends dark.
pub fn walk(colours: &Colours) -> Vec<Step> {
    let all = |says: String, colour: Rgb| Step { says, lasts: STEP, colour, lit: Lit::All };
    let plain = [("red", Rgb::new(255, 0, 0)), ("green", Rgb::new(0, 255, 0)), ("blue", Rgb::new(0, 0, 255))];
    let mut steps: Vec<Step> = plain.map(|(name, colour)| all(format!("every LED {name}"), colour)).into();
    let first = "only the first LED white (the top one of a Nano; all of a stick that shows one colour)";
    let white = Rgb::new(255, 255, 255);
    steps.push(Step { says: first.to_owned(), lasts: STEP, colour: white, lit: Lit::First });
    let meanings = [
        ("all is well", colours.healthy),
        ("a service failed once", colours.warning),
        ("an incident", colours.incident),
        ("a service is down", colours.down),
        ("credentials are refused", colours.unauthorized),
        ("maintenance", colours.maintenance),
        ("a cycle begins", colours.busy),
        ("no other node is heard", colours.lost_mesh),
        ("nothing is known", colours.unknown),
    ];
    for (meaning, colour) in meanings {
        let name = colour.name().map_or_else(|| colour.to_string(), str::to_owned);
        steps.push(all(format!("{name}: {meaning}"), colour));
    }
    steps.push(all("nothing: dark".to_owned(), Rgb::BLACK));
    steps
}
