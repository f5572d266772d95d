//! Secrets by reference: configuration says where a secret is, never what it is.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// Largest secret file that is read, in bytes.
const SECRET_LIMIT: u64 = 64 * 1024;

/// The name under which a secret asks to be read; a reader that knows it hides what it found.
pub(crate) const SECRET: &str = "p7 secret";

/// Where a secret is: `env:NAME` or `file:PATH`. What it is never appears in a log, page or answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// In an environment variable.
    Env(String),
    /// In a file, without its trailing line end.
    File(PathBuf),
}

/// A resolved secret. Its text shows only through [`SecretText::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or is no text.
    #[error("the environment variable `{0}` is not set; set it before starting p7")]
    NoVariable(String),
    /// The file can't be read.
    #[error("can't read the secret file `{path}`: {source}; check its path and that p7's user may read it")]
    NoFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is too large to be a secret.
    #[error("the secret file `{0}` is larger than 64 KiB; is it the right file?")]
    TooLarge(PathBuf),
}

impl Secret {
    /// Looks the secret up, now. Relative files are looked for in `base`, the configuration's folder.
    pub fn resolve(&self, base: &Path) -> Result<SecretText, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(text) => Ok(SecretText(text)),
                Err(_unset_or_not_unicode) => Err(SecretError::NoVariable(name.clone())),
            },
            Self::File(path) => {
                let path = base.join(path);
                let fail = |source| SecretError::NoFile { path: path.clone(), source };
                let size = std::fs::metadata(&path).map_err(fail)?.len();
                if size > SECRET_LIMIT {
                    return Err(SecretError::TooLarge(path));
                }
                let text = std::fs::read_to_string(&path).map_err(fail)?;
                Ok(SecretText(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct(SECRET, Reference)
    }
}

struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret by reference: \"env:NAME\" or \"file:PATH\"")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Secret, D::Error> {
        from.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Secret::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Secret::File(path.into())),
            // the text may be the secret itself: it is not repeated
            _ => Err(E::custom("a secret is given by reference: \"env:NAME\" or \"file:PATH\"")),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
