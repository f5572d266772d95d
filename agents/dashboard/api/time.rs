//! Times in the API: RFC 3339 in UTC with milliseconds.

use chrono::{DateTime, SecondsFormat, Utc};
use p7_core::vocabulary::MeshTime;
use serde::{Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// The last millisecond a date can be written for in four digits of year: 9999-12-31.
const LAST_MS: u64 = 253_402_300_799_999;

/// A moment, written in RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) MeshTime);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&written(self.0))
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment in RFC 3339, UTC, with milliseconds."))
            .examples([json!("2026-01-31T12:00:00.000Z")])
            .into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "Timestamp".into()
    }
}

/// A moment as the API writes it.
pub(crate) fn written(at: MeshTime) -> String {
    let date: DateTime<Utc> =
        i64::try_from(at.0.min(LAST_MS)).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
    date.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A moment as people and programs write it; before 1970 is 1970.
pub(crate) fn parse(text: &str) -> Option<MeshTime> {
    let date = DateTime::parse_from_rfc3339(text).ok()?;
    Some(MeshTime(u64::try_from(date.timestamp_millis()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_written_and_other_zones_are_understood() {
        assert_eq!(written(MeshTime(1_769_860_800_123)), "2026-01-31T12:00:00.123Z");
        assert_eq!(parse("2026-01-31T12:00:00.123Z"), Some(MeshTime(1_769_860_800_123)));
        assert_eq!(parse("2026-01-31T14:00:00.123+02:00"), Some(MeshTime(1_769_860_800_123)));
        assert_eq!(parse("1901-01-01T00:00:00Z"), Some(MeshTime(0)));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(written(MeshTime(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }
}
