//! Rows of what the mesh needs to be remembered: sealed batches, terms, peers, the shared configuration.

use super::{BadRow, V1, decode, encode};
use crate::log::Kept;
use bincode::config::{self, Configuration as Coding, Limit, LittleEndian, Varint};
use p7_core::mesh::words::{Configuration, Stamp, Term};
use p7_core::vocabulary::MeshTime;
use serde::{Deserialize, Serialize};

/// Largest shared configuration that is read, in bytes: far more than a batch can carry.
const CONFIGURATION_LIMIT: usize = 4 << 20;

#[derive(Serialize, Deserialize)]
struct KeptV1 {
    floor: u64,
    upto: u64,
    above: Vec<(u64, u64)>,
    latest: u64,
}

#[derive(Serialize, Deserialize)]
struct TermV1 {
    term: u64,
}

#[derive(Serialize, Deserialize)]
struct PeerV1 {
    seen: u64,
    addresses: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct ConfigurationV1<'a> {
    version: u64,
    hash: u64,
    by: &'a str,
    at: u64,
    text: &'a str,
}

/// A sealed batch, as it is, behind its time: it is given on as it came.
pub(crate) fn logged_row(at: u64, sealed: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(9 + sealed.len());
    row.push(V1);
    row.extend(at.to_be_bytes());
    row.extend(sealed);
    row
}

/// When a batch was stated, and the batch.
pub(crate) fn read_logged(row: &[u8]) -> Result<(u64, &[u8]), BadRow> {
    let (version, body) = row.split_first().ok_or(BadRow::Empty)?;
    if *version != V1 {
        return Err(BadRow::Version(*version));
    }
    let (at, sealed) =
        body.split_first_chunk().ok_or_else(|| BadRow::Shape("a batch without its time".to_owned()))?;
    Ok((u64::from_be_bytes(*at), sealed))
}

pub(crate) fn kept_row(kept: &Kept) -> Vec<u8> {
    encode(&KeptV1 { floor: kept.floor, upto: kept.upto, above: kept.above.clone(), latest: kept.latest })
}

pub(crate) fn read_kept(row: &[u8]) -> Result<Kept, BadRow> {
    let row: KeptV1 = decode(row)?;
    Kept::read(row.floor, row.upto, row.above, row.latest)
        .ok_or_else(|| BadRow::Shape("spans out of order".to_owned()))
}

pub(crate) fn term_row(term: Term) -> Vec<u8> {
    encode(&TermV1 { term: term.0 })
}

pub(crate) fn read_term(row: &[u8]) -> Result<Term, BadRow> {
    decode::<TermV1>(row).map(|row| Term(row.term))
}

pub(crate) fn peer_row(seen: MeshTime, addresses: &[String]) -> Vec<u8> {
    encode(&PeerV1 { seen: seen.0, addresses: addresses.to_vec() })
}

pub(crate) fn read_peer(row: &[u8]) -> Result<(MeshTime, Vec<String>), BadRow> {
    decode::<PeerV1>(row).map(|row| (MeshTime(row.seen), row.addresses))
}

/// The row of a shared configuration; none when it is too long to be read again.
pub(crate) fn configuration_row(configuration: &Configuration) -> Option<Vec<u8>> {
    let row = ConfigurationV1 {
        version: configuration.stamp.version,
        hash: configuration.stamp.hash,
        by: &configuration.by,
        at: configuration.at.0,
        text: &configuration.text,
    };
    let mut bytes = vec![V1];
    bincode::serde::encode_into_std_write(row, &mut bytes, long()).ok()?;
    (bytes.len() <= CONFIGURATION_LIMIT).then_some(bytes)
}

pub(crate) fn read_configuration(row: &[u8]) -> Result<Configuration, BadRow> {
    let (version, body) = row.split_first().ok_or(BadRow::Empty)?;
    if *version != V1 {
        return Err(BadRow::Version(*version));
    }
    let (row, _read): (ConfigurationV1<'_>, usize) =
        bincode::serde::borrow_decode_from_slice(body, long()).map_err(|e| BadRow::Shape(e.to_string()))?;
    Ok(Configuration {
        stamp: Stamp { version: row.version, hash: row.hash },
        by: row.by.to_owned(),
        at: MeshTime(row.at),
        text: row.text.into(),
    })
}

fn long() -> Coding<LittleEndian, Varint, Limit<CONFIGURATION_LIMIT>> {
    config::standard().with_limit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn rows_of_today_are_read_for_ever() {
        let kept = Kept { floor: 2, upto: 3, above: vec![(5, 6)], latest: 300, oldest: None };
        assert_eq!(read_kept(&[1, 2, 3, 1, 5, 6, 0xfb, 0x2c, 1]), Ok(kept.clone()));
        assert_eq!(kept_row(&kept), [1, 2, 3, 1, 5, 6, 0xfb, 0x2c, 1]);
        assert_eq!(read_logged(&[1, 0, 0, 0, 0, 0, 0, 1, 2, 9, 8]), Ok((258, &[9, 8][..])));
        assert_eq!(logged_row(258, &[9, 8]), [1, 0, 0, 0, 0, 0, 0, 1, 2, 9, 8]);
        assert_eq!(read_term(&[1, 7]), Ok(Term(7)));
        assert_eq!(term_row(Term(7)), [1, 7]);
        let addresses = ["x".to_owned()];
        assert_eq!(read_peer(&[1, 0xfb, 0x2c, 1, 1, 1, b'x']), Ok((MeshTime(300), addresses.to_vec())));
        assert_eq!(peer_row(MeshTime(300), &addresses), [1, 0xfb, 0x2c, 1, 1, 1, b'x']);
        let stamp = Stamp { version: 1, hash: 2 };
        let shared = Configuration { stamp, by: "a".into(), at: MeshTime(3), text: "t".into() };
        assert_eq!(read_configuration(&[1, 1, 2, 1, b'a', 3, 1, b't']), Ok(shared.clone()));
        assert_eq!(configuration_row(&shared), Some(vec![1, 1, 2, 1, b'a', 3, 1, b't']));
    }

    #[test]
    fn what_no_log_can_be_is_refused() {
        let bad = Err(BadRow::Shape("spans out of order".to_owned()));
        for row in
            [[1, 0, 3, 0, 0].as_slice(), &[1, 5, 3, 0, 0], &[1, 1, 3, 1, 4, 5, 0], &[1, 1, 3, 1, 6, 5, 0]]
        {
            assert_eq!(read_kept(row), bad, "{row:?}");
        }
        assert_eq!(read_logged(&[1, 0, 0]), Err(BadRow::Shape("a batch without its time".to_owned())));
        assert_eq!(read_logged(&[]), Err(BadRow::Empty));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(row in vec(any::<u8>(), 0..200), known: bool) {
            let mut row = row;
            if let Some(version) = row.first_mut().filter(|_| known) {
                *version = 1;
            }
            drop((read_kept(&row), read_logged(&row).is_ok(), read_term(&row), read_peer(&row)));
            drop(read_configuration(&row));
        }
    }
}
