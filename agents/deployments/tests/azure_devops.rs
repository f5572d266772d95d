//! Tests of azure_devops.
