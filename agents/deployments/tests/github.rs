//! Tests of github.
