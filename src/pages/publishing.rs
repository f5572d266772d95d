//! How publishing goes, for the page of nodes.

use super::words::TimeView;
use serde::Serialize;

/// One target on the page of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishRow {
    /// Its name.
    pub name: String,
    /// What kind of place it is.
    pub kind: &'static str,
    /// How it is, in a word.
    pub state: &'static str,
    /// Its colour.
    pub tone: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// When this node last published there.
    pub published: Option<TimeView>,
    /// What travelled then.
    pub sent: String,
    /// What is wrong; may be empty.
    pub trouble: String,
    /// What it does not promise; may be empty.
    pub note: &'static str,
}
