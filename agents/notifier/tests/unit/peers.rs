//! Programs of others take what channels send: Slack's models, Microsoft's card library, a mail server,
//! Alertmanager. `scripts/setup test` brings them. PagerDuty's events are held to their documented shape by
//! snapshots only: no package has their OpenAPI description.

use crate::channel::{Node, Outcome, Outside};
use crate::channels::{alertmanager, email, slack, teams};
use crate::http::Http;
use crate::samples::{item, message, outage, recovery, storm};
use crate::{ChannelConfig, Speaker};
use p7_core::speech::message::{Kind, Message};
use p7_core::vocabulary::{Level, MeshTime};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running program, which ends with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn peers() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let deps = exe.ancestors().find(|folder| folder.ends_with("deps")).unwrap();
    deps.ancestors().nth(2).unwrap().join("peers")
}

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(name)
}

fn python() -> Command {
    Command::new(peers().join("venv/bin/python"))
}

/// What a program says about a text on its input; it must succeed.
fn ask(mut program: Command, input: &Value) -> String {
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap_or_else(|e| panic!("{program:?}: {e}; run scripts/setup test"));
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{input:#}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn messages() -> [Message; 4] {
    let mut test = message(Kind::Test, Vec::new());
    test.title = "<!channel> *bold* [link](https://x) & \"more\"".to_owned();
    [outage(), recovery(), storm(), test]
}

fn prepared(config: &ChannelConfig, folder: &Path) -> Arc<dyn Speaker> {
    config.prepare(&Node::at(folder)).unwrap()
}

fn outside() -> Outside {
    // one TLS provider, as in the program itself
    drop(rustls::crypto::ring::default_provider().install_default());
    Outside { http: Http::new().unwrap() }
}

#[test]
fn slacks_own_models_read_our_blocks_and_change_nothing() {
    for message in messages() {
        let mut program = python();
        program.arg(ours("slack_peer.py")).arg("models");
        let said = ask(program, &slack::laid_out(&message)["blocks"]);
        assert!(said.ends_with("blocks\n"), "{said}");
    }
}

#[test]
fn microsofts_library_reads_our_cards_without_a_complaint() {
    for message in messages() {
        let mut program = Command::new("node");
        program.arg(ours("cards/read.cjs")).env("NODE_PATH", peers().join("cards/node_modules"));
        let said: Value = serde_json::from_str(&ask(program, &teams::card(&message))).unwrap();
        assert_eq!(said["complaints"], serde_json::json!([]), "{said}");
        assert_eq!((said["version"].as_str(), said["actions"][0].as_str()), (Some("1.4"), Some("Dashboard")));
        let containers = said["items"].as_array().unwrap().iter().filter(|one| *one == "Container").count();
        assert_eq!(containers, message.items.len());
    }
}

/// A certificate authority, and a server's certificate by it: both as PEM files.
fn certificates(folder: &Path) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(folder.join("server.pem"), server.pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}

#[tokio::test]
async fn a_mail_server_gets_the_mail_after_starttls_and_login_and_only_if_its_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    std::fs::write(folder.path().join("password"), "s3cret").unwrap();
    let mut program = python();
    program
        .arg(ours("mail_peer.py"))
        .args([folder.path().join("server.pem"), folder.path().join("server.key")]);
    program.args(["p7", "s3cret"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = Peer(program.spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let port = lines.next().unwrap().unwrap();
    let config = |more: &str| -> ChannelConfig {
        let text = format!(
            "server = 'localhost'\nport = {port}\nusername = 'p7'\npassword = 'file:password'\n\
             from = 'Protocol/7 <p7@example.org>'\nto = ['Ada <ada@example.org>', 'ops@example.org']\n{more}"
        );
        ChannelConfig::Email(Box::new(toml::from_str::<email::Config>(&text).unwrap()))
    };
    let outside = outside();
    let untrusted = prepared(&config(""), folder.path()).say(&outage(), None, &outside).await;
    assert!(!matches!(untrusted, Outcome::Sent(_)), "{untrusted:?}");
    let speaker = prepared(&config("ca_file = 'ca.pem'"), folder.path());
    let outcome = speaker.say(&outage(), None, &outside).await;
    assert!(matches!(&outcome, Outcome::Sent(Some(_))), "{outcome:?}");
    let mail: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((mail["tls"].as_bool(), mail["user"].as_str()), (Some(true), Some("p7")));
    assert_eq!(mail["to"], serde_json::json!(["ada@example.org", "ops@example.org"]));
    assert_eq!(mail["headers"]["subject"], "[Office] 1 services fail");
    for kind in ["text/plain", "text/html"] {
        let text = mail["parts"][kind].as_str().unwrap();
        assert!(text.contains("connection refused") && text.contains("release 42"), "{kind}: {text}");
    }
    std::fs::write(folder.path().join("password"), "wrong").unwrap();
    let refused = prepared(&config("ca_file = 'ca.pem'"), folder.path()).say(&outage(), None, &outside).await;
    assert!(
        matches!(&refused, Outcome::Refused { what_to_do, .. } if what_to_do.contains("`password`")),
        "{refused:?}"
    );
}

/// Debian's Alertmanager wants its templates at their place: where it was only unpacked, a mount that nobody
/// else sees puts them there.
fn alertmanager_program() -> Command {
    let unpacked = peers().join("usr/bin/prometheus-alertmanager");
    if !unpacked.is_file() {
        return Command::new("prometheus-alertmanager");
    }
    let mut program = Command::new("unshare");
    if !Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n") {
        program.arg("--map-root-user");
    }
    let script = "mount --bind \"$0\" /usr/share && exec \"$@\"";
    program.args(["--mount", "sh", "-c", script]).arg(peers().join("usr/share")).arg(unpacked);
    program
}

/// The alerts that stand, once they are as wanted.
async fn alerts(url: &str, wanted: usize) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = reqwest::get(format!("{url}/api/v2/alerts")).await;
        if let Ok(answer) = answer
            && let Ok(Value::Array(list)) = serde_json::from_slice(&answer.bytes().await.unwrap())
            && list.len() == wanted
        {
            return list;
        }
        assert!(Instant::now() < until, "Alertmanager does not show {wanted} alerts");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn alertmanager_shows_what_fails_once_and_ends_it_with_the_recovery() {
    let outside = outside();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("am.yml"),
        "route: { receiver: none }\nreceivers: [ { name: none } ]\n",
    )
    .unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut program = alertmanager_program();
    program.current_dir(folder.path()).args(["--config.file=am.yml", "--storage.path=data"]);
    program.args(["--cluster.listen-address=", &format!("--web.listen-address=127.0.0.1:{port}")]);
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = Peer(program.spawn().unwrap());
    let url = format!("http://127.0.0.1:{port}");
    assert!(alerts(&url, 0).await.is_empty());
    let config: alertmanager::Config =
        toml::from_str(&format!("urls = ['{url}']\nlabels = {{ severity = 'page' }}")).unwrap();
    let speaker = prepared(&ChannelConfig::Alertmanager(Box::new(config)), folder.path());
    let now =
        MeshTime(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap());
    let told = |kind, level| {
        let mut one = item("shop", kind, level);
        one.since = Some(MeshTime(now.0 - 60_000));
        one.ended = one.ended.map(|_| now);
        Message { at: now, ..message(kind, vec![one]) }
    };
    for (kind, level) in [(Kind::Outage, Level::Incident), (Kind::Worsened, Level::Down)] {
        assert!(matches!(speaker.say(&told(kind, level), None, &outside).await, Outcome::Sent(_)));
        let [alert] = &alerts(&url, 1).await[..] else { unreachable!() };
        assert_eq!(
            (alert["labels"]["service"].as_str(), alert["labels"]["severity"].as_str()),
            (Some("shop"), Some("page"))
        );
        assert_eq!(alert["status"]["state"], "active", "{alert}");
    }
    let recovered = speaker.say(&told(Kind::Recovery, Level::Healthy), None, &outside).await;
    assert!(matches!(recovered, Outcome::Sent(_)), "{recovered:?}");
    assert!(alerts(&url, 0).await.is_empty());
}
