//! One UDP datagram of the robot's protocol: a header of 14 bytes, then one message or a container of them.
//!
//! All integers are little-endian. There is no checksum and no encryption: whoever is on the robot's
//! network can say anything, so nothing read here is trusted further than its own length.

/// The first seven bytes of every datagram: `COZ`, 3, `RE`, 1.
pub const MAGIC: [u8; 7] = *b"COZ\x03RE\x01";
/// Bytes before the body.
pub const HEADER_BYTES: usize = 14;
/// Most bytes of a body; the robot drops a larger datagram.
pub const BODY_LIMIT: usize = 1037;
/// Bytes before each message in a container: its kind and its length.
pub const PART_HEADER_BYTES: usize = 3;
/// Longest message, tag included, that fits into a container.
pub const MESSAGE_LIMIT: usize = BODY_LIMIT - PART_HEADER_BYTES;

/// The number of a reliable message: 1 to 65,534, then 1 again. On the wire 0 stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(u16);

impl Id {
    /// The first of a connection, in each direction.
    pub const FIRST: Self = Self(1);
    const LAST: u16 = 65_534;

    /// As read from the wire; none for 0 and for 65,535, which names nothing.
    pub fn from_wire(id: u16) -> Option<Self> {
        (1..=Self::LAST).contains(&id).then_some(Self(id))
    }

    /// As it is written.
    pub fn wire(self) -> u16 {
        self.0
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        if self.0 >= Self::LAST { Self::FIRST } else { Self(self.0 + 1) }
    }
}

/// What a frame, or a message in a container, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// "Let us talk": starts a connection, always id 1.
    ConnectionRequest,
    /// The robot's answer to that.
    ConnectionResponse,
    /// The end of a connection.
    Disconnect,
    /// A message that is repeated until it is acknowledged: a tag and its fields.
    Reliable,
    /// A message that may be lost.
    Unreliable,
    /// A long message in parts. The robot does not implement it.
    Multipart,
    /// A container of reliable messages.
    ReliableContainer,
    /// A container of unreliable ones.
    UnreliableContainer,
    /// A container of both. The robot sends nothing else.
    MixedContainer,
    /// Nothing but an acknowledgement. Never needed.
    AckOnly,
    /// Asks for its own echo; keeps the connection alive and carries an acknowledgement.
    Ping,
}

impl Kind {
    fn from_wire(kind: u8) -> Option<Self> {
        Some(match kind {
            1 => Self::ConnectionRequest,
            2 => Self::ConnectionResponse,
            3 => Self::Disconnect,
            4 => Self::Reliable,
            5 => Self::Unreliable,
            6 => Self::Multipart,
            7 => Self::ReliableContainer,
            8 => Self::UnreliableContainer,
            9 => Self::MixedContainer,
            10 => Self::AckOnly,
            11 => Self::Ping,
            _ => return None,
        })
    }

    /// Its number in a datagram.
    pub fn wire(self) -> u8 {
        match self {
            Self::ConnectionRequest => 1,
            Self::ConnectionResponse => 2,
            Self::Disconnect => 3,
            Self::Reliable => 4,
            Self::Unreliable => 5,
            Self::Multipart => 6,
            Self::ReliableContainer => 7,
            Self::UnreliableContainer => 8,
            Self::MixedContainer => 9,
            Self::AckOnly => 10,
            Self::Ping => 11,
        }
    }

    /// Whether a message of this kind takes the next id and is repeated until acknowledged.
    pub fn is_reliable(self) -> bool {
        match self {
            Self::ConnectionRequest
            | Self::ConnectionResponse
            | Self::Disconnect
            | Self::Reliable
            | Self::Multipart => true,
            Self::Unreliable
            | Self::ReliableContainer
            | Self::UnreliableContainer
            | Self::MixedContainer
            | Self::AckOnly
            | Self::Ping => false,
        }
    }

