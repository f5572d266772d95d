//! Links and routes as the operating system knows them; no packet is sent.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Addresses set aside for documents (RFC 5737, RFC 3849): nobody has them, so only a default route, or
/// one that stands for it, leads there.
const FAR_AWAY: [(IpAddr, IpAddr); 2] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
];

/// Why the system says that nothing beyond this machine's own networks can be reached, if it does.
pub(super) fn cut_off() -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let links = default_links(&read("/proc/self/net/route"), &read("/proc/self/net/ipv6_route"));
    judge(&links, is_down, leads_away)
}

/// A machine is cut off when all links of its default routes are down, or there is no way out at all.
/// Routes beside the main table (a VPN's) are seen only by asking for one, so that is asked too.
fn judge(
    links: &BTreeSet<String>,
    is_down: impl Fn(&str) -> bool,
    leads_away: impl FnOnce() -> bool,
) -> Option<String> {
    if links.is_empty() {
        return (!leads_away()).then(|| "no default route".to_owned());
    }
    if !links.iter().all(|link| is_down(link)) {
        return None;
    }
    let names: Vec<&str> = links.iter().map(String::as_str).collect();
    Some(match names.as_slice() {
        [one] => format!("its link {one} is down"),
        many => format!("its links {} are down", many.join(", ")),
    })
}

/// The links of the default routes, from Linux's route tables; empty elsewhere.
fn default_links(v4: &str, v6: &str) -> BTreeSet<String> {
    const UP: u32 = 0x1;
    const REJECT: u32 = 0x200;
    let usable = |flags: &str| u32::from_str_radix(flags, 16).is_ok_and(|f| f & UP != 0 && f & REJECT == 0);
    let mut links = BTreeSet::new();
    for line in v4.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [link, "00000000", _, flags, _, _, _, "00000000", ..] = fields.as_slice()
            && usable(flags)
        {
            links.insert((*link).to_owned());
        }
    }
    for line in v6.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [destination, "00", _, _, _, _, _, _, flags, link] = fields.as_slice()
            && destination.bytes().all(|b| b == b'0')
            && usable(flags)
            && *link != "lo"
        {
            links.insert((*link).to_owned());
        }
    }
    links
}

/// Whether a link says it is down; one that can't be asked is not.
fn is_down(link: &str) -> bool {
    let read =
        |what: &str| std::fs::read_to_string(format!("/sys/class/net/{link}/{what}")).unwrap_or_default();
    let state = read("operstate");
    matches!(state.trim(), "down" | "lowerlayerdown" | "notpresent") || read("carrier").trim() == "0"
}

/// Whether the system has a route to far away. Connecting a UDP socket looks it up and sends nothing.
fn leads_away() -> bool {
    FAR_AWAY
        .iter()
        .any(|(from, to)| UdpSocket::bind((*from, 0)).is_ok_and(|socket| socket.connect((*to, 9)).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
    const V6: &str = "\
        fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001    wlan0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003    wlan0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

    fn links(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn the_links_of_default_routes_are_found_and_those_that_reject_are_not() {
        assert_eq!(default_links(V4, V6), links(&["eth0", "wlan0"]));
        let lan_only: String =
            V4.lines().filter(|l| !l.contains("\t00000000\t0100")).collect::<Vec<_>>().join("\n");
        let rejects: String = V6.lines().filter(|l| !l.contains("00000400")).collect::<Vec<_>>().join("\n");
        assert_eq!(default_links(&lan_only, &rejects), links(&[]));
        assert_eq!(default_links("", "garbage \u{0} 1 2"), links(&[]));
    }

    #[test]
    fn a_machine_is_cut_off_without_a_way_out_or_with_all_its_links_down() {
        let two = links(&["eth0", "wlan0"]);
        assert_eq!(judge(&two, |_| false, || false), None);
        assert_eq!(judge(&two, |link| link == "eth0", || false), None);
        assert_eq!(judge(&two, |_| true, || true).as_deref(), Some("its links eth0, wlan0 are down"));
        assert_eq!(judge(&links(&["eth0"]), |_| true, || true).as_deref(), Some("its link eth0 is down"));
        assert_eq!(judge(&links(&[]), |_| true, || true), None);
        assert_eq!(judge(&links(&[]), |_| true, || false).as_deref(), Some("no default route"));
    }
}
