//! Rows as they lie on disk.

/// The format of the whole database.
pub(crate) const FORMAT: u32 = 1;
