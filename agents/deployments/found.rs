//! What a source says of one deployment, made safe to show.

use chrono::DateTime;
use p7_core::facts::{Deployment, DeploymentState, NOTE_LIMIT};
use p7_core::vocabulary::{MeshTime, ServiceId, shortened};
use url::Url;

/// Longest link, in bytes, as the API takes.
const LINK_LIMIT: usize = 2048;
/// Times before this are "no date": Azure DevOps writes the year 1 for it.
const FIRST_YEAR: i64 = 0;

/// One deployment as its source tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its name, such as a release's.
    pub(crate) name: String,
    /// Who or what started it.
    pub(crate) by: String,
    /// How it is getting on.
    pub(crate) state: DeploymentState,
    /// When it last changed, by the source's clock.
    pub(crate) changed: Option<MeshTime>,
    /// Where to read more.
    pub(crate) link: Option<String>,
}

impl Found {
    /// As it is stated for a service.
    pub(crate) fn of(&self, service: &ServiceId) -> Deployment {
        Deployment {
            service: service.clone(),
            name: self.name.clone(),
            by: self.by.clone(),
            state: self.state,
            // the aggregator fills in when it was stated
            at: MeshTime(0),
            link: self.link.clone(),
        }
    }
}

/// A text of an answer as one line of lawful length.
pub(crate) fn line(text: &str) -> String {
    let clean: String = text.chars().take(NOTE_LIMIT).map(|c| if c.is_control() { ' ' } else { c }).collect();
    shortened(clean.trim(), NOTE_LIMIT).to_owned()
}

/// A link of an answer, if it is one that a page may show.
pub(crate) fn link(text: Option<&str>) -> Option<String> {
    let text = text.filter(|text| text.len() <= LINK_LIMIT)?;
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (plain && matches!(url.scheme(), "http" | "https")).then(|| url.to_string())
}

/// A time of an answer.
pub(crate) fn time(text: Option<&str>) -> Option<MeshTime> {
    let at = DateTime::parse_from_rfc3339(text?).ok()?.timestamp_millis();
    u64::try_from(at).ok().filter(|_| at > FIRST_YEAR).map(MeshTime)
}

/// The latest of some times.
pub(crate) fn latest<const N: usize>(times: [Option<&String>; N]) -> Option<MeshTime> {
    times.into_iter().filter_map(|text| time(text.map(String::as_str))).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_the_year_one_is_none() {
        assert_eq!(time(Some("0001-01-01T00:00:00")), None);
        assert_eq!(time(Some("0001-01-01T00:00:00Z")), None);
        assert_eq!(time(Some("1970-01-01T00:00:01.5Z")), Some(MeshTime(1_500)));
        assert_eq!(time(Some("soon")), None);
        assert_eq!(time(None), None);
    }

    #[test]
    fn only_links_that_a_page_may_show_are_kept() {
        assert_eq!(link(Some("https://ci.example.org/1")).as_deref(), Some("https://ci.example.org/1"));
        for bad in
            ["javascript:alert(1)", "ci/1", "", "https://me:secret@ci.example.org/1", "data:text/html,x"]
        {
            assert_eq!(link(Some(bad)), None, "{bad}");
        }
        assert_eq!(link(Some(&format!("https://h/{}", "x".repeat(3_000)))), None);
    }

    #[test]
    fn texts_are_lines_of_lawful_length() {
        assert_eq!(line(" Release-7\n\u{1b}[31m"), "Release-7  [31m");
        assert!(line(&"ü".repeat(10_000)).len() <= NOTE_LIMIT);
    }
}
