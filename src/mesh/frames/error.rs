//! Why a frame can't be read or written. Nothing of what a peer wrote is in these texts.

/// Why a frame can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not of ours.
    #[error("what arrived is no frame of p7's")]
    NotAFrame,
    /// Of a version this program does not know: to be counted and skipped.
    #[error("a frame of wire version {0}, which this p7 does not know; update it")]
    Version(u8),
    /// Of a kind this program does not know, or not at this place: to be counted and skipped.
    #[error("a frame of kind {0}, which this p7 does not expect here")]
    Kind(u8),
    /// Too large.
    #[error("a frame of {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        limit: usize,
    },
    /// Its author's id is not that of an ed25519 key.
    #[error("a frame whose author is no node")]
    Author,
    /// Not signed by the author it names, or not for this mesh.
    #[error("a frame that its author has not signed for this mesh")]
    Signature,
    /// Not what its kind and version say.
    #[error("a frame that does not decode: {0}")]
    Shape(&'static str),
}

impl FrameError {
    /// Whether a newer release may well send this: it is no fault of the peer's.
    pub fn is_of_another_release(self) -> bool {
        match self {
            Self::Version(_) | Self::Kind(_) => true,
            Self::NotAFrame | Self::TooLarge { .. } | Self::Author | Self::Signature | Self::Shape(_) => {
                false
            }
        }
    }

    /// The name it counts under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAFrame => "frame",
            Self::Version(_) => "version",
            Self::Kind(_) => "kind",
            Self::TooLarge { .. } => "size",
            Self::Author => "author",
            Self::Signature => "signature",
            Self::Shape(_) => "shape",
        }
    }
}

/// Why a frame can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Of a version this program does not write.
    #[error("wire version {0} is not written by this p7")]
    Version(u8),
    /// What is to be sealed is not the key's own word.
    #[error("{what} of `{node}` can't be signed with the key of another node")]
    NotOurs {
        /// What.
        what: &'static str,
        /// Whose it says it is.
        node: String,
    },
    /// An id that is not that of an ed25519 key.
    #[error("`{0}` is no peer id")]
    NoPeer(String),
    /// Too large.
    #[error("{what} of {bytes} bytes; at most {limit} may be sent")]
    TooLarge {
        /// What.
        what: &'static str,
        /// What it has.
        bytes: usize,
        /// What it may have.
        limit: usize,
    },
    /// Something in it that no other node would take.
    #[error("other nodes would refuse it: {0}")]
    Unlawful(FrameError),
    /// The key does not sign.
    #[error("the node's key does not sign; it must be an ed25519 key")]
    Key,
}
