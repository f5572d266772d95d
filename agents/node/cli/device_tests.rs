//! What `p7 devices` prints, and which device and node an order is for.

use super::*;

fn line(node: &str, name: &str, kind: &str, state: &str) -> Value {
    json!({ "node": format!("id-{node}"), "node_name": node, "liveness": "alive", "name": name, "kind": kind,
            "state": state, "unit": "BS1-3.0", "model": "Nano", "detail": null,
            "since": "2026-01-01T00:00:00.000Z", "last_order": null, "last_order_at": null })
}

fn away(line: Value) -> Value {
    let mut line = line;
    line["liveness"] = json!("down");
    line
}

#[test]
fn devices_are_listed_with_what_is_wrong() {
    let mut values =
        [line("oslo", "desk", "blinkstick", "up"), line("lima", "shelf", "blinkstick", "denied")];
    (values[0]["last_order"], values[1]["detail"]) = (json!("show red"), json!("no permission"));
    let long = "no permission to open /dev/hidraw0; `p7 device udev` prints the rule";
    let mut wall = line("lima", "wall", "blinkstick", "denied");
    wall["detail"] = json!(long);
    let values = [values.as_slice(), &[wall, away(line("rome", "bot", "cozmo", "up"))]].concat();
    let devices: Vec<Device> = values.iter().map(|value| view::read(value).unwrap()).collect();
    let text = listed(&devices, Screen { width: 120, ink: out::Ink::Plain });
    let expected = "\
        NODE  NAME   KIND        STATE         UNIT     MODEL  DETAIL         LAST ORDER\n\
        oslo  desk   blinkstick  up            BS1-3.0  Nano                  show red\n\
        lima  shelf  blinkstick  denied        BS1-3.0  Nano   no permission\n\
        lima  wall   blinkstick  denied        BS1-3.0  Nano\n\
        rome  bot    cozmo       node is down  BS1-3.0  Nano\n\
        wall BS1-3.0 on lima: no permission to open /dev/hidraw0; `p7 device udev` prints the rule\n";
    assert_eq!(text, expected);
    assert!(listed(&[], Screen { width: 100, ink: out::Ink::Plain }).contains("[devices.NAME]"));
}

#[test]
fn the_only_robot_needs_no_name_and_one_that_can_be_reached_is_preferred() {
    let desk = line("oslo", "desk", "blinkstick", "up");
    let (one, two) = (line("oslo", "a", "cozmo", "up"), line("lima", "b", "cozmo", "up"));
    let of = |name: &str, node: &str| (name.to_owned(), Some(format!("id-{node}")));
    assert_eq!(robot(&[desk.clone(), one.clone()], None).unwrap(), of("a", "oslo"));
    assert!(matches!(robot(std::slice::from_ref(&desk), None), Err(Failure::NotSo(_))));
    let several = robot(&[one.clone(), two.clone()], None);
    assert!(matches!(several, Err(Failure::Use(why)) if why.contains("a on oslo, b on lima")));
    assert_eq!(robot(&[one.clone(), two.clone()], Some("b")).unwrap(), of("b", "lima"));
    assert!(
        matches!(robot(std::slice::from_ref(&one), Some("c")), Err(Failure::NotSo(why)) if why.contains("`c`"))
    );
    assert_eq!(robot(&[one.clone(), away(two.clone())], None).unwrap(), of("a", "oslo"));
    assert_eq!(robot(&[away(two)], None).unwrap(), of("b", "lima"), "its node says why it can't");
    let missing = line("lima", "b", "cozmo", "missing");
    assert_eq!(robot(&[missing, one], None).unwrap(), of("a", "oslo"));
}

#[test]
fn a_node_is_meant_by_its_name_and_asked_by_its_address() {
    let at = |on: Option<&str>| args::At {
        on: on.map(str::to_owned),
        url: "http://127.0.0.1:7007".to_owned(),
        token: None,
    };
    assert_eq!((at(None).asked().url.as_str(), at(None).on()), ("http://127.0.0.1:7007", None));
    let named = at(Some("lima"));
    assert_eq!((named.asked().url.as_str(), named.on()), ("http://127.0.0.1:7007", Some("lima")));
    let address = at(Some("http://lima:7007"));
    assert_eq!((address.asked().url.as_str(), address.on()), ("http://lima:7007", None));
}

#[test]
fn only_a_node_of_this_machine_is_passed_over() {
    let at = |url: String| args::Node { url, token: None };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    assert!(!nobody_runs_here(&at(format!("http://127.0.0.1:{port}"))));
    drop(listener);
    assert!(nobody_runs_here(&at(format!("http://127.0.0.1:{port}"))));
    assert!(!nobody_runs_here(&at("http://192.0.2.1:1".to_owned())));
    assert!(!nobody_runs_here(&at("nonsense".to_owned())));
}
