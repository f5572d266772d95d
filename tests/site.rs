//! A service to be watched: a small HTTP server that can be switched to fail.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How a site behaves towards the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// Answers 200 with this body.
    Serves(String),
    /// Answers with this status code.
    Answers(u16),
    /// Takes the request and says nothing for a minute.
    Hangs,
    /// Closes the connection without an answer.
    HangsUp,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    requests: u64,
}

/// A running site. It lives as long as the test's process.
#[derive(Debug, Clone)]
pub struct Site {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Site {
    /// A site that is well, on a free port of loopback.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// A site that is well, on a free port of this address.
    pub fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let site = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(State { mood: Mood::Serves("all is well".to_owned()), requests: 0 })),
        };
        let serving = site.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = serving.clone();
                std::thread::spawn(move || site.serve(&stream));
            }
        });
        site
    }

    /// Its address as a URL, with a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Behaves so from now on.
    pub fn set(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// How many requests it has had.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers requests until the client closes. What a client breaks off is its own affair.
    fn serve(&self, stream: &TcpStream) {
        let mut lines = BufReader::new(stream).lines();
        while lines.by_ref().map_while(Result::ok).any(|line| line.is_empty()) {
            let mood = {
                let mut state = self.state();
                state.requests += 1;
                state.mood.clone()
            };
            let (code, body) = match mood {
                Mood::Serves(body) => (200, body),
                Mood::Answers(code) => (code, String::new()),
                Mood::Hangs => {
                    std::thread::sleep(Duration::from_secs(60));
                    return;
                }
                Mood::HangsUp => return,
            };
            let head = format!("HTTP/1.1 {code} Said\r\ncontent-length: {}\r\n\r\n", body.len());
            let mut stream = stream;
            if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
                return;
            }
        }
    }
}
