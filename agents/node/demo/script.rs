//! What the demo site answers when: a minute that repeats, in which everything happens once.

use std::time::Duration;

/// The script's steps before it starts again.
const STEPS: u64 = 30;
/// How long a step lasts in the demo: one cycle of its services.
pub(super) const STEP: Duration = Duration::from_secs(2);
/// How long a step lasts for those who test every ten seconds: half a cycle, and the whole script 150 s.
pub(super) const LEISURELY_STEP: Duration = Duration::from_secs(5);
/// The delays of the slow service, step by step, in milliseconds: it is healthy throughout.
const DELAYS_MS: [u64; 6] = [120, 180, 350, 700, 420, 200];

/// One answer of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: &'static str,
    pub(super) delay: Duration,
}

impl Answer {
    fn new(status: u16, body: &'static str) -> Self {
        Self { status, body, delay: Duration::ZERO }
    }
}

/// The paths of the site, each with what it plays.
pub(super) const PATHS: [(&str, &str); 7] = [
    ("/up", "always well"),
    ("/slow", "well, but slow in waves"),
    ("/flaky", "fails now and then, and is well at the next test"),
    ("/down", "is down for half of the time"),
    ("/maintenance", "says for a while that it is being worked on"),
    ("/wrong-text", "answers 200 with an error page for a while"),
    ("/private", "refuses credentials for a while"),
];

/// What `path` answers at `since` the start of the site, when a step lasts `step`; none where nothing is.
pub(super) fn answer(path: &str, since: Duration, step: Duration) -> Option<Answer> {
    let passed = since.as_millis() / step.as_millis().max(1);
    let at = u64::try_from(passed % u128::from(STEPS)).unwrap_or(0);
    let well = Answer::new(200, "all is well");
    Some(match path {
        "/slow" => {
            let ms = usize::try_from(at).ok().and_then(|at| DELAYS_MS.get(at % DELAYS_MS.len()));
            Answer { delay: Duration::from_millis(ms.copied().unwrap_or(0)), ..well }
        }
        "/flaky" if at % 5 == 3 => Answer::new(500, "try again"),
        "/down" if (4..18).contains(&at) => Answer::new(502, "the application does not answer"),
        "/maintenance" if (8..20).contains(&at) => Answer::new(503, "we are in maintenance, back soon"),
        "/wrong-text" if (6..14).contains(&at) => Answer::new(200, "Oops, something went wrong"),
        "/private" if (12..22).contains(&at) => Answer::new(401, "who are you?"),
        "/up" | "/flaky" | "/down" | "/maintenance" | "/wrong-text" | "/private" => well,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(path: &str) -> String {
        let at = |n: u32| answer(path, STEP * n, STEP).map_or(0, |a| a.status);
        let letter = |status| match status {
            200 => '.',
            401 => 'p',
            503 => 'm',
            500 | 502 => 'F',
            _ => '?',
        };
        (0..30).map(|n| letter(at(n))).collect()
    }

    #[test]
    fn within_a_minute_there_is_everything_to_see() {
        assert_eq!(statuses("/up"), "..............................");
        assert_eq!(statuses("/slow"), "..............................");
        assert_eq!(statuses("/flaky"), "...F....F....F....F....F....F.");
        assert_eq!(statuses("/down"), "....FFFFFFFFFFFFFF............");
        assert_eq!(statuses("/maintenance"), "........mmmmmmmmmmmm..........");
        assert_eq!(statuses("/private"), "............pppppppppp........");
    }

    #[test]
    fn the_wrong_text_comes_with_a_good_status() {
        let at = |n: u32| answer("/wrong-text", STEP * n, STEP).unwrap();
        assert_eq!(at(5).body, "all is well");
        assert_eq!(at(6), Answer::new(200, "Oops, something went wrong"));
        assert_eq!(at(14).body, "all is well");
    }

    #[test]
    fn the_script_starts_again_and_scales_with_its_step() {
        let minute = STEP * 30;
        for (path, _) in PATHS {
            assert_eq!(answer(path, STEP * 7, STEP), answer(path, minute + STEP * 7, STEP));
            assert_eq!(answer(path, STEP * 7, STEP), answer(path, STEP * 7 * 5, STEP * 5));
        }
    }

    #[test]
    fn nothing_else_is_there_and_a_step_of_no_length_is_no_trap() {
        assert_eq!(answer("/other", STEP, STEP), None);
        assert!(answer("/up", STEP, Duration::ZERO).is_some());
    }
}
