//! The driver, the agent and `p7 device` with virtual USB BlinkSticks behind a real kernel's USB, HID and
//! hidraw. They take a kernel of their own: `scripts/test-blinkstick` boots one.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

mod agent;
mod program;
mod stick;
mod usb;
mod usbip;

use p7_blinkstick::hid::Hid;
use p7_blinkstick::port::{Finder, Found, Port};
use p7_blinkstick::{Rgb, Stick};
use std::time::{Duration, Instant};
use usb::Unit;

/// A kernel that is played by a program takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
const RED: Rgb = Rgb::new(255, 0, 0);
const BLUE: Rgb = Rgb::new(0, 0, 255);
const GREEN: Rgb = Rgb::new(0, 0x80, 0);
/// No user of any rights.
const NOBODY: u32 = 65_534;

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The unit as the system has it, once it has.
fn found(unit: &Unit) -> Found {
    let here = || Hid.find().unwrap().into_iter().find(|one| one.serial == unit.serial);
    wait(&format!("{} is found", unit.serial), || here().is_some());
    here().unwrap()
}

fn opened(unit: &Unit) -> Stick<Box<dyn Port>> {
    let found = found(unit);
    Stick::open(Hid.open(&found).unwrap(), found.model).unwrap()
}

fn faults(unit: &Unit) -> Vec<String> {
    unit.stick.state().faults.clone()
}

/// This thread, and those it starts from here on, may do what nobody in particular may.
fn become_nobody() {
    let nobody = rustix::thread::Uid::from_raw(NOBODY);
    // who was root stays so in reserve
    rustix::thread::set_thread_res_uid(None, Some(nobody), None).unwrap();
}

/// This thread may do anything again.
fn become_root() {
    rustix::thread::set_thread_res_uid(None, Some(rustix::thread::Uid::ROOT), None).unwrap();
}
