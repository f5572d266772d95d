//! Latencies in bins that grow by 2 %: percentiles within 1 %, and two sketches merge into the very
//! one that all their values together would have made.
//!
//! The bins are DDSketch's (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch
//! with relative-error guarantees", 2019). The library of that name keeps its bins dense, 1 to 9 kB
//! a sketch where this one takes some hundred bytes, and panics on rows that were tampered with.

use p7_core::vocabulary::Micros;
use serde::{Deserialize, Serialize};

/// Half the width of a bin, relative to its middle.
const ERROR: f64 = 0.01;
/// The upper end of a bin divided by its lower end.
const GROWTH: f64 = (1.0 + ERROR) / (1.0 - ERROR);

/// A bag of latencies, nearly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sketch {
    /// Bins that are not empty, and how many latencies each holds, in rising order.
    bins: Vec<(u16, u32)>,
    sum: u64,
    /// Least and greatest; none while empty.
    range: Option<(Micros, Micros)>,
}

/// A sketch as it lies in a row.
#[derive(Serialize, Deserialize)]
pub(crate) struct SketchV1 {
    sum: u64,
    range: Option<(u32, u32)>,
    /// How far each bin lies behind the one before, and how many latencies it holds.
    steps: Vec<(u16, u32)>,
}

impl Sketch {
    pub(crate) fn add(&mut self, latency: Micros) {
        self.put(bin_of(latency), 1);
        self.sum = self.sum.saturating_add(u64::from(latency.0));
        self.widen((latency, latency));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (bin, count) in &other.bins {
            self.put(*bin, *count);
        }
        self.sum = self.sum.saturating_add(other.sum);
        if let Some(range) = other.range {
            self.widen(range);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.bins.iter().map(|(_bin, count)| u64::from(*count)).sum()
    }

    pub(crate) fn min(&self) -> Option<Micros> {
        self.range.map(|(min, _max)| min)
    }

    pub(crate) fn max(&self) -> Option<Micros> {
        self.range.map(|(_min, max)| max)
    }

    pub(crate) fn mean(&self) -> Option<Micros> {
        let mean = self.sum.checked_div(self.count())?;
        Some(Micros(u32::try_from(mean).unwrap_or(u32::MAX)))
    }

    /// The latency at the share `q` of them, from 0 for the least to 1 for the greatest.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank among counts far below 2^52, from a share between 0 and 1"
    )]
    pub(crate) fn quantile(&self, q: f64) -> Option<Micros> {
        let (min, max) = self.range?;
        // 0.29 of 100 is 28.999…: what is a whole rank but for that is not rounded down
        let rank = (q.clamp(0.0, 1.0) * self.count().saturating_sub(1) as f64 + 1e-9) as u64;
        let mut seen = 0;
        for (bin, count) in &self.bins {
            seen += u64::from(*count);
            if seen > rank {
                return Some(middle_of(*bin).clamp(min, max));
            }
        }
        Some(max)
    }

    pub(crate) fn row(&self) -> SketchV1 {
        let mut before = 0;
        let steps = self.bins.iter().map(|(bin, count)| {
            let step = (bin - before, *count);
            before = *bin;
            step
        });
        let range = self.range.map(|(min, max)| (min.0, max.0));
        SketchV1 { sum: self.sum, range, steps: steps.collect() }
    }

    /// None when the row is not what a sketch writes.
    pub(crate) fn read(row: SketchV1) -> Option<Self> {
        let mut bin = 0_u16;
        let mut bins = Vec::with_capacity(row.steps.len());
        for (place, (step, count)) in row.steps.into_iter().enumerate() {
            bin = bin.checked_add(step)?;
            if (place > 0 && step == 0) || bin > bin_of(Micros(u32::MAX)) {
                return None;
            }
            bins.push((bin, count));
        }
        let range = row.range.map(|(min, max)| (Micros(min), Micros(max)));
        let is_whole = range.is_none_or(|(min, max)| min <= max) && range.is_none() == bins.is_empty();
        is_whole.then_some(Self { bins, sum: row.sum, range })
    }

    fn put(&mut self, bin: u16, count: u32) {
        match self.bins.binary_search_by_key(&bin, |(bin, _count)| *bin) {
            Ok(place) => {
                if let Some((_bin, known)) = self.bins.get_mut(place) {
                    *known = known.saturating_add(count);
                }
            }
            Err(place) => self.bins.insert(place, (bin, count)),
        }
    }

    fn widen(&mut self, (min, max): (Micros, Micros)) {
        let (least, greatest) = self.range.unwrap_or((min, max));
        self.range = Some((least.min(min), greatest.max(max)));
    }
}

