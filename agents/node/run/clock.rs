//! Mesh time: the wall clock, corrected where the mesh says that it is grossly off.

use p7_core::vocabulary::MeshTime;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much is added to the wall clock, in milliseconds.
static CORRECTION_MS: AtomicI64 = AtomicI64::new(0);

/// Mesh time; one node alone takes its wall clock for it.
pub(crate) fn now() -> MeshTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    MeshTime(wall.saturating_add_signed(CORRECTION_MS.load(Ordering::Relaxed)))
}

/// Corrects the wall clock by so many milliseconds from now on.
pub(crate) fn correct(milliseconds: i64) {
    CORRECTION_MS.store(milliseconds, Ordering::Relaxed);
}
