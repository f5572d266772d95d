//! Turns other monitors' configurations into a mesh.toml, and lists what could not be carried over.

mod codes;
mod draft;
mod fit;
mod gatus;
mod gatus_conditions;
mod original;
mod python;
mod python_words;
mod toml_text;
mod uptime_kuma;

#[cfg(test)]
mod tests;

pub(crate) use draft::Draft;
#[cfg(test)]
use draft::Left;

/// Largest file that is read, in bytes; ten thousand services have about 5 MB.
pub(crate) const SOURCE_LIMIT: usize = 8 * 1024 * 1024;

/// Whose configuration a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Protocol/7 of 2020, a Python file.
    Original,
    /// Gatus, a YAML file.
    Gatus,
    /// Uptime Kuma, the JSON of its backup.
    UptimeKuma,
}

impl Format {
    /// Its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Original => "Protocol/7 of 2020",
            Self::Gatus => "Gatus",
            Self::UptimeKuma => "Uptime Kuma",
        }
    }

    /// What a file of this name and content looks like.
    pub(crate) fn guess(name: &str, source: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let ends = |extension: &str| lower.ends_with(extension);
        if ends(".py") || source.contains("urlList") {
            Some(Self::Original)
        } else if ends(".json") || source.trim_start().starts_with('{') {
            Some(Self::UptimeKuma)
        } else if ends(".yaml") || ends(".yml") || source.contains("endpoints:") {
            Some(Self::Gatus)
        } else {
            None
        }
    }
}

/// Why a file could not be imported at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// It is too large.
    #[error("larger than 8 MiB; is it the right file?")]
    TooLarge,
    /// It is not what it should be.
    #[error("{what}")]
    NotIt {
        /// What is missing or wrong, with its line where it is known.
        what: String,
    },
}

impl ImportError {
    fn not_it(what: impl Into<String>) -> Self {
        Self::NotIt { what: what.into() }
    }
}

/// Reads a configuration of another monitor. Nothing in it is executed, and nothing is fetched.
///
/// # Errors
/// When the file is not of that format; what is only unknown in it is listed in the draft instead.
pub(crate) fn import(source: &str, format: Format) -> Result<Draft, ImportError> {
    if source.len() > SOURCE_LIMIT {
        return Err(ImportError::TooLarge);
    }
    let mut draft = match format {
        Format::Original => original::import(source),
        Format::Gatus => gatus::import(source),
        Format::UptimeKuma => uptime_kuma::import(source),
    }?;
    fit::fit(&mut draft);
    Ok(draft)
}
