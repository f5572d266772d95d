//! Tests of fetch.
