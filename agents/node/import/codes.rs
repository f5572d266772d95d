//! Sets of status codes and the ranges they are written as.

/// The least and greatest status code there is.
const FIRST: u16 = 100;
const LAST: u16 = 599;

/// A set of status codes from 100 to 599.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codes(Vec<bool>);

impl Codes {
    /// Those that `wanted` says.
    pub(super) fn where_(wanted: impl Fn(u16) -> bool) -> Self {
        Self((FIRST..=LAST).map(wanted).collect())
    }

    /// All of them.
    pub(super) fn all() -> Self {
        Self::where_(|_| true)
    }

    /// None of them.
    pub(super) fn none() -> Self {
        Self::where_(|_| false)
    }

    /// Reads `200`, `200-299`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let code = |text: &str| text.trim().parse::<u16>().ok();
        let (from, to) = match text.split_once('-') {
            Some((from, to)) => (code(from)?, code(to)?),
            None => (code(text)?, code(text)?),
        };
        let known = (FIRST..=LAST).contains(&from) && (from..=LAST).contains(&to);
        known.then(|| Self::where_(|c| (from..=to).contains(&c)))
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| *a && *b).collect())
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| *a || *b).collect())
    }

    pub(super) fn but(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| *a && !*b).collect())
    }

    /// Whether our defaults mean the same: everything below 400 is a success.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::where_(|c| c < 400)
    }

    /// Written as ranges: `200`, `301-303`.
    pub(super) fn ranges(&self) -> Vec<String> {
        let mut ranges = Vec::new();
        let mut from = None;
        for code in FIRST..=LAST + 1 {
            let inside = self.0.get(usize::from(code - FIRST)).copied().unwrap_or(false);
            match (from, inside) {
                (None, true) => from = Some(code),
                (Some(start), false) => {
                    ranges.push(if start == code - 1 {
                        start.to_string()
                    } else {
                        format!("{start}-{}", code - 1)
                    });
                    from = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_and_written_as_ranges() {
        let read = |text| Codes::read(text).map(|c| c.ranges());
        assert_eq!(read("200"), Some(vec!["200".to_owned()]));
        assert_eq!(read("200-299"), Some(vec!["200-299".to_owned()]));
        for wrong in ["", "2xx", "99", "600", "299-200", "-1"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let both = Codes::read("200-204").unwrap().or(&Codes::read("301").unwrap());
        assert_eq!(both.ranges(), ["200-204", "301"]);
        assert_eq!(Codes::all().but(&both).ranges(), ["100-199", "205-300", "302-599"]);
        assert!(Codes::none().ranges().is_empty());
    }
}
