//! The fake's methods over HTTP: tokens, limits, and answers as Slack gives them.

use super::{APP_TOKEN, BOT, BOT_TOKEN, Call, Fake, State, TEAM};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

impl Fake {
    pub(super) async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut first = String::new();
        stream.read_line(&mut first).await.ok()?;
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let (status, more, answer) = self.answer(&first, &headers, &body);
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(answer.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }

    fn answer(
        &self,
        first: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
    ) -> (u16, &'static str, Value) {
        let mut words = first.split_whitespace();
        let (verb, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let method = path.trim_start_matches("/api/").to_owned();
        let kind = headers.get("content-type").cloned().unwrap_or_default();
        let read = if kind.starts_with("application/json") {
            serde_json::from_slice(body).unwrap_or(Value::Null)
        } else {
            let fields = url::form_urlencoded::parse(body);
            Value::Object(
                fields.map(|(key, value)| (key.into_owned(), Value::from(value.into_owned()))).collect(),
            )
        };
        let mut state = self.state();
        if verb != "POST" {
            state.faults.push(format!("{verb} {path} is no POST"));
        }
        if let Some(left) = state.limited.get_mut(&method).filter(|left| **left > 0) {
            *left -= 1;
            return (429, "Retry-After: 1\r\n", json!({ "ok": false, "error": "ratelimited" }));
        }
        state.calls.push(Call { method: method.clone(), body: read.clone() });
        if path.starts_with("/respond/") {
            if read["text"].as_str().is_none_or(str::is_empty) {
                state.faults.push(format!("a response without text: {read}"));
            }
            return (200, "", json!({ "ok": true }));
        }
        let token =
            headers.get("authorization").map_or("", |value| value.trim_start_matches("Bearer ")).to_owned();
        (200, "", self.method(&mut state, &method, &token, &kind, &read))
    }

    fn method(&self, state: &mut State, method: &str, token: &str, kind: &str, body: &Value) -> Value {
        let refuse = |error: &str| json!({ "ok": false, "error": error });
        let wanted = if method == "apps.connections.open" { APP_TOKEN } else { BOT_TOKEN };
        if token != wanted {
            let known = [APP_TOKEN, BOT_TOKEN].contains(&token);
            return refuse(if known { "not_allowed_token_type" } else { "invalid_auth" });
        }
        match method {
            "auth.test" => json!({
                "ok": true, "url": "https://test.slack.com/", "team": "Test", "team_id": TEAM, "user": "p7",
                "user_id": BOT, "bot_id": "B1", "is_enterprise_install": false,
            }),
            "apps.connections.open" => {
                let ticket = format!("ticket-{}", state.next());
                state.tickets.insert(ticket.clone());
                json!({ "ok": true, "url": format!("{}?ticket={ticket}&app_id=A1", self.socket_base) })
            }
            "chat.postMessage" | "chat.update" => {
                let text = body["text"].as_str().unwrap_or_default();
                if !(kind.contains("json") && kind.to_lowercase().contains("utf-8") || kind.contains("form"))
                {
                    state.faults.push(format!("{method} comes as `{kind}`"));
                }
                if text.is_empty() || text.chars().count() > 4_000 {
                    return refuse(if text.is_empty() { "no_text" } else { "msg_too_long" });
                }
                let Some(channel) = body["channel"].as_str() else { return refuse("channel_not_found") };
                let ts = match body["ts"].as_str() {
                    Some(ts) if method == "chat.update" => ts.to_owned(),
                    _ if method == "chat.update" => return refuse("message_not_found"),
                    _ => format!("1800000000.{:06}", state.next()),
                };
                json!({ "ok": true, "channel": channel, "ts": ts, "message": { "text": text } })
            }
            "users.info" => match body["user"].as_str() {
                Some("U1") => {
                    json!({ "ok": true, "user": { "id": "U1", "name": "ada", "profile": { "display_name": "Ada Lovelace" } } })
                }
                Some("U2") => {
                    json!({ "ok": true, "user": { "id": "U2", "name": "bob", "profile": { "display_name": "" }, "real_name": "Bob" } })
                }
                _ => refuse("user_not_found"),
            },
            "usergroups.users.list" => match body["usergroup"].as_str().and_then(|id| state.groups.get(id)) {
                Some(users) => json!({ "ok": true, "users": users }),
                None => refuse("no_such_subteam"),
            },
            _ => {
                state.faults.push(format!("there is no method {method}"));
                refuse("unknown_method")
            }
        }
    }
}
