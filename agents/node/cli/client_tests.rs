//! The client against real servers: what each answer becomes, and what is sent.

use super::super::args::Node;
use super::*;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http, web};
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener};

/// A node that answers each path as its name says.
fn server() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(|| App::new().default_service(web::route().to(answer)))
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
    actix::spawn(server);
    format!("http://{address}")
}

async fn answer(request: HttpRequest) -> HttpResponse {
    let problem = |code: u16| {
        let status = http::StatusCode::from_u16(code).unwrap();
        HttpResponse::build(status).json(json!({ "title": "no", "detail": format!("because of\n{code}") }))
    };
    match request.path() {
        "/api/v1/token" => {
            let sent = request.headers().get("authorization").and_then(|v| v.to_str().ok());
            HttpResponse::Ok().json(json!({ "sent": sent }))
        }
        "/api/v1/faulty" => HttpResponse::UnprocessableEntity().json(json!({
            "detail": "the configuration has 2 faults; nothing was changed",
            "faults": ["mesh.toml:1:1: unknown key `x`", "mesh.toml:2:1: \u{1b}no name"],
        })),
        "/api/v1/text" => {
            let kind = request.headers().get("content-type").and_then(|v| v.to_str().ok());
            HttpResponse::Ok().json(json!({ "kind": kind, "query": request.query_string() }))
        }
        "/api/v1/elsewhere" => HttpResponse::Found().insert_header(("location", "/api/v1/token")).finish(),
        "/api/v1/page" => HttpResponse::Ok().body("<html>hello</html>"),
        "/api/v1/a%20b%2Fc" => HttpResponse::Ok().json("found"),
        path => problem(path.rsplit('/').next().and_then(|code| code.parse().ok()).unwrap_or(418)),
    }
}

fn node(url: &str) -> Node {
    Node { url: url.to_owned(), token: None }
}

async fn refused(url: &str, path: &str) -> (u8, String) {
    let failure = Client::new(&node(url)).unwrap().get::<Value>(&[path], &[]).await.unwrap_err();
    (failure.code(), failure.to_string())
}

#[actix::test]
async fn a_node_that_is_not_there_is_said_with_what_to_do() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let (code, said) = refused(&url, "services").await;
    assert_eq!(code, 3);
    assert_eq!(
        said,
        format!(
            "can't reach a node at {url}: connection refused; start one with `p7 run` or name another with --node"
        )
    );
}

#[actix::test]
async fn a_refusal_is_told_in_the_nodes_words_and_by_the_exit_code() {
    let url = server();
    for (status, code, said) in [
        (
            "401",
            2,
            format!(
                "{url} refuses this: because of 401; give the admin token with --token env:NAME or file:PATH"
            ),
        ),
        ("404", 2, "because of 404".to_owned()),
        ("409", 1, "because of 409".to_owned()),
        ("422", 2, "because of 422".to_owned()),
        ("503", 3, format!("the node at {url} can't answer: because of 503")),
    ] {
        assert_eq!(refused(&url, status).await, (code, said));
    }
}

#[actix::test]
async fn what_is_no_node_is_noticed_and_a_redirect_is_not_followed() {
    let url = server();
    let (code, said) = refused(&url, "page").await;
    assert_eq!(code, 3);
    assert!(said.starts_with(&format!("{url} answers, but not as a node")), "{said}");
    assert_eq!(refused(&url, "elsewhere").await, (2, "it answers 302 Found".to_owned()));
}

#[actix::test]
async fn the_token_is_read_from_where_the_reference_points_and_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cr3t-s3cr3t-s3cr3t\n").unwrap();
    let node = Node { url: server(), token: Some(format!("file:{}", file.display())) };
    let answer: Value = Client::new(&node).unwrap().get(&["token"], &[]).await.unwrap();
    assert_eq!(answer, json!({ "sent": "Bearer s3cr3t-s3cr3t-s3cr3t" }));
}

#[actix::test]
async fn the_faults_of_a_configuration_are_told_a_line_each() {
    let (code, said) = refused(&server(), "faulty").await;
    assert_eq!(code, 2);
    assert_eq!(
        said,
        "the configuration has 2 faults; nothing was changed\nmesh.toml:1:1: unknown key `x`\n\
         mesh.toml:2:1:  no name"
    );
}

#[actix::test]
async fn a_text_is_sent_as_its_type() {
    let client = Client::new(&node(&server())).unwrap();
    let query = [("by", "anna b".to_owned())];
    let text = "x = 1".to_owned();
    let answer: Value = client.post_text(&["text"], &query, "application/toml", text).await.unwrap();
    assert_eq!(answer, json!({ "kind": "application/toml", "query": "by=anna+b" }));
}

#[actix::test]
async fn a_name_stays_one_part_of_the_path() {
    let client = Client::new(&node(&server())).unwrap();
    assert_eq!(client.get::<Value>(&["a b/c"], &[]).await.unwrap(), json!("found"));
}

#[test]
fn a_token_in_the_open_is_refused_and_not_repeated() {
    for token in ["hunter2", "env:", "pass:word"] {
        let node = Node { url: "http://127.0.0.1:1".to_owned(), token: Some(token.to_owned()) };
        let Err(failure) = Client::new(&node) else { panic!("{token} is no reference") };
        assert_eq!(failure.code(), 2);
        assert!(
            !failure.to_string().contains("hunter2") && !failure.to_string().contains("pass:word"),
            "{failure}"
        );
    }
}

#[test]
fn an_address_that_is_none_is_wrong_use() {
    for url in ["", "localhost:7007", "ftp://host", "http://"] {
        let code = Client::new(&node(url)).err().map(|failure| failure.code());
        assert_eq!(code, Some(2), "{url}");
    }
}
