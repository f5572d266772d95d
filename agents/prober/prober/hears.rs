//! What the prober does when it is told or asked something.

use super::{Phase, Prober};
use crate::messages::{Anchor, Drain, Watch};
use crate::once::Job;
use actix::prelude::*;
use p7_bus::{AskError, LookNow, PeersNoted, ProbeNow, SeatsTaken};
use p7_core::result::ProbeResult;
use p7_core::vocabulary::Cycle;
use std::sync::Arc;
use tokio::task::AbortHandle;

impl Handler<Watch> for Prober {
    type Result = ();

    fn handle(&mut self, Watch(watched): Watch, ctx: &mut Self::Context) {
        self.watch(watched);
        self.turn(ctx);
    }
}

impl Handler<Anchor> for Prober {
    type Result = ();

    fn handle(&mut self, Anchor(connectivity): Anchor, _: &mut Self::Context) {
        self.belief.anchor(&connectivity);
    }
}

impl Handler<PeersNoted> for Prober {
    type Result = ();

    fn handle(&mut self, PeersNoted(seen): PeersNoted, _: &mut Self::Context) {
        self.belief.note_peers(seen, self.clock.now());
    }
}

impl Handler<SeatsTaken> for Prober {
    type Result = ();

    fn handle(&mut self, SeatsTaken(seats): SeatsTaken, ctx: &mut Self::Context) {
        if self.seats.as_ref() != Some(&seats) {
            self.seats = Some(seats);
            self.plan();
            self.turn(ctx);
        }
    }
}

impl Handler<LookNow> for Prober {
    type Result = ();

    fn handle(&mut self, LookNow(service): LookNow, ctx: &mut Self::Context) {
        if self.phase == Phase::Running {
            let now = self.look_at_the_clock();
            let steps = self.table.look_now(&service, now);
            self.take_steps(steps, now);
            self.turn(ctx);
        }
    }
}

impl Handler<ProbeNow> for Prober {
    type Result = ResponseFuture<Result<Arc<ProbeResult>, AskError>>;

    fn handle(&mut self, ProbeNow(id): ProbeNow, _: &mut Self::Context) -> Self::Result {
        let Some(row) = self.services.get(&id) else {
            let kind = "service";
            let id = id.to_string();
            return Box::pin(async move { Err(AskError::NotFound { kind, id }) });
        };
        let Ok(place) = Arc::clone(&self.asked).try_acquire_owned() else {
            return Box::pin(async { Err(AskError::Busy) });
        };
        let (service, probe, node) = (Arc::clone(&row.service), Arc::clone(&row.probe), self.node.clone());
        let (network, clock) = (self.belief.network(), self.clock.clone());
        Box::pin(async move {
            let job = Job {
                service: &service,
                probe: &probe,
                node: &node,
                cycle: Cycle::at(clock.now(), service.interval),
                retry_until: None,
            };
            let run = job.run(&network, &clock).await;
            drop(place);
            Ok(Arc::new(run.seen.result))
        })
    }
}

impl Handler<Drain> for Prober {
    type Result = ResponseFuture<usize>;

    fn handle(&mut self, Drain(within): Drain, ctx: &mut Self::Context) -> Self::Result {
        self.phase = Phase::Draining;
        self.outbox.flush();
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm.handle);
        }
        let mut running = self.running.subscribe();
        let tasks: Vec<AbortHandle> = self.tasks.values().cloned().collect();
        Box::pin(async move {
            let all_ended = running.wait_for(|count| *count == 0);
            if tokio::time::timeout(within, all_ended).await.is_ok() {
                return 0;
            }
            tasks.iter().for_each(AbortHandle::abort);
            *running.borrow()
        })
    }
}
