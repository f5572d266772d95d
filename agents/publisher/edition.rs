//! One edition of the site: every file there is to be, with its version; the heavy ones are made when needed.

use bytes::Bytes;
use p7_core::mesh::words::Claim;
use p7_core::vocabulary::{MeshTime, Millis};
use std::fmt;
use std::sync::Arc;

/// When a file is sent: what others refer to goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Styles, scripts, pictures.
    Asset,
    /// A service's page.
    Page,
    /// The lists and the site's state, the overview last; in the order of the edition.
    Front,
}

/// How long a file may be kept by who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It is asked for anew each time.
    No,
    /// Some minutes.
    Awhile,
    /// For ever: another content has another name.
    Forever,
}

impl Keep {
    /// As the header says it.
    pub(crate) fn cache_control(self) -> &'static str {
        match self {
            Self::No => "no-cache",
            Self::Awhile => "public, max-age=300",
            Self::Forever => "public, max-age=31536000, immutable",
        }
    }
}

/// What makes a file that is not kept.
pub(crate) type Make = dyn Fn() -> Result<String, String> + Send + Sync;

/// What is in a file.
#[derive(Clone)]
pub(crate) enum Content {
    /// This.
    Ready(Bytes),
    /// What this makes of the values of its edition, on a thread that may block.
    Made(Arc<Make>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Made(_) => f.write_str("made when needed"),
        }
    }
}

/// One file of the site.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Where it is to be, from the site's top.
    pub(crate) path: String,
    /// Changes whenever what is in it does.
    pub(crate) version: String,
    /// What it is.
    pub(crate) content_type: &'static str,
    /// How long it may be kept.
    pub(crate) keep: Keep,
    /// When it is sent.
    pub(crate) rank: Rank,
    /// What is in it.
    pub(crate) content: Content,
}

impl File {
    /// What is in it.
    pub(crate) async fn bytes(&self) -> Result<Bytes, String> {
        match &self.content {
            Content::Ready(bytes) => Ok(bytes.clone()),
            Content::Made(make) => {
                let make = Arc::clone(make);
                let page = tokio::task::spawn_blocking(move || make()).await;
                page.map_err(|_stopping| "the node is stopping".to_owned())?.map(Bytes::from)
            }
        }
    }
}

/// The whole site at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Edition {
    /// When.
    pub(crate) at: MeshTime,
    /// By whose claim.
    pub(crate) claim: Claim,
    /// The publisher's name, for people.
    pub(crate) by: String,
    /// How often at least there is a new one.
    pub(crate) interval: Millis,
    /// The files, by rank, the overview last.
    pub(crate) files: Vec<File>,
}
