//! `p7 status --watch`: the table stays on the screen and up to date, without flicker.

use super::client::Client;
use super::fault::{Answer, Failure};
use super::out::{self, Screen, Tone};
use super::view::Service;
use super::{status, when};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

/// How often the node is asked: as often as a person looks.
const REFRESH: Duration = Duration::from_secs(2);
/// The other screen of the terminal, without its cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Back to the screen that was there before.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Shows the table until Ctrl-C.
pub(crate) async fn run(client: &Client, filter: Option<&str>) -> Result<Answer, Failure> {
    if !out::is_terminal() {
        return Err(Failure::Use(
            "--watch redraws a terminal and this is none; leave it out, or use --json".to_owned(),
        ));
    }
    let mut services = status::services_of(status::fetch(client, filter).await?.iter());
    out::print(ENTER)?;
    let watched = until_interrupted(client, filter, &mut services).await;
    out::print(LEAVE)?;
    watched.map(|()| Answer::Fine)
}

async fn until_interrupted(
    client: &Client,
    filter: Option<&str>,
    services: &mut Vec<Service>,
) -> Result<(), Failure> {
    let mut trouble = None;
    let mut ended = Ended(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut ticks = tokio::time::interval(REFRESH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        let lines = terminal_size::terminal_size().map_or(24, |(_, rows)| usize::from(rows.0));
        let text = frame(client.address(), services, trouble.as_deref(), lines, Screen::of_stdout());
        out::print(&text)?;
        tokio::select! {
            _tick = ticks.tick() => {}
            () = ended.wait() => return Ok(()),
        }
        tokio::select! {
            answer = status::fetch(client, filter) => match answer {
                Ok(found) => {
                    *services = status::services_of(found.iter());
                    trouble = None;
                }
                // the last known stays on the screen, with why it is not renewed
                Err(failure) => trouble = Some(failure.to_string()),
            },
            () = ended.wait() => return Ok(()),
        }
    }
}

/// Waits for Ctrl-C or to be told to end: either way the terminal is put back as it was.
struct Ended(Signal, Signal);

impl Ended {
    async fn wait(&mut self) {
        tokio::select! {
            _interrupted = self.0.recv() => {}
            _terminated = self.1.recv() => {}
        }
    }
}

/// One picture: every line overwrites the one before and wipes what is left of it, so nothing blinks.
fn frame(address: &str, services: &[Service], trouble: Option<&str>, lines: usize, screen: Screen) -> String {
    let mut top = vec![
        screen.ink.paint(Tone::Strong, &out::cut(&status::summary(services), screen.width)),
        screen.ink.paint(Tone::Faint, &out::cut(&format!("{address} — Ctrl-C ends"), screen.width)),
    ];
    if let Some(trouble) = trouble {
        top.push(screen.ink.paint(Tone::Bad, &out::cut(&out::clean(trouble), screen.width)));
    }
    top.push(String::new());
    let table = status::rows(services, when::now(), screen);
    let rows: Vec<&str> = table.lines().collect();
    let room = lines.saturating_sub(top.len() + 1);
    let mut text = "\x1b[H".to_owned();
    let shown = if rows.len() > room { room.saturating_sub(1) } else { rows.len() };
    let mut line = |content: &str| {
        text.push_str(content);
        text.push_str("\x1b[K\r\n");
    };
    top.iter().map(String::as_str).chain(rows.iter().take(shown).copied()).for_each(&mut line);
    if shown < rows.len() {
        line(&format!("… and {} more; a filter shows fewer", rows.len() - shown));
    }
    text.push_str("\x1b[J");
    text
}

#[cfg(test)]
mod tests {
    use super::super::out::Ink;
    use super::super::view;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_picture_never_has_more_lines_than_the_terminal() {
        let one = |n: u32| {
            let name = format!("Service {n}");
            view::read(&json!({ "id": "x", "name": name, "level": "healthy" })).unwrap()
        };
        let services: Vec<Service> = (0..50).map(one).collect();
        let screen = Screen { width: 60, ink: Ink::Plain };
        let text = frame("http://127.0.0.1:7007", &services, Some("can't reach it"), 12, screen);
        assert_eq!(text.matches("\r\n").count(), 11);
        assert!(text.starts_with("\x1b[H50 services: 50 healthy\x1b[K\r\n"), "{text}");
        assert!(text.ends_with("… and 45 more; a filter shows fewer\x1b[K\r\n\x1b[J"), "{text}");
    }
}
