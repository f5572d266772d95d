//! `node.toml`: what is about one machine.

use p7_settings::{Check, Faults};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Longest name of a node, in characters: it stands in tables and messages.
const NAME_LIMIT: usize = 64;
/// Most labels of a node or service; each is compared and shown.
pub(super) const LABEL_LIMIT: usize = 32;
/// Longest value of a label, in characters.
const LABEL_VALUE_LIMIT: usize = 200;
/// Where data are kept when nothing is said, beside the configuration.
const DATA_DIR: &str = "data";

/// `node.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NodeConfig {
    /// `[node]`: who this machine is.
    pub(crate) node: NodeSection,
    /// `[mesh]`: how it joins the others.
    pub(crate) mesh: p7_member::Config,
    /// `[http]`: the dashboard and its API.
    pub(crate) http: p7_dashboard::Config,
    /// `[prober]`: how services are tested from here.
    pub(crate) prober: p7_prober::Config,
    /// `[store]`: what is kept for how long.
    pub(crate) store: p7_store::Config,
    /// `[devices.NAME]`: what stands on the desk.
    pub(crate) devices: p7_devices::Config,
    /// `[notifier]`: what messages may do here.
    pub(crate) notifier: NotifierConfig,
    /// `[log]`: what is written to the log.
    pub(crate) log: LogConfig,
    /// `[demo]`: a small site to watch.
    pub(crate) demo: DemoConfig,
}

/// `[node]`: who this machine is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NodeSection {
    /// What people call this node. Default the host's name. Two nodes of one name are told apart by
    /// their ids alone.
    pub(crate) name: Option<String>,
    /// Free labels. `site` groups nodes behind one uplink: each site has one vote. Default none: every
    /// node has its own vote, so that ten machines behind one broken uplink outvote the rest.
    pub(crate) labels: BTreeMap<String, String>,
    /// Where results, incidents and the node's identity are kept, relative to the configuration's folder.
    /// Default `data`. Another folder is another node: it starts without a past and with a new identity.
    pub(crate) data_dir: Option<PathBuf>,
}

/// `[notifier]`: what messages may do on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NotifierConfig {
    /// Programs that channels of kind `exec` may run here, each with its whole path. Default none: the
    /// shared configuration alone makes no machine run anything.
    pub(crate) programs: Vec<PathBuf>,
}

/// `[log]`: what is written to the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// The least important lines that are written: `error`, `warn`, `info`, `debug`, `trace`. Default
    /// `info`. With `debug` every probe writes lines: for looking into something, not for good.
    pub(crate) level: LogLevel,
    /// `text` for people or `json` for a log collector. Default `text`.
    pub(crate) format: LogFormat,
}

/// How important a line of the log must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogLevel {
    /// Something does not work.
    Error,
    /// Something may not work soon.
    Warn,
    /// An operator acts or is glad.
    #[default]
    Info,
    /// For developers.
    Debug,
    /// For developers, in every detail.
    Trace,
}

impl LogLevel {
    /// Its name, as a tracing filter takes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For log collectors: one JSON object a line.
    Json,
}

/// `[demo]`: a small site whose pages fail and recover, so that there is something to watch offline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DemoConfig {
    /// Where the site listens, such as `127.0.0.1:7008`. Default nowhere: there is no such site.
    pub(crate) listen: Option<SocketAddr>,
}

impl NodeConfig {
    /// What people call this node.
    pub(crate) fn name(&self) -> String {
        self.node.name.clone().unwrap_or_else(host_name)
    }

    /// Where its data are; `dir` is the configuration's folder.
    pub(crate) fn data_dir(&self, dir: &Path) -> PathBuf {
        dir.join(self.node.data_dir.as_deref().unwrap_or(Path::new(DATA_DIR)))
    }
}

impl Check for NodeConfig {
    fn check(&self, faults: &mut Faults<'_>) {
        self.node.check(&mut faults.under("node"));
        self.mesh.check(&mut faults.under("mesh"));
        self.http.check(&mut faults.under("http"));
        self.prober.check(&mut faults.under("prober"));
        self.store.check(&mut faults.under("store"));
        self.devices.check(&mut faults.under("devices"));
        for (place, program) in
            self.notifier.programs.iter().enumerate().filter(|(_, path)| !path.is_absolute())
        {
            let message = format!("`{}` is no whole path; it begins with /", program.display());
            faults.under("notifier").under("programs").push(place.to_string(), message);
        }
        if let Some(demo) = self.demo.listen
            && demo.port() != 0
            && self.http.listen.contains(&demo)
        {
            faults.under("demo").push("listen", format!("{demo} is the dashboard's; choose another port"));
        }
    }
}

impl Check for NodeSection {
    fn check(&self, faults: &mut Faults<'_>) {
        if let Some(name) = &self.name {
            check_line("name", name, NAME_LIMIT, faults);
        }
        check_labels(&self.labels, &mut faults.under("labels"));
        if self.data_dir.as_ref().is_some_and(|dir| dir.as_os_str().is_empty()) {
            faults.push("data_dir", "names no folder; leave it out for `data` beside the configuration");
        }
    }
}

/// Checks a text that is shown in one line and must not be empty.
pub(super) fn check_line(key: &str, text: &str, limit: usize, faults: &mut Faults<'_>) {
    if text.trim().is_empty() {
        faults.push(key, "is empty; leave it out or say something");
    } else if text.chars().count() > limit {
        faults.push(key, format!("is longer than {limit} characters"));
    } else if text.chars().any(char::is_control) {
        faults.push(key, "has line ends or other control characters; write one line");
    }
}

/// Checks free labels: names as Prometheus takes them.
pub(super) fn check_labels(labels: &BTreeMap<String, String>, faults: &mut Faults<'_>) {
    if labels.len() > LABEL_LIMIT {
        faults.here(format!("more than {LABEL_LIMIT} labels; leave some out"));
    }
    for (name, value) in labels {
        let mut bytes = name.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !starts || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') || name.len() > NAME_LIMIT {
            faults.push(name, "is no label: use letters, digits and `_`, no digit first, at most 64");
        }
        if value.chars().count() > LABEL_VALUE_LIMIT || value.chars().any(char::is_control) {
            faults.push(name, format!("write one line of at most {LABEL_VALUE_LIMIT} characters"));
        }
    }
}

fn host_name() -> String {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    if name.trim().is_empty() { String::from("node") } else { name }
}
