//! How long to wait before a failed publication is tried again.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest: a target that comes back after a night is seen within minutes.
const LONGEST: Duration = Duration::from_secs(300);

/// The wait after this many failures in a row: doubled each time, and of that between a half and all, so that
/// several nodes or targets that failed together do not come back together.
pub(crate) fn pause(failures: u32, chance: u64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST);
    let half = doubled / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    // SplitMix64's finish: neighbouring chances lead to far waits
    let mixed = (chance ^ (chance >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    half + Duration::from_millis((mixed ^ (mixed >> 27)) % millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_minutes_and_differ() {
        for (failures, most) in [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (1000, 300)] {
            let most = Duration::from_secs(most);
            let waits: std::collections::BTreeSet<_> = (0..20).map(|c| pause(failures, c * 977)).collect();
            assert!(waits.iter().all(|wait| *wait >= most / 2 && *wait <= most), "{failures}: {waits:?}");
            assert!(waits.len() > 10, "{failures}");
        }
    }
}
