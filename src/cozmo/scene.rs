//! What the robot shows of a board: the lights on its back, its face, a gesture.

use crate::board::{Activity, Board, Mood};
use crate::clock::LocalTime;
use crate::light::{Backpack, Light, Rgb};
use crate::picture::{HEIGHT, Picture, Pixel, WIDTH};
use crate::session::Gesture;
use embedded_graphics::Pixel as Dot;
use embedded_graphics::mono_font::iso_8859_1::{FONT_5X8, FONT_6X13_BOLD, FONT_9X15_BOLD, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{DrawTarget, Drawable, OriginDimensions, Point, Size};
use embedded_graphics::text::{Baseline, Text};
use std::convert::Infallible;

/// Where the clock stands on the face, as in the 2020 original.
const CLOCK_AT: Point = Point::new(8, 6);
/// Fonts for a name, the largest first.
const NAME_FONTS: [&MonoFont<'static>; 3] = [&FONT_9X15_BOLD, &FONT_6X13_BOLD, &FONT_5X8];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The lights for a board: blue while it is refreshed, else by its mood.
pub fn backpack(board: &Board) -> Backpack {
    match (board.mood(), board.activity) {
        (Mood::CutOff, _) => Backpack::centre(Light::flash(Rgb::WHITE)),
        (Mood::Starting, _) | (_, Activity::Refreshing) => Backpack::all(Light::solid(Rgb::BLUE)),
        (Mood::AllClear, Activity::Waiting) => Backpack::centre(Light::flash(Rgb::GREEN)),
        (Mood::Incident, Activity::Waiting) => Backpack::centre(Light::flash(Rgb::ORANGE)),
        (Mood::Down, Activity::Waiting) => Backpack::all(Light::flash(Rgb::RED)),
    }
}

/// The picture that stays: what fails. Nothing while nothing does, since the display wears out where it
/// shines.
pub fn face(board: &Board) -> Picture {
    let failing = board.failing();
    match (board.mood(), failing.as_slice()) {
        (Mood::CutOff, _) => two_lines("NO NETWORK", "what I know may be old"),
        (Mood::Starting | Mood::AllClear, _) | (Mood::Incident | Mood::Down, []) => Picture::default(),
        (Mood::Incident, [only]) => two_lines("INCIDENT", &only.name),
        (Mood::Down, [only]) => two_lines("DOWN", &only.name),
        (Mood::Incident, [worst, rest @ ..]) => two_lines(&format!("INCIDENT +{}", rest.len()), &worst.name),
        (Mood::Down, [worst, rest @ ..]) => two_lines(&format!("DOWN +{}", rest.len()), &worst.name),
    }
}

/// A gesture for a change of mood.
pub fn gesture(before: Mood, after: Mood) -> Option<Gesture> {
    if before == after {
        return None;
    }
    match after {
        Mood::Incident | Mood::Down => Some(Gesture::Alarm),
        Mood::AllClear => Some(Gesture::Greet),
        Mood::Starting | Mood::CutOff => None,
    }
}

/// "09:30", large.
pub fn clock(at: LocalTime) -> Picture {
    let mut picture = Picture::default();
    write(&mut picture, &format!("{:02}:{:02}", at.hour, at.minute), CLOCK_AT, &FONT_10X20);
    picture
}

/// "Mon 24 Nov", large.
pub fn date(at: LocalTime) -> Picture {
    let name = |names: &[&'static str], at: u8| names.get(usize::from(at)).copied().unwrap_or("");
    let (day, month) = (name(&DAYS, at.weekday), name(&MONTHS, at.month.wrapping_sub(1)));
    let mut picture = Picture::default();
    write(&mut picture, &format!("{day} {:02} {month}", at.day), CLOCK_AT, &FONT_10X20);
    picture
}

/// A headline, and a name below in the largest font it fits into; what fits into none is cut.
pub fn two_lines(headline: &str, name: &str) -> Picture {
    let mut picture = Picture::default();
    write(&mut picture, headline, Point::new(2, 1), &FONT_9X15_BOLD);
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let font = NAME_FONTS.iter().find(|font| fits(&name, font)).unwrap_or(&&FONT_5X8);
    write(&mut picture, &name, Point::new(2, 17), font);
    picture
}

fn fits(text: &str, font: &MonoFont<'_>) -> bool {
    let columns = usize::try_from(font.character_size.width).unwrap_or(WIDTH);
    text.chars().count() * columns <= WIDTH - 2
}

fn write(picture: &mut Picture, text: &str, at: Point, font: &MonoFont<'_>) {
    let style = MonoTextStyle::new(font, BinaryColor::On);
    // what does not fit is cut before it is drawn; a name has no limit of its own
    let text: String = text.chars().take(WIDTH / 4).collect();
    let Ok(_) = Text::with_baseline(&text, at, style, Baseline::Top).draw(picture);
}

impl OriginDimensions for Picture {
    fn size(&self) -> Size {
        Size::new(u32::try_from(WIDTH).unwrap_or(0), u32::try_from(HEIGHT).unwrap_or(0))
    }
}

impl DrawTarget for Picture {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, dots: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Dot<BinaryColor>>,
    {
        for Dot(Point { x, y }, colour) in dots {
            if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) {
                self.set(x, y, if colour.is_on() { Pixel::Lit } else { Pixel::Dark });
            }
        }
        Ok(())
    }
}
