//! What an edition of a thousand services costs.

use super::folder;
use super::support::{Leader, fail, fleet};
use crate::upload::{Memory, publish};
use rustix::time::{ClockId, clock_gettime};

/// The processor time of this process so far, in seconds.
fn processor_s() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(now.tv_nsec).unwrap();
    f64::from(u32::try_from(now.tv_sec).unwrap()) + f64::from(nanos) / 1e9
}

#[actix::test]
async fn of_a_thousand_services_only_the_changed_ones_travel_in_at_most_a_second_of_processor_time() {
    let place = tempfile::tempdir().unwrap();
    let target = folder::open(place.path()).await;
    let (mut leader, mut fleet, mut memory) = (Leader::of(7, "paris"), fleet(1000), Memory::default());
    publish(&*target, &mut memory, &leader.edition(&fleet, 0)).await.unwrap();
    for index in 0..10 {
        fail(&mut fleet, index * 97);
    }
    let before = processor_s();
    // the same second: no page's regular renewal falls between
    let done = publish(&*target, &mut memory, &leader.edition(&fleet, 0)).await.unwrap();
    let took = processor_s() - before;
    println!(
        "1,000 services, 10 changed: {} files, {} bytes, {took:.3} s of processor time",
        done.files, done.bytes
    );
    assert_eq!(done.files, 10 + 4, "ten pages, and the four that show all services");
    if !cfg!(debug_assertions) {
        assert!(took <= 1.0, "{took} s");
    }
}
