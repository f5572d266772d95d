//! Who may do what: tokens, proxies, foreign pages and names; headers; starting and stopping.

use crate::support::{DEADLINE, Node, loopback};
use p7_dashboard::Config;
use p7_settings::Secret;
use std::io::Write as _;

const TOKEN: &str = "a-token-that-is-long-enough";
const ACK: &str = r#"{"by":"anna"}"#;
const JSON: &str = "Content-Type: application/json\r\n";

fn with_token() -> (Config, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{TOKEN}").unwrap();
    let admin_token = Some(Secret::File(file.path().to_owned()));
    (Config { admin_token, ..loopback() }, file)
}

#[actix::test]
async fn without_a_token_only_this_machine_changes_things_and_not_through_a_proxy() {
    let node = Node::start().await;
    let ack = async |headers: &str| {
        node.post_with("/api/v1/services/shop/ack", ACK, &format!("{JSON}{headers}")).await
    };
    assert_eq!(ack("").await.status, 200);
    for proxy in ["X-Forwarded-For: 10.0.0.1\r\n", "Forwarded: for=10.0.0.1\r\n", "Via: 1.1 proxy\r\n"] {
        let detail = ack(proxy).await.problem(403, "forbidden");
        assert!(detail.contains("`http.admin_token`"), "{detail}");
    }
    let answer = ack("Authorization: Bearer guess\r\n").await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"p7\""));
    answer.problem(401, "unauthorized");
    let lift = format!("DELETE /api/v1/silences/h0 HTTP/1.1\r\nHost: {}\r\nVia: x\r\n\r\n", node.address);
    node.send(&lift).await.problem(403, "forbidden");
}

#[actix::test]
async fn with_a_token_whoever_has_it_changes_things() {
    let (config, _file) = with_token();
    let node = Node::with(config).await;
    let ack = async |headers: &str| {
        node.post_with("/api/v1/services/shop/ack", ACK, &format!("{JSON}{headers}")).await
    };
    let proxy = "X-Forwarded-For: 10.0.0.1\r\n";
    assert_eq!(ack("").await.status, 200, "this machine needs none");
    assert_eq!(ack(&format!("{proxy}Authorization: Bearer {TOKEN}\r\n")).await.status, 200);
    assert_eq!(ack(&format!("{proxy}Authorization: bearer  {TOKEN}\r\n")).await.status, 200);
    ack(proxy).await.problem(401, "unauthorized");
    for wrong in ["Bearer nope", "Bearer", "Basic YTpi", &format!("Bearer {TOKEN}x")] {
        ack(&format!("Authorization: {wrong}\r\n")).await.problem(401, "unauthorized");
    }
}

#[actix::test]
async fn pages_of_other_sites_change_nothing() {
    let node = Node::start().await;
    let ack = async |headers: &str| {
        node.post_with("/api/v1/services/shop/ack", ACK, &format!("{JSON}{headers}")).await
    };
    assert_eq!(
        ack(&format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", node.address)).await.status,
        200
    );
    for foreign in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://127.0.0.1:1\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        ack(foreign).await.problem(403, "forbidden");
    }
}

#[actix::test]
async fn a_page_has_forms_for_who_may_change_things_also_when_a_link_of_another_site_led_there() {
    let node = Node::start().await;
    let writes =
        async |headers: &str| node.get_with("/services/shop", headers).await.text().contains(" data-writes=");
    assert!(writes("").await);
    assert!(writes("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n").await);
    assert!(!writes("X-Forwarded-For: 10.0.0.1\r\n").await);
}

#[actix::test]
async fn a_foreign_host_name_is_refused_on_this_machine() {
    let node = Node::with(Config { hosts: vec!["P7.example.org".to_owned()], ..loopback() }).await;
    let get =
        async |host: &str| node.send(&format!("GET /api/v1/mesh HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    for own in
        ["127.0.0.1", "127.0.0.1:7007", "[::1]:7007", "localhost:7007", "LOCALHOST", "p7.example.org:443"]
    {
        assert_eq!(get(own).await.status, 200, "{own}");
    }
    for foreign in ["evil.example", "evil.example:7007", "localhost.evil.example", "127.0.0.1.evil.example"] {
        let detail = get(foreign).await.problem(421, "misdirected");
        assert!(detail.contains("`http.hosts`"), "{detail}");
    }
}

#[actix::test]
async fn every_answer_carries_the_headers_that_keep_pages_safe() {
    let node = Node::start().await;
    for path in
        ["/", "/services/shop", "/api/v1/services", "/api/v1/nope", "/metrics", "/badge/shop.svg", "/healthz"]
    {
        let answer = node.get(path).await;
        let policy =
            answer.header("content-security-policy").unwrap_or_else(|| panic!("{path}: {}", answer.head));
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert!(answer.header("cache-control").is_some(), "{path}");
        let from = if path.starts_with("/badge") { "cross-origin" } else { "same-origin" };
        assert_eq!(answer.header("cross-origin-resource-policy"), Some(from), "{path}");
    }
    assert_eq!(node.get("/").await.header("access-control-allow-origin"), None);
}

#[actix::test]
async fn a_taken_port_and_a_bad_token_are_errors_that_say_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Node::try_start(&Config { listen: vec![address], ..loopback() }).err().unwrap().to_string();
    assert!(error.contains(&format!("can't listen on {address}")), "{error}");
    assert!(error.contains("another p7"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let admin_token = Some(Secret::File(file.path().to_owned()));
    let error = Node::try_start(&Config { admin_token, ..loopback() }).err().unwrap().to_string();
    assert!(error.contains("shorter than 16 characters"), "{error}");
    let admin_token = Some(Secret::Env("P7_NO_SUCH_VARIABLE".to_owned()));
    let error = Node::try_start(&Config { admin_token, ..loopback() }).err().unwrap().to_string();
    assert!(error.contains("`P7_NO_SUCH_VARIABLE` is not set"), "{error}");
}

#[actix::test]
async fn a_stopped_dashboard_gives_its_port_back_in_time() {
    let node = Node::start().await;
    let address = node.address;
    let idle = std::net::TcpStream::connect(address).unwrap();
    tokio::time::timeout(DEADLINE, node.running.stop(DEADLINE)).await.unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(idle);
}
