//! Whom a node dials, and when.

use super::*;

fn place(text: &str) -> Multiaddr {
    text.parse().unwrap()
}

fn at(number: usize) -> Multiaddr {
    place(&format!("/ip4/192.0.2.{}/tcp/{}", number % 250, 7000 + number))
}

fn book() -> Book {
    Book::new(PeerId::random(), Reach::Network, 7)
}

/// When a peer is dialled whose dials all fail, in seconds, over an hour.
fn dialled(book: &mut Book) -> Vec<u64> {
    let mut times = Vec::new();
    for now in (0..3_600_000).step_by(500) {
        for dial in book.due(now) {
            times.push(now / 1000);
            book.failed(&dial.target, &Failure::Refused, now);
        }
    }
    times
}

#[test]
fn a_peer_is_dialled_for_ever_less_and_less_often() {
    let mut book = book();
    book.know(PeerId::random(), &[at(1)], Kept::ForEver, 0);
    let times = dialled(&mut book);
    let pauses: Vec<u64> = times.windows(2).map(|two| two[1] - two[0]).collect();
    let expected = [1, 2, 4, 8, 16, 30, 30, 30];
    for (pause, expected) in pauses.iter().zip(expected) {
        assert!((expected..=expected + 1).contains(pause), "{pauses:?}");
    }
    assert!(times.len() > 110, "{}", times.len());
}

#[test]
fn a_configured_address_is_dialled_for_ever_and_a_hint_is_not() {
    let mut book = book();
    assert!(book.add_place(&at(1), 0));
    assert!(dialled(&mut book).len() > 110);
    let mut book = self::book();
    book.know(PeerId::random(), &[at(1)], Kept::Hint, 0);
    assert_eq!(dialled(&mut book).len(), 3);
}

#[test]
fn nobody_is_dialled_who_is_connected_or_being_dialled() {
    let (mut book, peer) = (book(), PeerId::random());
    book.know(peer, &[at(1)], Kept::ForEver, 0);
    let dial = Dial { target: Target::Peer(peer), addresses: vec![at(1)] };
    assert_eq!(book.due(2_000), std::slice::from_ref(&dial));
    assert_eq!(book.due(60_000), []);
    book.connected(peer, Some(&dial.target), 60_000);
    assert_eq!(book.due(120_000), []);
    book.disconnected(peer, 120_000);
    assert_eq!(book.due(121_000), [dial], "soon after a connection that has lasted");
}

#[test]
fn a_peer_that_closes_at_once_is_dialled_less_and_less_often() {
    let (mut book, peer) = (book(), PeerId::random());
    book.know(peer, &[at(1)], Kept::ForEver, 0);
    let mut dials = 0;
    for now in (0..3_600_000).step_by(500) {
        for dial in book.due(now) {
            dials += 1;
            book.connected(peer, Some(&dial.target), now);
            book.disconnected(peer, now + 5);
        }
    }
    assert!((110..130).contains(&dials), "{dials}");
}

#[test]
fn a_configured_address_is_not_dialled_while_its_peer_is_connected() {
    let (mut book, peer) = (book(), PeerId::random());
    book.add_place(&at(1), 0);
    let dial = Dial { target: Target::Place(at(1)), addresses: vec![at(1)] };
    assert_eq!(book.due(0), std::slice::from_ref(&dial));
    book.connected(peer, Some(&dial.target), 10);
    assert_eq!(book.due(60_000), []);
    book.disconnected(peer, 60_000);
    let again = Dial { target: Target::Peer(peer), addresses: vec![at(1)] };
    assert_eq!(book.due(62_000), std::slice::from_ref(&again), "the peer that was found there");
    for _ in 0..2 {
        book.failed(&again.target, &Failure::Refused, 62_000);
        assert_eq!(book.due(62_000), []);
    }
    book.failed(&again.target, &Failure::Refused, 62_000);
    assert_eq!(book.due(62_000), [dial], "another may be there now");
}

#[test]
fn a_peer_that_came_to_us_and_listens_at_a_configured_address_is_not_dialled_there() {
    let (mut book, peer) = (book(), PeerId::random());
    book.add_place(&at(1), 0);
    book.connected(peer, None, 0);
    assert_eq!(book.know(peer, &[at(1)], Kept::ForEver, 0), [at(1)]);
    assert_eq!(book.due(60_000), []);
}

#[test]
fn an_address_of_our_own_is_dialled_once() {
    let mut book = book();
    book.add_place(&at(1), 0);
    let dial = book.due(0).remove(0);
    book.failed(&dial.target, &Failure::Ourselves(at(1)), 0);
    assert_eq!(book.due(1_000_000), []);
}

#[test]
fn an_address_that_leads_to_another_peer_is_forgotten() {
    for why in [Failure::OtherPeer(at(1)), Failure::Ourselves(at(1))] {
        let (mut book, peer) = (book(), PeerId::random());
        book.know(peer, &[at(1), at(2)], Kept::ForEver, 0);
        let dial = book.due(2_000).remove(0);
        assert_eq!(dial.addresses, [at(1), at(2)]);
        book.failed(&dial.target, &why, 2_000);
        assert_eq!(book.due(4_000).remove(0).addresses, [at(2)]);
    }
}

#[test]
fn after_sleep_everybody_is_dialled_at_once() {
    let (mut book, peer) = (book(), PeerId::random());
    book.know(peer, &[at(1)], Kept::ForEver, 0);
    book.add_place(&at(2), 0);
    dialled(&mut book);
    assert_eq!(book.due(3_600_000).len(), 0);
    book.wake(3_600_000);
    assert_eq!(book.due(3_600_000).len(), 2);
}

#[test]
fn in_a_small_mesh_everybody_is_dialled_and_in_a_large_one_sixteen_are() {
    let dials = |peers: usize| {
        let mut book = book();
        for number in 0..peers {
            book.know(PeerId::random(), &[at(number)], Kept::ForEver, 0);
        }
        let due: Vec<Dial> = (2..20).flat_map(|second| book.due(second * 1_000)).collect();
        due.len()
    };
    assert_eq!((dials(63), dials(200)), (63, 16));
}

#[test]
fn what_is_known_is_bounded_and_hints_go_first() {
    let mut book = book();
    let hint = PeerId::random();
    book.know(hint, &[at(1)], Kept::Hint, 0);
    for number in 0..PEERS_LIMIT {
        assert!(!book.know(PeerId::random(), &[at(number)], Kept::ForEver, 0).is_empty());
    }
    assert!(book.know(PeerId::random(), &[at(1)], Kept::ForEver, 0).is_empty());
    assert_eq!(book.peers.len(), PEERS_LIMIT);
    assert!(!book.peers.contains_key(&hint));
    let many: Vec<Multiaddr> = (0..50).map(at).collect();
    let peer = *book.peers.keys().next().unwrap();
    book.know(peer, &many, Kept::ForEver, 0);
    assert_eq!(book.peers[&peer].addresses, many[..ADDRESSES_LIMIT]);
    assert_eq!((0..100).filter(|number| book.add_place(&at(*number), 0)).count(), PLACES_LIMIT);
}