/// The bin of a latency: the first holds 0 and 1 µs, the last begins at 71 minutes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1109")]
fn bin_of(latency: Micros) -> u16 {
    (f64::from(latency.0.max(1)).ln() / GROWTH.ln()) as u16
}

/// The latency that is nowhere further from one of its bin than [`ERROR`] of it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "capped at what fits")]
fn middle_of(bin: u16) -> Micros {
    let middle = GROWTH.powi(i32::from(bin)) * (1.0 + ERROR);
    Micros(middle.round().min(f64::from(u32::MAX)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn sketch(latencies: &[u32]) -> Sketch {
        let mut sketch = Sketch::default();
        for latency in latencies {
            sketch.add(Micros(*latency));
        }
        sketch
    }

    proptest! {
        #[test]
        fn percentiles_are_within_2_percent_of_the_exact_ones(
            latencies in vec(prop_oneof![0..u32::MAX, 0..100_000_u32], 1..300),
            percent in 0..=100_u32,
        ) {
            let sketch = sketch(&latencies);
            let mut sorted = latencies;
            sorted.sort_unstable();
            let rank = percent as usize * (sorted.len() - 1) / 100;
            let exact = f64::from(sorted[rank]);
            let found = f64::from(sketch.quantile(f64::from(percent) / 100.0).unwrap().0);
            // a microsecond is as fine as latencies are measured
            prop_assert!((found - exact).abs() <= (0.02 * exact).max(1.0), "{found} for {exact}");
        }

        #[test]
        fn merging_in_any_order_gives_the_sketch_of_all_values(
            parts in vec(vec(any::<u32>(), 0..40), 0..6).prop_flat_map(|parts| (Just(parts.clone()), Just(parts).prop_shuffle())),
        ) {
            let merged = |parts: &[Vec<u32>]| {
                let mut all = Sketch::default();
                for part in parts {
                    all.merge(&sketch(part));
                }
                all
            };
            prop_assert_eq!(merged(&parts.0), sketch(&parts.0.concat()));
            prop_assert_eq!(merged(&parts.0), merged(&parts.1));
        }

        #[test]
        fn any_row_is_read_as_a_sketch_that_works_or_refused(
            sum: u64, range: Option<(u32, u32)>, steps in vec(any::<(u16, u32)>(), 0..8),
        ) {
            if let Some(mut read) = Sketch::read(SketchV1 { sum, range, steps }) {
                read.merge(&read.clone());
                prop_assert_eq!(read.quantile(0.5).is_some(), read.mean().is_some() || read.count() == 0 && range.is_some());
                prop_assert_eq!(Sketch::read(read.row()), Some(read));
            }
        }
    }

    #[test]
    fn a_share_that_is_a_whole_rank_is_that_rank() {
        let steps: Vec<u32> = (0..=100).map(|n| if n < 29 { 10 } else { 1_000_000 }).collect();
        assert!(sketch(&steps).quantile(0.29).unwrap() > Micros(900_000), "rank 29, not 28");
    }

    #[test]
    fn an_empty_sketch_has_no_figures() {
        let empty = Sketch::default();
        assert_eq!((empty.min(), empty.mean(), empty.max(), empty.quantile(0.5)), (None, None, None, None));
        assert_eq!(Sketch::read(empty.row()), Some(empty));
    }

    #[test]
    fn least_mean_and_greatest_are_exact() {
        let three = sketch(&[1, 20_000, u32::MAX]);
        assert_eq!(three.min(), Some(Micros(1)));
        assert_eq!(three.mean(), Some(Micros(1_431_662_432)));
        assert_eq!(three.max(), Some(Micros(u32::MAX)));
    }
}