    fn is_container(self) -> bool {
        matches!(self, Self::ReliableContainer | Self::UnreliableContainer | Self::MixedContainer)
    }
}

/// Why a datagram is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than a header, or more than the protocol allows.
    #[error("{0} bytes are no Cozmo frame")]
    Length(usize),
    /// It does not begin as every frame does.
    #[error("it does not begin with Cozmo's mark")]
    Magic,
    /// A kind nobody knows.
    #[error("there is no frame of kind {0}")]
    Kind(u8),
}

/// A datagram's header and body, as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is.
    pub kind: Kind,
    /// The id of the first reliable message in it.
    pub first: Option<Id>,
    /// The id of the last one.
    pub last: Option<Id>,
    /// Everything up to this one has arrived at the sender of this frame.
    pub ack: Option<Id>,
    body: &'a [u8],
}

/// One message of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its id, if it is reliable and the frame says where its ids begin.
    pub id: Option<Id>,
    /// Its bytes; of a data message a tag and its fields.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a datagram.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, FrameError> {
        let length = FrameError::Length(datagram.len());
        let (header, body) = datagram.split_first_chunk::<HEADER_BYTES>().ok_or(length)?;
        if body.len() > BODY_LIMIT {
            return Err(length);
        }
        let [magic @ .., kind, f0, f1, l0, l1, a0, a1] = *header;
        if magic != MAGIC {
            return Err(FrameError::Magic);
        }
        Ok(Self {
            kind: Kind::from_wire(kind).ok_or(FrameError::Kind(kind))?,
            first: Id::from_wire(u16::from_le_bytes([f0, f1])),
            last: Id::from_wire(u16::from_le_bytes([l0, l1])),
            ack: Id::from_wire(u16::from_le_bytes([a0, a1])),
            body,
        })
    }

    /// Its messages in order. A container ends where its lengths stop making sense.
    pub fn parts(&self) -> Parts<'a> {
        Parts { container: self.kind.is_container(), kind: self.kind, id: self.first, rest: Some(self.body) }
    }
}

/// The messages of a frame, in order.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    container: bool,
    kind: Kind,
    id: Option<Id>,
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let rest = self.rest.take()?;
        let (kind, payload) = if self.container {
            let (&[kind, l0, l1], after) = rest.split_first_chunk()?;
            let (payload, after) = after.split_at_checked(usize::from(u16::from_le_bytes([l0, l1])))?;
            self.rest = Some(after);
            // a container in a container would be a way to make little say much
            let kind = Kind::from_wire(kind).filter(|kind| !kind.is_container())?;
            (kind, payload)
        } else {
            (self.kind, rest)
        };
        let id = if kind.is_reliable() { self.id } else { None };
        if let Some(id) = id {
            self.id = Some(id.next());
        }
        Some(Part { kind, id, payload })
    }
}

/// Writes a datagram. `ids` are the first and last reliable message in it.
pub fn encode(kind: Kind, ids: Option<(Id, Id)>, ack: Option<Id>, body: &[u8]) -> Vec<u8> {
    let (first, last) = ids.map_or((0, 0), |(first, last)| (first.wire(), last.wire()));
    let mut datagram = Vec::with_capacity(HEADER_BYTES + body.len());
    datagram.extend_from_slice(&MAGIC);
    datagram.push(kind.wire());
    for number in [first, last, ack.map_or(0, Id::wire)] {
        datagram.extend_from_slice(&number.to_le_bytes());
    }
    datagram.extend_from_slice(body);
    datagram
}

/// Appends a reliable message to a container's body; says whether there was room.
pub(crate) fn append(body: &mut Vec<u8>, kind: Kind, payload: &[u8]) -> bool {
    let Ok(length) = u16::try_from(payload.len()) else {
        return false;
    };
    if body.len() + PART_HEADER_BYTES + payload.len() > BODY_LIMIT {
        return false;
    }
    body.push(kind.wire());
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(payload);
    true
}
