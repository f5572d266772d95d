//! Beats on the wire. Version 2 adds whether the node is cut off and the digest of what it has.

use super::sealed::{Open, seal};
use super::{FrameError, Kind, OLDEST_WIRE, SealError, bytes};
use crate::mesh_id::MeshId;
use crate::peer;
use libp2p::identity::Keypair;
use p7_core::facts::NOTE_LIMIT;
use p7_core::mesh::words::{Beat, Boot, Claim, Post, Role, Stamp, Term};
use p7_core::vocabulary::{MeshTime, NodeId};
use serde::{Deserialize, Serialize};

/// Most roles a node says it could hold: the leader's, Persona's and a mailbox for every team.
const POSTS_LIMIT: usize = 64;

#[derive(Serialize, Deserialize)]
struct BeatV1<'a> {
    boot: u32,
    number: u64,
    wall: u64,
    priority: u8,
    #[serde(borrow)]
    posts: Vec<PostV1<'a>>,
    links: u16,
    configuration: StampV1,
    goodbye: bool,
    wire: u8,
}

#[derive(Serialize, Deserialize)]
struct BeatV2<'a> {
    #[serde(borrow)]
    first: BeatV1<'a>,
    cut_off: bool,
    digest: u64,
}

#[derive(Serialize, Deserialize)]
struct PostV1<'a> {
    role: u8,
    /// Which, of a role that there are several of; else empty.
    name: &'a str,
    fit: bool,
    highest: u64,
    claim: Option<ClaimV1>,
    #[serde(borrow)]
    yields_to: Option<&'a [u8]>,
}

/// A claim of the beat's node.
#[derive(Serialize, Deserialize)]
struct ClaimV1 {
    full: bool,
    term: u64,
    priority: u8,
}

#[derive(Serialize, Deserialize)]
struct StampV1 {
    version: u64,
    hash: u64,
}

/// Seals a beat of the key's node.
pub fn seal_beat(beat: &Beat, keypair: &Keypair, mesh: &MeshId, wire: u8) -> Result<Vec<u8>, SealError> {
    let heirs: Vec<Option<Vec<u8>>> = beat.posts.iter().map(heir).collect::<Result<_, _>>()?;
    let posts = beat.posts.iter().zip(&heirs);
    let posts = posts.map(|(post, heir)| post_v1(post, heir.as_deref(), &beat.node));
    let first = BeatV1 {
        boot: beat.boot.0,
        number: beat.number,
        wall: beat.wall.0,
        priority: beat.priority,
        posts: posts.collect::<Result<_, _>>()?,
        links: beat.links,
        configuration: StampV1 { version: beat.configuration.version, hash: beat.configuration.hash },
        goodbye: beat.goodbye,
        wire: beat.wire,
    };
    if first.posts.len() > POSTS_LIMIT {
        return Err(SealError::Unlawful(FrameError::Shape("posts")));
    }
    let body = if wire <= OLDEST_WIRE {
        bytes::encode(&first)
    } else {
        bytes::encode(&BeatV2 { first, cut_off: beat.cut_off, digest: beat.digest })
    }?;
    seal(Kind::Beat, wire, (&beat.node, &body), keypair, mesh)
}

fn heir(post: &Post) -> Result<Option<Vec<u8>>, SealError> {
    let Some(node) = &post.yields_to else { return Ok(None) };
    peer::to_bytes(node).map(Some).ok_or_else(|| SealError::NoPeer(node.to_string()))
}

fn post_v1<'a>(post: &'a Post, heir: Option<&'a [u8]>, node: &NodeId) -> Result<PostV1<'a>, SealError> {
    let (role, name) = match &post.role {
        Role::Leader => (0, ""),
        Role::Mailbox(name) => (1, name.as_str()),
        Role::Persona => (2, ""),
    };
    bytes::text(name, NOTE_LIMIT, "a role's name").map_err(SealError::Unlawful)?;
    if let Some(claim) = post.claim.as_ref().filter(|claim| claim.node != *node) {
        return Err(SealError::NotOurs { what: "a claim", node: claim.node.to_string() });
    }
    let claim = post.claim.as_ref();
    let claim = claim.map(|claim| ClaimV1 { full: claim.full, term: claim.term.0, priority: claim.priority });
    Ok(PostV1 { role, name, fit: post.fit, highest: post.highest.0, claim, yields_to: heir })
}

pub(super) fn read(open: &Open<'_>) -> Result<Beat, FrameError> {
    let BeatV2 { first, cut_off, digest } = if open.wire <= OLDEST_WIRE {
        BeatV2 { first: bytes::decode(open.body, "a beat")?, cut_off: false, digest: 0 }
    } else {
        bytes::decode(open.body, "a beat")?
    };
    if first.posts.len() > POSTS_LIMIT {
        return Err(FrameError::Shape("posts"));
    }
    // a role that a newer release has added is nothing to this one
    let posts = first.posts.iter().filter_map(|post| read_post(post, &open.author).transpose());
    Ok(Beat {
        node: open.author.clone(),
        boot: Boot(first.boot),
        number: first.number,
        wall: MeshTime(first.wall),
        priority: first.priority,
        posts: posts.collect::<Result<_, _>>()?,
        links: first.links,
        digest,
        configuration: Stamp { version: first.configuration.version, hash: first.configuration.hash },
        cut_off,
        goodbye: first.goodbye,
        wire: first.wire,
    })
}

fn read_post(post: &PostV1<'_>, author: &NodeId) -> Result<Option<Post>, FrameError> {
    let name = bytes::text(post.name, NOTE_LIMIT, "a role's name")?;
    let role = match post.role {
        0 => Role::Leader,
        1 => Role::Mailbox(name.to_owned()),
        2 => Role::Persona,
        _ => return Ok(None),
    };
    let node = |bytes| peer::from_bytes(bytes).ok_or(FrameError::Shape("a node's id"));
    Ok(Some(Post {
        role,
        fit: post.fit,
        highest: Term(post.highest),
        claim: post.claim.as_ref().map(|claim| Claim {
            full: claim.full,
            term: Term(claim.term),
            priority: claim.priority,
            node: author.clone(),
        }),
        yields_to: post.yields_to.map(node).transpose()?,
    }))
}
