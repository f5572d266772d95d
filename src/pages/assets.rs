//! Styles, scripts and icons: embedded in the binary, replaceable by files in a folder.

use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(RustEmbed)]
#[folder = "../../dashboards/assets/"]
struct Embedded;

/// A file that pages refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its contents.
    pub bytes: Cow<'static, [u8]>,
    /// What it is, for the `Content-Type` header.
    pub content_type: &'static str,
    /// Changes with its contents, for the `ETag` header; quoted as that needs it.
    pub etag: String,
    /// How long what is at its name stays the same.
    pub lasting: Lasting,
}

/// How long what is at an asset's name stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Until the next release or the next change of a folder of templates.
    Awhile,
    /// For ever: the name changes with the contents.
    Forever,
}

impl Asset {
    /// From a file's name and contents; none where the name's ending is of no kind a page uses.
    pub(crate) fn new(name: &str, bytes: Cow<'static, [u8]>) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        let content_type = match ending {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "ico" => "image/x-icon",
            "woff2" => "font/woff2",
            _ => return None,
        };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        Some(Self { bytes, content_type, etag, lasting: Lasting::Awhile })
    }
}

/// An asset's name that changes with its contents: `style.css` becomes `style-0123456789ab.css`.
pub(crate) fn hashed_name(name: &str, asset: &Asset) -> String {
    let hash = crate::hash(&asset.bytes);
    match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}-{hash}.{ending}"),
        None => format!("{name}-{hash}"),
    }
}

/// The embedded file of this name.
pub fn asset(name: &str) -> Option<Asset> {
    Asset::new(name, Embedded::get(name)?.data)
}

/// The names of all embedded files.
pub fn names() -> impl Iterator<Item = Cow<'static, str>> {
    Embedded::iter()
}
