//! Whether what a source says of a service is news: only that is stated.

use crate::found::Found;
use p7_core::facts::Deployment;

/// What is known of a service's deployments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// As the mesh has it: stated by whoever led before, a person or a pipeline.
    pub(crate) stated: Option<Deployment>,
    /// What this node stated last of what the source says.
    pub(crate) last: Option<Found>,
}

impl Known {
    /// Whether `found` is news. What a person stated after it had changed stands, until the source says
    /// something that it did not say before.
    pub(crate) fn is_news(&self, found: &Found) -> bool {
        if let Some(stated) = &self.stated
            && says(stated, found)
        {
            return false;
        }
        match (&self.last, &self.stated) {
            (Some(last), _) => last != found,
            (None, None) => true,
            (None, Some(stated)) => {
                stated.name == found.name || found.changed.is_some_and(|changed| stated.at < changed)
            }
        }
    }
}

/// Whether that was stated already.
fn says(stated: &Deployment, found: &Found) -> bool {
    (&stated.name, &stated.by, stated.state, &stated.link)
        == (&found.name, &found.by, found.state, &found.link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use p7_core::facts::DeploymentState::{self, Failed, Running, Succeeded};
    use p7_core::vocabulary::{MeshTime, ServiceId};

    fn found(name: &str, state: DeploymentState, changed: u64) -> Found {
        let changed = Some(MeshTime(changed));
        Found { name: name.to_owned(), by: "ann".to_owned(), state, changed, link: None }
    }

    fn stated(name: &str, state: DeploymentState, at: u64) -> Deployment {
        let service = ServiceId::new("shop").unwrap();
        Deployment { at: MeshTime(at), ..found(name, state, 0).of(&service) }
    }

    #[test]
    fn the_first_of_a_service_is_news_and_the_same_again_is_not() {
        let mut known = Known::default();
        let running = found("7", Running, 10);
        assert!(known.is_news(&running));
        known.stated = Some(stated("7", Running, 20));
        assert!(!known.is_news(&running), "stated by whoever led before");
        known.last = Some(running.clone());
        assert!(!known.is_news(&running));
    }

    #[test]
    fn its_end_is_news_whatever_the_clock_of_the_source_says() {
        let known = Known { stated: Some(stated("7", Running, 20)), last: Some(found("7", Running, 10)) };
        assert!(known.is_news(&found("7", Succeeded, 15)));
        let successor = Known { last: None, ..known };
        assert!(successor.is_news(&found("7", Failed, 15)));
    }

    #[test]
    fn what_a_person_stated_later_stands_until_the_source_says_something_else() {
        let old = found("7", Succeeded, 10);
        let by_hand = Known { stated: Some(stated("hotfix", Running, 20)), last: None };
        assert!(!by_hand.is_news(&old));
        assert!(by_hand.is_news(&found("8", Running, 30)));
        let mine = Known { last: Some(old.clone()), ..by_hand };
        assert!(!mine.is_news(&old));
        assert!(mine.is_news(&found("8", Running, 15)));
    }

    #[test]
    fn a_source_without_times_does_not_speak_over_a_person() {
        let by_hand = Known { stated: Some(stated("hotfix", Running, 20)), last: None };
        assert!(!by_hand.is_news(&Found { changed: None, ..found("7", Succeeded, 0) }));
    }
}
