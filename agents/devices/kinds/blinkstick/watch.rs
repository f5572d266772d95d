//! The thread that looks who is plugged in, and gives every stick a thread of its own.

use super::config::ALL;
use super::desk::Desk;
use super::drive::drive;
use p7_blinkstick::port::{Finder, Found};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::Duration;

/// How often it looks: hidapi tells nobody of a stick that comes or goes, and looking reads a few files.
const LOOK_EVERY: Duration = Duration::from_millis(1_500);
/// Most sticks that are driven at once, those that hang included.
const STICKS_LIMIT: usize = 16;

/// Looks until the node stops.
pub(super) fn start(desks: Vec<Arc<Desk>>, finder: Arc<dyn Finder>) {
    let watch = move || {
        let driven = Arc::new(AtomicUsize::new(0));
        while let Some(first) = desks.first().filter(|desk| !desk.is_ending()) {
            look(&desks, &finder, &driven);
            // wakes at once when the node stops, and for nothing else
            first.rest(LOOK_EVERY);
        }
    };
    if let Err(error) = Builder::new().name("p7-sticks".to_owned()).spawn(watch) {
        tracing::error!(%error, "can't look for BlinkSticks: the system gives no thread");
    }
}

fn look(desks: &[Arc<Desk>], finder: &Arc<dyn Finder>, driven: &Arc<AtomicUsize>) {
    let found = match finder.find() {
        Ok(found) => found,
        Err(why) => return desks.iter().for_each(|desk| desk.blind(&why)),
    };
    for desk in desks {
        let its: Vec<&Found> = found
            .iter()
            .filter(|one| owner(desks, one).is_some_and(|owner| Arc::ptr_eq(owner, desk)))
            .collect();
        desk.plugged(&its);
        for one in its {
            if driven.load(Ordering::Relaxed) >= STICKS_LIMIT {
                p7_bus::note_dropped("blinksticks", 1);
                tracing::debug!(limit = STICKS_LIMIT, "more BlinkSticks than are driven at once");
            } else if desk.begin(one) {
                spawn(desk, one, finder, driven);
            }
        }
    }
}

/// Whose stick it is: his who names it, else his who drives all.
fn owner<'a>(desks: &'a [Arc<Desk>], found: &Found) -> Option<&'a Arc<Desk>> {
    let named = |name: &str| desks.iter().find(|desk| desk.config.serial.eq_ignore_ascii_case(name));
    named(&found.serial).or_else(|| named(ALL))
}

fn spawn(desk: &Arc<Desk>, found: &Found, finder: &Arc<dyn Finder>, driven: &Arc<AtomicUsize>) {
    driven.fetch_add(1, Ordering::Relaxed);
    let (its_desk, its_finder, its_count) = (Arc::clone(desk), Arc::clone(finder), Arc::clone(driven));
    let its_found = found.clone();
    let work = move || {
        drive(&its_desk, &its_found, its_finder.as_ref());
        its_count.fetch_sub(1, Ordering::Relaxed);
    };
    if let Err(error) = Builder::new().name("p7-stick".to_owned()).spawn(work) {
        driven.fetch_sub(1, Ordering::Relaxed);
        let why = format!("the system gives no thread: {error}");
        desk.ended(&found.place, Some((p7_bus::DeviceState::Trouble, why)));
    }
}
