//! Where each row lies: a table's letter, then its key in big-endian numbers, so that bytes sort as
//! the values do.
//!
//! | letter | key | row |
//! |---|---|---|
//! | `m` | name | what the store knows of itself |
//! | `n` | kind, text | the small number of a service or node |
//! | `r` `h` `d` | bucket, service, time, node | results, hours, days |
//! | `x` | service, hour | a rolled-up hour that got a late result |
//! | `i` | first cycle, service | incidents |
//! | `j` | service, first cycle | incidents by service |
//! | `o` | first cycle, service | incidents that have not ended |
//! | `a` | first cycle, service | acknowledgements |
//! | `s` | id | silences and maintenances |
//! | `p` | service | deployments |
//! | `l` | author, life, chapter, number | sealed batches, as the mesh states them |
//! | `q` | author, life, chapter | which numbers of such a sequence are there |
//! | `t` | role | the greatest term of a role |
//! | `k` | node | where a peer was reached |
//!
//! Results and rollups lie in buckets of time first: what is written now never lands among what was
//! written long ago, and what is past its time is dropped a bucket at once.

use crate::rollup::{DAY_MS, HOUR_MS};
use serde::{Deserialize, Serialize};

/// The table of small numbers.
pub(crate) const NAMES: u8 = b'n';
/// The table of rolled-up hours that got late results.
pub(crate) const LATE: u8 = b'x';
/// The table of incidents by time.
pub(crate) const INCIDENTS: u8 = b'i';
/// The table of incidents by service.
pub(crate) const INCIDENTS_BY_SERVICE: u8 = b'j';
/// The table of open incidents by time.
pub(crate) const OPEN_INCIDENTS: u8 = b'o';
/// The table of acknowledgements.
pub(crate) const ACKNOWLEDGEMENTS: u8 = b'a';
/// The table of silences and maintenances.
pub(crate) const HOLDS: u8 = b's';
/// The table of deployments.
pub(crate) const DEPLOYMENTS: u8 = b'p';
/// The table of sealed batches.
pub(crate) const LOG: u8 = b'l';
/// The table of what is there of each sequence of them.
pub(crate) const SEQUENCES: u8 = b'q';
/// The table of terms by role.
pub(crate) const TERMS: u8 = b't';
/// The table of peers and their addresses.
pub(crate) const PEERS: u8 = b'k';

/// The row that holds the database's format.
pub(crate) const FORMAT_KEY: &[u8] = b"mformat";
/// The row that holds the first day whose results are kept.
pub(crate) const FLOOR_KEY: &[u8] = b"mfloor";
/// The row that holds the time before which every hour is rolled up.
pub(crate) const ROLLED_KEY: &[u8] = b"mrolled";
/// The row that holds which of its lives the node is in.
pub(crate) const BOOT_KEY: &[u8] = b"mboot";
/// The row that holds when this node was last seen in the mesh.
pub(crate) const SEEN_KEY: &[u8] = b"mseen";
/// The row that holds of which time results were missed.
pub(crate) const MISSED_KEY: &[u8] = b"mmissed";
/// The row that holds the shared configuration.
pub(crate) const SHARED_KEY: &[u8] = b"mshared";

/// A table of rows by service, time and node, in buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) table: u8,
    /// How much time a bucket covers, in milliseconds.
    width: u64,
}

/// Results, by day.
pub(crate) const RESULTS: Series = Series { table: b'r', width: DAY_MS };
/// Hours, by about a month: 13 buckets in a year.
pub(crate) const HOURS: Series = Series { table: b'h', width: 32 * DAY_MS };
/// Days, by about three years.
pub(crate) const DAYS: Series = Series { table: b'd', width: 1024 * DAY_MS };

/// The place of a row of a [`Series`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) bucket: u32,
    pub(crate) service: u32,
    pub(crate) time: u64,
    pub(crate) node: u32,
}

/// Length of the key of a [`Place`].
pub(crate) const PLACE_LENGTH: usize = 21;

impl Series {
    /// The bucket of a time. Absurd times share the last one.
    pub(crate) fn bucket(self, time: u64) -> u32 {
        u32::try_from(time / self.width).unwrap_or(u32::MAX)
    }

    /// When a bucket begins.
    pub(crate) fn start(self, bucket: u32) -> u64 {
        u64::from(bucket).saturating_mul(self.width)
    }

