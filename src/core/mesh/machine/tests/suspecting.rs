//! Probes that hang: who looks for it, and that nobody looks for long.

use super::*;

#[test]
fn who_has_looked_since_the_hanging_probe_began_does_not_look_again() {
    let mut net = Net::of(&["a", "b", "c"]);
    net.pass(12_000);
    let shop = || ServiceId::new("shop").unwrap();
    let confirms = |net: &Net| ["b", "c"].map(|name| net.nodes[&id(name)].confirms.len());
    let began = MeshTime(BEGIN + net.at);
    net.pass(1_000);
    net.tell(&id("a"), Event::Suspects(shop(), began));
    assert_eq!(confirms(&net), [1, 1], "both look at once");
    // theirs hang as well, and are suspected in their turn
    let looked = MeshTime(BEGIN + net.at);
    for _ in 0..5 {
        net.pass(1_050);
        net.tell(&id("b"), Event::Suspects(shop(), looked));
        net.tell(&id("c"), Event::Suspects(shop(), looked));
    }
    // clocks agree only so far, so what began at the same moment is looked at once more, and then no more
    assert_eq!(confirms(&net), [2, 2], "that is what each of them has seen already");
}
