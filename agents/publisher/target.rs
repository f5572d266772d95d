//! What a place must be able to do so that pages can be published there.

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// What a place answers, some time.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, TargetError>>;

/// Tells a file's contents from those it had before; quoted or not as the place does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) String);

/// Under which condition a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Whatever is there.
    Always,
    /// Only where there is none.
    Absent,
    /// Only where it is still this one.
    Same(Tag),
}

/// A file on its way.
#[derive(Debug, Clone)]
pub(crate) struct Put<'a> {
    pub(crate) path: &'a str,
    pub(crate) bytes: Bytes,
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: &'static str,
    pub(crate) guard: Guard,
}

/// A file that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    pub(crate) tag: Option<Tag>,
}

/// Why a place did not do what it was asked to. Texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// The condition was not met: somebody else has written there meanwhile.
    #[error("`{0}` was changed by somebody else meanwhile")]
    Changed(String),
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// A place for the pages.
pub(crate) trait Target: Send + Sync {
    /// Whether it could write under conditions at all; whether it does is tried.
    fn may_condition(&self) -> bool;
    /// Reads a file, if it is there.
    fn read<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Found>>;
    /// Its tag, if it is there and the place has such.
    fn tag<'a>(&'a self, path: &'a str) -> Answer<'a, Option<Tag>>;
    /// Writes a file as a whole: who reads meanwhile gets the old or the new one.
    fn write<'a>(&'a self, put: Put<'a>) -> Answer<'a, Option<Tag>>;
    /// Removes a file; one that is not there is no fault.
    fn remove<'a>(&'a self, path: &'a str) -> Answer<'a, ()>;
}
