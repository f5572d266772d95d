//! A private Dovecot on loopback, with TLS by an authority of its own: Debian's, as `scripts/setup test`
//! unpacks or finds it.

use crate::account::{Account, Login, Security, trusting};
use crate::watch::{Folder, News, Pace};
use p7_core::mail::Position;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Everything is waited for at most so long: the machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);
pub(super) const USER: &str = "ops@p7.test";
pub(super) const PASSWORD: &str = "s3cret";
/// The access token that this server takes.
pub(super) const TOKEN: &str = "tok-ops";

/// A running server and its folder.
pub(super) struct Dovecot {
    home: tempfile::TempDir,
    child: Option<Child>,
    pub(super) imap: u16,
    pub(super) imaps: u16,
    count: AtomicU32,
    introspection: u16,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

impl Dovecot {
    /// A server with an empty mailbox.
    pub(super) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let introspection = introspect();
        let (imap, imaps) = (free_port(), free_port());
        let mut server = Self { home, child: None, imap, imaps, count: AtomicU32::new(0), introspection };
        server.certify();
        server.make_mailbox();
        server.configure("");
        server.run();
        server
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.home.path().join(below)
    }

    /// An authority, and a leaf for the server: rustls refuses an authority's certificate as a server's.
    fn certify(&self) {
        let authority = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&authority).unwrap();
        let issuer = Issuer::new(params, authority);
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        std::fs::write(self.path("ca.pem"), certificate.pem()).unwrap();
        std::fs::write(self.path("cert.pem"), leaf.pem()).unwrap();
        std::fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
    }

    fn make_mailbox(&self) {
        for below in ["mail/Maildir", "mail/Maildir/.Alerts"] {
            for part in ["cur", "new", "tmp"] {
                std::fs::create_dir_all(self.path(below).join(part)).unwrap();
            }
        }
        std::fs::write(self.path("mail/Maildir/.Alerts/maildirfolder"), "").unwrap();
        Self::hand_over(&self.path("mail"));
    }

    /// Gives what root has made to the user that mail is read as.
    fn hand_over(path: &Path) {
        if !is_root() {
            return;
        }
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                Self::hand_over(&entry.unwrap().path());
            }
        }
    }

    /// Writes the configuration; `more` is added at its end.
    pub(super) fn configure(&self, more: &str) {
        let home = self.home.path().display();
        let (me, group, uid) = if is_root() {
            ("nobody".to_owned(), "nogroup".to_owned(), format!("{NOBODY}:{NOBODY}"))
        } else {
            let ask = |flags: &str| {
                let out = Command::new("id").arg(flags).output().unwrap();
                String::from_utf8(out.stdout).unwrap().trim().to_owned()
            };
            (ask("-un"), ask("-gn"), format!("{}:{}", ask("-u"), ask("-g")))
        };
        std::fs::write(self.path("passwd"), format!("{USER}:{{PLAIN}}{PASSWORD}:{uid}::{home}/mail::\n"))
            .unwrap();
        std::fs::write(
            self.path("oauth2.conf.ext"),
            format!(
                "introspection_mode = post\nintrospection_url = http://127.0.0.1:{}/introspect\n\
                 username_attribute = username\nactive_attribute = active\nactive_value = true\n",
                self.introspection
            ),
        )
        .unwrap();
        let mut text = format!(
            "base_dir = {home}/run\nstate_dir = {home}/state\ninstance_name = p7\nlog_path = {home}/log\n\
             default_internal_user = {me}\ndefault_login_user = {me}\ndefault_internal_group = {group}\n\
             protocols = imap\nlisten = 127.0.0.1\nssl = required\nssl_cert = <{home}/cert.pem\n\
             ssl_key = <{home}/key.pem\nauth_mechanisms = plain xoauth2\nmail_location = maildir:~/Maildir\n\
             first_valid_uid = 1\nauth_failure_delay = 0\n"
        );
        text.push_str("namespace inbox {\n  inbox = yes\n  separator = /\n}\n");
        write!(text, "passdb {{\n  driver = passwd-file\n  args = {home}/passwd\n}}\n").unwrap();
        write!(
            text,
            "passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {home}/oauth2.conf.ext\n}}\n\
             userdb {{\n  driver = passwd-file\n  args = {home}/passwd\n}}\n"
        )
        .unwrap();
        let (imap, imaps) = (self.imap, self.imaps);
        write!(
            text,
            "service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {imap}\n  }}\n  \
             inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n\
             service anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n{more}\n"
        )
        .unwrap();
        std::fs::write(self.path("dovecot.conf"), text).unwrap();
    }

    /// Starts the server and waits until it answers.
    pub(super) fn run(&mut self) {
        assert!(Path::new("/usr/sbin/dovecot").exists(), "there is no Dovecot; run `scripts/setup test`");
        let child = Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c"])
            .arg(self.path("dovecot.conf"))
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(self.path("stderr")).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.imaps)).is_err() {
            let gone = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(gone.is_none() && Instant::now() < end, "Dovecot did not start: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has logged.
    pub(super) fn said(&self) -> String {
        let read = |name| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        format!("{}{}", read("stderr"), read("log"))
    }

    /// Kills it and all it has started, at once.
    pub(super) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // its children follow their master's end; SIGQUIT would be asked for, SIGKILL is not
        let group = format!("-{}", child.id());
        Command::new("kill").stderr(Stdio::null()).args(["-KILL", "--", &group]).status().unwrap();
        child.wait().unwrap();
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.imaps)).is_ok() {
            assert!(Instant::now() < end, "Dovecot lives on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Delivers a mail the way a delivery agent does it: written aside, then moved into `new`.
    pub(super) fn deliver(&self, folder: &str, mail: &[u8]) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let name = format!("{number:010}.p7.test");
        let base = match folder {
            "INBOX" => self.path("mail/Maildir"),
            other => self.path("mail/Maildir").join(format!(".{other}")),
        };
        let aside = base.join("tmp").join(&name);
        std::fs::write(&aside, mail).unwrap();
        Self::hand_over(&aside);
        std::fs::rename(aside, base.join("new").join(name)).unwrap();
    }

    /// The names of a folder's mails, with their flags.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let base = match folder {
            "INBOX" => self.path("mail/Maildir"),
            other => self.path("mail/Maildir").join(format!(".{other}")),
        };
        let list = |part: &str| {
            let entries = std::fs::read_dir(base.join(part)).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        let mut all = [list("new"), list("cur")].concat();
        all.sort();
        all
    }

    /// Somebody reads every mail of a folder.
    pub(super) fn read_all(&self, folder: &str) {
        let base = match folder {
            "INBOX" => self.path("mail/Maildir"),
            other => self.path("mail/Maildir").join(format!(".{other}")),
        };
        for part in ["new", "cur"] {
            for entry in std::fs::read_dir(base.join(part)).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let unmarked = name.split(":2,").next().unwrap().to_owned();
                std::fs::rename(entry.path(), base.join("cur").join(format!("{unmarked}:2,S"))).unwrap();
            }
        }
    }

    /// The account of its mailbox.
    pub(super) fn account(&self, security: Security, login: Login) -> Arc<Account> {
        Arc::new(Account {
            host: "localhost".to_owned(),
            port: if security == Security::Tls { self.imaps } else { self.imap },
            security,
            user: USER.to_owned(),
            login,
            tls: trusting(Some(&self.path("ca.pem"))).unwrap(),
        })
    }
}

