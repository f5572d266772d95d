//! One stick's thread: opens it, shows the newest picture, and ends when the stick is lost.

use super::desk::{Desk, Glance, patience};
use p7_blinkstick::picture::Picture;
use p7_blinkstick::port::{Finder, Found, OpenError, Port, PortError};
use p7_blinkstick::{Rgb, Stick};
use p7_bus::DeviceState;
use std::time::{Duration, Instant};

/// How often a picture that stays is sent again: a stick that was replugged between two looks is dark and
/// says nothing, and one that lost power for a moment shows what it likes.
const REFRESH: Duration = Duration::from_secs(5);

/// Drives a stick until it is lost or the node stops.
pub(super) fn drive(desk: &Desk, found: &Found, finder: &dyn Finder) {
    let ended = opened(desk, found, finder).and_then(|mut stick| show(desk, found, &mut stick));
    if let Err((_, why)) = &ended {
        let order = desk.glance(&found.place, None, Duration::ZERO).order;
        if let Some(order) = order {
            order.answer(Err(format!("the BlinkStick {} was lost: {why}", found.serial)));
        }
    }
    desk.ended(&found.place, ended.err());
}

fn opened(
    desk: &Desk,
    found: &Found,
    finder: &dyn Finder,
) -> Result<Stick<Box<dyn Port>>, (DeviceState, String)> {
    desk.busy(&found.place, Some(Instant::now()));
    let port = finder.open(found).map_err(|why| match &why {
        OpenError::Denied(_) => (DeviceState::Denied, why.to_string()),
        OpenError::Failed { .. } => (DeviceState::Trouble, why.to_string()),
    })?;
    let stick = Stick::open(port, found.model).map_err(lost)?;
    desk.busy(&found.place, None);
    Ok(stick)
}

fn lost(why: PortError) -> (DeviceState, String) {
    match why {
        PortError::Gone => (DeviceState::Missing, "it was unplugged".to_owned()),
        PortError::Failed(why) => {
            (DeviceState::Trouble, format!("it does not take what it is sent ({why}); it is tried again"))
        }
    }
}

fn show(desk: &Desk, found: &Found, stick: &mut Stick<Box<dyn Port>>) -> Result<(), (DeviceState, String)> {
    let mut shown: Option<(Vec<Rgb>, Instant)> = None;
    let mut glance = desk.glance(&found.place, None, Duration::ZERO);
    loop {
        if glance.gone {
            return Err(lost(PortError::Gone));
        }
        let picture = if glance.ending {
            Picture { leds: desk.last_picture(stick.leds()), stays: None }
        } else {
            picture(desk, &glance, stick.leds())
        };
        let is_shown =
            shown.as_ref().is_some_and(|(leds, at)| *leds == picture.leds && at.elapsed() < REFRESH);
        if !is_shown {
            desk.busy(&found.place, Some(Instant::now()));
            stick.show(&picture.leds).map_err(lost)?;
            desk.busy(&found.place, None);
            shown = Some((picture.leds, Instant::now()));
        }
        desk.up(&found.place);
        if let Some(order) = &glance.order {
            order.answer(Ok(()));
        }
        if glance.ending {
            return Ok(());
        }
        glance = desk.glance(&found.place, Some(glance.generation), patience(picture.stays, REFRESH));
    }
}

/// The order's step while there is one, else what this node knows.
fn picture(desk: &Desk, glance: &Glance, leds: usize) -> Picture {
    if let Some((colours, rest)) = glance.order.as_ref().and_then(|order| order.step(leds)) {
        let bright = colours.into_iter().map(|colour| colour.limited(desk.language.brightness));
        let stays = p7_core::vocabulary::Millis(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX) + 1);
        return Picture { leds: bright.collect(), stays: Some(stays) };
    }
    desk.language.picture(&glance.sight, leds, desk.config.moment((desk.clock)()))
}
