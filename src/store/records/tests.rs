//! Rows read back as written, whatever version wrote them.