    pub(crate) fn place(self, service: u32, time: u64, node: u32) -> Place {
        Place { bucket: self.bucket(time), service, time, node }
    }

    pub(crate) fn key(self, place: Place) -> [u8; PLACE_LENGTH] {
        let mut key = [self.table; PLACE_LENGTH];
        key[1..5].copy_from_slice(&place.bucket.to_be_bytes());
        key[5..9].copy_from_slice(&place.service.to_be_bytes());
        key[9..17].copy_from_slice(&place.time.to_be_bytes());
        key[17..].copy_from_slice(&place.node.to_be_bytes());
        key
    }

    /// The place a key names; none when it is not of this series.
    pub(crate) fn read(self, key: &[u8]) -> Option<Place> {
        let key: &[u8; PLACE_LENGTH] = key.try_into().ok()?;
        (key[0] == self.table).then(|| Place {
            bucket: number(&key[1..5]),
            service: number(&key[5..9]),
            time: time(&key[9..17]),
            node: number(&key[17..]),
        })
    }

    /// The first key of a bucket.
    pub(crate) fn bucket_key(self, bucket: u32) -> Vec<u8> {
        let mut key = vec![self.table];
        key.extend(bucket.to_be_bytes());
        key
    }
}

/// The key of a row by time and service.
pub(crate) fn by_time(table: u8, time: u64, service: u32) -> [u8; 13] {
    let mut key = [table; 13];
    key[1..9].copy_from_slice(&time.to_be_bytes());
    key[9..].copy_from_slice(&service.to_be_bytes());
    key
}

/// The time and service of such a key.
pub(crate) fn read_by_time(key: &[u8]) -> Option<(u64, u32)> {
    let key: &[u8; 13] = key.try_into().ok()?;
    Some((time(&key[1..9]), number(&key[9..])))
}

/// The key of a row by service and time.
pub(crate) fn by_service(table: u8, service: u32, time: u64) -> [u8; 13] {
    let mut key = [table; 13];
    key[1..5].copy_from_slice(&service.to_be_bytes());
    key[5..].copy_from_slice(&time.to_be_bytes());
    key
}

/// The service and time of such a key.
pub(crate) fn read_by_service(key: &[u8]) -> Option<(u32, u64)> {
    let key: &[u8; 13] = key.try_into().ok()?;
    Some((number(&key[1..5]), time(&key[5..])))
}

/// The key of a row by service alone.
pub(crate) fn of_service(table: u8, service: u32) -> [u8; 5] {
    let mut key = [table; 5];
    key[1..].copy_from_slice(&service.to_be_bytes());
    key
}

/// The key of a row by text.
pub(crate) fn by_text(table: u8, text: &str) -> Vec<u8> {
    let mut key = vec![table];
    key.extend(text.as_bytes());
    key
}

/// The start of the hour a time lies in.
pub(crate) fn hour_of(time: u64) -> u64 {
    time - time % HOUR_MS
}

/// The start of the UTC day a time lies in.
pub(crate) fn day_of(time: u64) -> u64 {
    time - time % DAY_MS
}

/// A number of four bytes; 0 when there are not four.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_be_bytes)
}

/// A time of eight bytes; 0 when there are not eight.
pub(crate) fn time(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_sort_as_their_keys_do_and_read_back(
            a in any::<(u32, u64, u32)>(), b in any::<(u32, u64, u32)>(),
        ) {
            for series in [RESULTS, HOURS, DAYS] {
                let (a, b) = (series.place(a.0, a.1, a.2), series.place(b.0, b.1, b.2));
                prop_assert_eq!(a.cmp(&b), series.key(a).cmp(&series.key(b)));
                prop_assert_eq!(series.read(&series.key(a)), Some(a));
            }
        }

        #[test]
        fn keys_by_time_and_by_service_read_back(time: u64, service: u32) {
            prop_assert_eq!(read_by_time(&by_time(INCIDENTS, time, service)), Some((time, service)));
            let key = by_service(INCIDENTS_BY_SERVICE, service, time);
            prop_assert_eq!(read_by_service(&key), Some((service, time)));
        }
    }

    #[test]
    fn a_key_of_another_table_or_length_is_no_place() {
        let key = RESULTS.key(RESULTS.place(1, 2, 3));
        assert_eq!(HOURS.read(&key), None);
        assert_eq!(RESULTS.read(&key[..20]), None);
        assert_eq!(RESULTS.read(&[]), None);
    }
}
