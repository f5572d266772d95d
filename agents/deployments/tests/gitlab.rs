//! Tests of gitlab.
