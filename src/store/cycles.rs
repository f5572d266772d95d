//! Results by whole cycles: what the rules are fed with from the store.

use crate::error::StoreError;
use crate::keys::{Place, RESULTS};
use crate::reads::read_result;
use crate::scan;
use crate::store::Store;
use p7_core::result::ProbeResult;
use p7_core::vocabulary::{Cycle, ServiceId};
use std::ops::ControlFlow;

/// Results of one answer at most, about: 300 cycles of 64 vantage points.
const RESULTS_LIMIT: usize = 20_000;

impl Store {
    /// The results of the last `cycles` cycles that have any and lie before `before`, oldest first. At most
    /// 20,000; then the oldest cycles are left out.
    pub fn cycles_before(
        &self,
        service: &ServiceId,
        before: Cycle,
        cycles: usize,
    ) -> Result<Vec<ProbeResult>, StoreError> {
        let names = self.names();
        let mut results: Vec<ProbeResult> = Vec::new();
        let (Some(number), Some(time)) = (names.services.number(service), before.start().0.checked_sub(1))
        else {
            return Ok(results);
        };
        let last = RESULTS.place(number, time, u32::MAX);
        let mut seen = 0;
        self.inner.engine.read(|view| {
            scan::down(view, RESULTS, last, 0, |place, row| {
                let result = read_result(view, &names, service, place, row)?;
                let begins = results.last().is_none_or(|newer| newer.cycle != result.cycle);
                if begins && (seen == cycles || results.len() >= RESULTS_LIMIT) {
                    return Ok(ControlFlow::Break(()));
                }
                seen += usize::from(begins);
                results.push(result);
                Ok(ControlFlow::Continue(()))
            })
        })?;
        results.reverse();
        Ok(results)
    }

    /// The results of whole cycles from `from` on and before `to`, oldest first: some `limit` of them, so
    /// that nobody waits for long. Ask again from behind the last cycle until there are none.
    pub fn cycles_between(
        &self,
        service: &ServiceId,
        (from, to): (Cycle, Cycle),
        limit: usize,
    ) -> Result<Vec<ProbeResult>, StoreError> {
        let names = self.names();
        let mut results: Vec<ProbeResult> = Vec::new();
        let Some(number) = names.services.number(service) else {
            return Ok(results);
        };
        let first: Place = RESULTS.place(number, from.start().0, 0);
        self.inner.engine.read(|view| {
            scan::up_from(view, RESULTS, first, to.start().0, |place, row| {
                let result = read_result(view, &names, service, place, row)?;
                let begins = results.last().is_none_or(|older| older.cycle != result.cycle);
                if begins && results.len() >= limit.clamp(1, RESULTS_LIMIT) {
                    return Ok(ControlFlow::Break(()));
                }
                results.push(result);
                Ok(ControlFlow::Continue(()))
            })
        })?;
        Ok(results)
    }
}