/// Root's stand-in on every Debian.
const NOBODY: u32 = 65_534;

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("Dovecot said: {}", self.said());
        }
    }
}

/// A token introspection endpoint that knows one token; it ends with the test's process.
fn introspect() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = Vec::new();
            let mut some = [0; 1024];
            stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            while !String::from_utf8_lossy(&seen).contains("token=") {
                match stream.read(&mut some) {
                    Ok(read) if read > 0 => seen.extend_from_slice(&some[..read]),
                    Ok(_) | Err(_) => break,
                }
            }
            let good = String::from_utf8_lossy(&seen).contains(&format!("token={TOKEN}"));
            let body = if good {
                format!("{{\"active\":true,\"username\":\"{USER}\"}}")
            } else {
                "{\"active\":false}".to_owned()
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    port
}

/// Watches a folder from `after` on; what it tells arrives at the receiver.
pub(super) fn watch(account: &Arc<Account>, folder: &str, after: Option<Position>) -> mpsc::Receiver<News> {
    let (to, news) = mpsc::channel(16);
    let watched = Folder {
        account: Arc::clone(account),
        name: folder.to_owned(),
        pace: Pace { poll: Duration::from_secs(1), idle: Duration::from_secs(60) },
        after,
    };
    tokio::spawn(watched.watch(to));
    news
}
