//! Two nodes' agents on one Dovecot: who reads, and that nothing is told twice.

use super::dovecot::{Dovecot, PASSWORD, PATIENCE, USER};
use crate::agent::{Follow, Mailboxes, Parts, Standing};
use crate::config::{MailboxConfig, check_mailboxes};
use actix::prelude::*;
use p7_bus::{FactsHeard, MailFound, MeshNoted, Stated};
use p7_core::mesh::view::{Holding, MeshView};
use p7_core::mesh::words::{Claim, Role, Stamp, Term};
use p7_core::vocabulary::NodeId;
use p7_settings::Faults;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

struct Recorder {
    found: mpsc::UnboundedSender<String>,
    stated: mpsc::UnboundedSender<Stated>,
}

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<MailFound> for Recorder {
    type Result = ();

    fn handle(&mut self, found: MailFound, _: &mut Self::Context) {
        self.found.send(found.says).unwrap();
    }
}

impl Handler<Stated> for Recorder {
    type Result = ();

    fn handle(&mut self, stated: Stated, _: &mut Self::Context) {
        self.stated.send(stated).unwrap();
    }
}

/// One node: its agent, what it tells and what it states.
struct Node {
    id: NodeId,
    agent: Addr<Mailboxes>,
    found: mpsc::UnboundedReceiver<String>,
    stated: mpsc::UnboundedReceiver<Stated>,
    _data: tempfile::TempDir,
}

fn config(server: &Dovecot) -> BTreeMap<String, MailboxConfig> {
    let text = format!(
        "[ops]\nhost = 'localhost'\nport = {}\nca_file = 'ca.pem'\nuser = '{USER}'\npassword = 'file:secret'\nshare = 'subject'\n\
         [ops.subjects.backup]\npattern = 'backup*failed'\n",
        server.imaps
    );
    std::fs::write(server.path("secret"), PASSWORD).unwrap();
    toml::from_str(&text).unwrap()
}

fn node(name: &str, server: &Dovecot) -> Node {
    let data = tempfile::tempdir().unwrap();
    let ((to_found, found), (to_stated, stated)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let recorder = Recorder { found: to_found, stated: to_stated }.start();
    let parts = Parts {
        standing: Standing::Elected,
        dir: server.path(""),
        data: data.path().to_owned(),
        states: Some(recorder.clone().recipient()),
        found: recorder.recipient(),
    };
    let agent = Mailboxes::new(parts, &prometheus::Registry::new()).unwrap().start();
    agent.do_send_in_test(Follow(config(server)));
    Node { id: NodeId::new(name).unwrap(), agent, found, stated, _data: data }
}

trait Tells {
    fn do_send_in_test<M>(&self, message: M)
    where
        M: Message<Result = ()> + Send + 'static,
        Mailboxes: Handler<M>;
}

impl Tells for Addr<Mailboxes> {
    fn do_send_in_test<M>(&self, message: M)
    where
        M: Message<Result = ()> + Send + 'static,
        Mailboxes: Handler<M>,
    {
        self.try_send(message).unwrap();
    }
}

/// Lets `node` know who holds the mailbox.
fn held_by(node: &Node, holder: &NodeId) {
    let claim = Claim { full: true, term: Term(1), priority: 50, node: holder.clone() };
    let view = MeshView {
        me: node.id.clone(),
        members: Vec::new(),
        holdings: vec![Holding { role: Role::Mailbox("ops".to_owned()), claim: Some(claim) }],
        configuration: Stamp::default(),
        correction_ms: 0,
    };
    node.agent.do_send_in_test(MeshNoted(Arc::new(view)));
}

async fn next<T>(from: &mut mpsc::UnboundedReceiver<T>) -> T {
    tokio::time::timeout(PATIENCE, from.recv()).await.expect("nothing came").unwrap()
}

/// Brings the next statement of one node to the other.
async fn gossip(from: &mut Node, to: &Node) {
    let Stated(facts) = next(&mut from.stated).await;
    let facts = facts.into_iter().map(|fact| (from.id.clone(), fact)).collect();
    to.agent.do_send_in_test(FactsHeard(facts));
}

fn mail(subject: &str) -> Vec<u8> {
    format!("From: cron@p7.test\r\nSubject: {subject}\r\n\r\nsee the log\r\n").into()
}

#[actix::test]
async fn one_node_reads_and_the_next_goes_on_where_it_was() {
    let server = Dovecot::start();
    server.deliver("INBOX", &mail("Backup of yesterday failed"));
    let (mut first, mut second) = (node("first", &server), node("second", &server));
    let holder = first.id.clone();
    held_by(&first, &holder);
    held_by(&second, &holder);
    gossip(&mut first, &second).await;
    server.deliver("INBOX", &mail("Backup one failed"));
    assert_eq!(next(&mut first.found).await, "backup: cron@p7.test: Backup one failed");
    gossip(&mut first, &second).await;
    // nobody reads while this arrives
    let nobody = NodeId::new("nobody").unwrap();
    held_by(&first, &nobody);
    first.agent.send(Follow::default()).await.unwrap();
    server.deliver("INBOX", &mail("Backup two failed"));
    let holder = second.id.clone();
    held_by(&second, &holder);
    assert_eq!(next(&mut second.found).await, "backup: cron@p7.test: Backup two failed");
    assert!(first.found.try_recv().is_err() && second.found.try_recv().is_err());
}

#[test]
fn unlawful_mailboxes_name_their_place() {
    let text = "
        ['a b']
        host = ''
        user = 'x'
        poll = '1s'
        idle = '30m'
        [two]
        host = 'h'
        user = 'x'
        password = 'env:A'
        [two.oauth2]
        token_url = 'http://login.example.org'
        client_id = 'c'
        client_secret = 'env:B'
        [three]
        host = 'h'
        user = 'x'
        [three.subjects.all]
        pattern = '*'
        level = 'unknown'
        [three.oauth2]
        token_url = 'http://login.example.org'
        client_id = 'c'
        client_secret = 'env:B'
    ";
    let mailboxes: BTreeMap<String, MailboxConfig> = toml::from_str(text).unwrap();
    let mut list = Vec::new();
    check_mailboxes(&mailboxes, &mut Faults::new(&mut list));
    let places: Vec<String> = list.iter().map(|fault| fault.path.join(".")).collect();
    let wanted = [
        "a b",
        "a b.host",
        "a b",
        "a b.poll",
        "a b.idle",
        "three.oauth2.token_url",
        "three.subjects.all.pattern",
        "three.subjects.all.level",
        "two.oauth2",
    ];
    assert_eq!(places, wanted);
}
