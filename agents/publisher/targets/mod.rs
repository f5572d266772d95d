//! The kinds of targets, one file each, and how a configured one is opened.

mod azure;
mod folder;
mod s3;

use crate::config::TargetConfig;
use crate::target::Target;
use p7_settings::SecretError;
use std::path::Path;

/// A target that can't be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// A secret is not there.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Something else is wrong; what and what to do, without secrets.
    #[error("{0}")]
    Wrong(String),
}

/// What a kind of target can't promise, for `p7 check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfenced;

impl Unfenced {
    /// Whether a target of this kind can't refuse an old leader's pages, and what that means.
    pub fn of(config: &TargetConfig) -> Option<&'static str> {
        config.folder.as_ref().map(|_| {
            "a folder knows no conditional writes: an old leader is kept off by reading the manifest first, \
             which two leaders at the same moment can still get around"
        })
    }
}

/// The kind's name.
pub(crate) fn kind(config: &TargetConfig) -> &'static str {
    match (&config.folder, &config.s3, &config.azure) {
        (Some(_), _, _) => "folder",
        (None, Some(_), _) => "s3",
        (None, None, Some(_)) => "azure",
        (None, None, None) => "none",
    }
}

/// Opens a target. Connects nowhere yet, but for S3's credentials.
pub(crate) async fn open(config: &TargetConfig, dir: &Path) -> Result<Box<dyn Target>, OpenError> {
    if let Some(folder) = &config.folder {
        return Ok(Box::new(folder::Folder::open(folder, dir)?));
    }
    if let Some(s3) = &config.s3 {
        return Ok(Box::new(s3::S3::open(s3, dir).await?));
    }
    if let Some(azure) = &config.azure {
        return Ok(Box::new(azure::Azure::open(azure, dir)?));
    }
    Err(OpenError::Wrong("names no place".to_owned()))
}

/// Why this machine could not publish there at all, such as a secret that is not on it.
pub fn unready(config: &TargetConfig, dir: &Path) -> Option<String> {
    let secrets = [
        config.s3.as_ref().and_then(|s3| s3.secret_access_key.as_ref()),
        config.azure.as_ref().and_then(|azure| azure.connection_string.as_ref()),
        config.azure.as_ref().and_then(|azure| azure.account_key.as_ref()),
        config.azure.as_ref().and_then(|azure| azure.sas.as_ref()),
    ];
    let missing = secrets.into_iter().flatten().find_map(|secret| secret.resolve(dir).err());
    if let Some(missing) = missing {
        return Some(missing.to_string());
    }
    let folder = config.folder.as_ref()?;
    folder::Folder::open(folder, dir).err().map(|error| error.to_string())
}
