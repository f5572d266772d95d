//! A server of few words on loopback: it keeps what it is asked, and answers as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The path as it was sent, still escaped.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether the query is this and nothing else.
    pub(crate) fn has_query(&self, wanted: &[(&str, &str)]) -> bool {
        let wanted = wanted.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.query == wanted.collect()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// How long the body is said to be, if not as long as it is.
    pub(crate) said_length: Option<usize>,
    /// How long it takes to begin.
    pub(crate) after: Duration,
    /// What is sent again and again after the body, for as long as it is taken.
    pub(crate) endless: bool,
}

impl Reply {
    pub(crate) fn json(body: &str) -> Self {
        Self::of(200, "application/json; charset=utf-8", body)
    }

    pub(crate) fn of(status: u16, kind: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", kind.to_owned())],
            body: body.as_bytes().to_vec(),
            said_length: None,
            after: Duration::ZERO,
            endless: false,
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::of(status, "application/json", "{}")
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A running server; its requests are there to look at.
#[derive(Debug, Clone)]
pub(crate) struct Fake {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Listens until the runtime ends.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                tokio::spawn(async move {
                    // a client that goes away is no fault of the server
                    serve(stream, &*answer, &kept).await.unwrap_or_default();
                });
            }
        });
        Self { url, asked }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    answer: &(dyn Fn(&Asked) -> Reply + Send + Sync),
    kept: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let asked = read(&head);
    kept.lock().unwrap().push(asked.clone());
    let reply = answer(&asked);
    tokio::time::sleep(reply.after).await;
    let length = reply.said_length.unwrap_or(reply.body.len());
    let mut text = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
    if !reply.endless && reply.status != 304 {
        text.extend(["Content-Length: ", &length.to_string(), "\r\n"]);
    }
    for (name, value) in &reply.headers {
        text.extend([*name, ": ", value, "\r\n"]);
    }
    stream.write_all((text + "\r\n").as_bytes()).await?;
    stream.write_all(&reply.body).await?;
    if reply.endless {
        loop {
            stream.write_all(&[b' '; 8 * 1024]).await?;
        }
    }
    stream.shutdown().await?;
    // until the client has it all and goes
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

fn read(head: &str) -> Asked {
    let mut lines = head.lines();
    let target = lines.next().unwrap().split(' ').nth(1).unwrap();
    let url = Url::parse("http://fake/").unwrap().join(target).unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Asked {
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
    }
}
