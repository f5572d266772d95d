//! What programs may rely on: headers, problems, badges, and an API that does as its description says.

use crate::{SOON, watching};
use p7_tests::node::Node;
use p7_tests::peers::{ask, peer};
use p7_tests::site::Site;

#[test]
fn every_answer_carries_a_strict_content_security_policy() {
    let site = Site::start();
    let node = Node::start(&watching(&[("shop", &site)]));
    for path in
        ["/", "/services/shop", "/p7.html", "/api/v1/services", "/metrics", "/badge/shop.svg", "/nothing"]
    {
        let headers = node.get(path).headers;
        let policy = headers.get("content-security-policy").unwrap_or_else(|| panic!("{path} has none"));
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers.get("x-content-type-options").map(String::as_str), Some("nosniff"), "{path}");
    }
}

#[test]
fn a_badge_is_a_picture_of_the_services_level() {
    let site = Site::start();
    let node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "healthy", SOON);
    let badge = node.get("/badge/shop.svg");
    assert_eq!(badge.status, 200);
    assert_eq!(badge.headers["content-type"].split(';').next(), Some("image/svg+xml"));
    let text = badge.text();
    assert!(text.starts_with("<svg") && text.contains("healthy"), "{text}");
    assert_eq!(node.get("/badge/nothing.svg").status, 404);
}

#[test]
fn what_is_not_there_is_a_problem_document() {
    let node = Node::start("");
    for path in ["/api/v1/services/nothing", "/api/v1/nothing", "/api/v1/services?limit=nothing"] {
        let answer = node.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status);
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
    }
}

#[test]
fn an_admin_token_never_shows() {
    let site = Site::start();
    let mut node = Node::new(&watching(&[("shop", &site)]));
    let secret = "a-token-that-nobody-may-see";
    std::fs::write(node.path("token"), secret).unwrap();
    let text = std::fs::read_to_string(node.path("node.toml")).unwrap();
    std::fs::write(node.path("node.toml"), text + "admin_token = \"file:token\"\n").unwrap();
    node.run();
    for path in ["/api/v1/config", "/", "/metrics", "/mesh"] {
        assert!(!node.get(path).text().contains(secret), "{path}");
    }
    assert!(node.get("/api/v1/config").text().contains("file:token"), "the reference shows");
    assert!(!node.log().contains(secret));
}

#[test]
fn the_api_does_as_its_description_says() {
    let site = Site::start();
    let node = Node::start(&watching(&[("shop", &site)]));
    node.until_level("shop", "healthy", SOON);
    let document = node.json("/api/v1/openapi.json");
    assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{}", document["openapi"]);
    let described = document["paths"].as_object().unwrap();
    for path in
        ["/api/v1/services", "/api/v1/services/{id}", "/api/v1/incidents", "/api/v1/events", "/metrics"]
    {
        assert!(described.contains_key(path), "{path} is not described");
    }
    // the stream of events does not end, so it is looked at elsewhere
    let description = format!("{}/api/v1/openapi.json", node.url());
    let arguments = [
        "run",
        &description,
        "--checks=all",
        "--exclude-path=/api/v1/events",
        "--max-examples=25",
        "--seed=7",
        "--generation-database=none",
        "--request-timeout=10",
        "--no-color",
    ];
    ask(&peer("schemathesis"), &arguments, "");
}
