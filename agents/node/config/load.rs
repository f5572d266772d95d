//! Reads both files with what the environment overrides: either all is well, or all faults are told.

use super::mesh::{Defaults, MeshConfig};
use super::node::NodeConfig;
use super::warnings::{Joins, warnings};
use super::{deployments, relations, services};
use p7_core::service::Service;
use p7_deployments::Origin;
use p7_prober::{Probe, ProbeConfig};
use p7_settings::{Document, Overrides, PlacedFault, keys_of};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The file about one machine.
pub(super) const NODE_FILE: &str = "node.toml";
/// The file that all nodes share.
pub(super) const MESH_FILE: &str = "mesh.toml";
/// What the variables for `node.toml` begin with.
const NODE_PREFIX: &str = "P7_NODE__";
/// What the variables for `mesh.toml` begin with.
const MESH_PREFIX: &str = "P7_MESH__";
/// Keys of a test that name files, which only preparing it opens.
const FILE_KEYS: [&str; 2] = ["ca_file", "client_cert"];
/// Bytes of the configuration's hash that are shown: enough to tell two apart.
const HASH_SHOWN: usize = 6;

/// A service and how it is tested.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// The service.
    pub(crate) service: Arc<Service>,
    /// Its probe's settings.
    pub(crate) probe: Arc<ProbeConfig>,
    /// What deploys it, if that is known.
    pub(crate) origin: Option<Arc<Origin>>,
}

/// A configuration without faults.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// The folder it was read from; relative files are looked for there.
    pub(crate) dir: PathBuf,
    /// What is about this machine.
    pub(crate) node: NodeConfig,
    /// What all nodes share, but for the services.
    pub(crate) mesh: MeshConfig,
    /// The services to watch, in the order of their ids.
    pub(crate) services: Vec<Watched>,
    /// A short hash of both files with what the environment overrides.
    pub(crate) hash: String,
    /// What the files and the environment say, secrets hidden; what is absent has its default.
    pub(crate) redacted: Arc<serde_json::Value>,
    /// What is no fault but worth a look.
    pub(crate) warnings: Vec<PlacedFault>,
    /// Secrets that are not there. The node runs without them; the services that need them fail.
    pub(crate) missing_secrets: Vec<PlacedFault>,
}

/// A configuration with faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} fault(s); the first is {}", faults.len(), faults.first().map_or(String::new(), ToString::to_string))]
pub(crate) struct Refused {
    /// All faults, in the order of their places; at least one.
    pub(crate) faults: Vec<PlacedFault>,
    /// Secrets that are not there.
    pub(crate) missing_secrets: Vec<PlacedFault>,
}

/// When and how large both files were: cheap to take, different when one of them was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint([Option<(SystemTime, u64)>; 2]);

/// Takes the files' fingerprint.
pub(crate) fn fingerprint(dir: &Path) -> Fingerprint {
    Fingerprint([NODE_FILE, MESH_FILE].map(|name| {
        let about = std::fs::metadata(dir.join(name)).ok()?;
        Some((about.modified().ok()?, about.len()))
    }))
}

/// The environment variables that override the configuration.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| name.starts_with(NODE_PREFIX) || name.starts_with(MESH_PREFIX))
        .collect()
}

/// Reads the configuration in `dir`, overridden by `environment`. A file that isn't there is like an
/// empty one.
///
/// # Errors
/// All faults of both files.
pub(crate) fn load(dir: &Path, environment: &BTreeMap<String, String>) -> Result<Loaded, Refused> {
    if !dir.is_dir() {
        return Err(no_folder(dir));
    }
    put_together(dir, read_node(dir, environment), read_mesh(open(dir, MESH_FILE), environment))
}

/// Reads the configuration in `dir` like [`load`], but with this text, known as `name`, in place of its
/// mesh.toml: the mesh's shared configuration, or one that is to become it.
///
/// # Errors
/// All faults of both.
pub(crate) fn load_shared(
    dir: &Path,
    environment: &BTreeMap<String, String>,
    name: &str,
    text: &str,
) -> Result<Loaded, Refused> {
    if !dir.is_dir() {
        return Err(no_folder(dir));
    }
    put_together(dir, read_node(dir, environment), read_mesh(Document::parse(name, text), environment))
}

/// The text of the mesh.toml in `dir`; none when there is none or it can't be read.
pub(crate) fn mesh_text(dir: &Path) -> Option<String> {
    std::fs::read_to_string(dir.join(MESH_FILE)).ok()
}

/// Reads the configuration in `dir` like [`load`] and says which of its services can't be tested, such
/// as for a file of theirs that isn't there. A node starts with these, and shows them as failed.
pub(super) fn load_and_prepare(
    dir: &Path,
    environment: &BTreeMap<String, String>,
) -> (Result<Loaded, Refused>, Vec<PlacedFault>) {
    if !dir.is_dir() {
        return (Err(no_folder(dir)), Vec::new());
    }
    let node = read_node(dir, environment);
    let (mesh_file, mesh, services) = read_mesh(open(dir, MESH_FILE), environment);
    let unready = unready(dir, &mesh_file, &services);
    (put_together(dir, node, (mesh_file, mesh, services)), unready)
}

fn no_folder(dir: &Path) -> Refused {
    let name = dir.display().to_string();
    let message = if dir.is_file() {
        let folder = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        format!("this is a file; name the folder it is in, `{}`", folder.display())
    } else {
        format!("there is no such folder; `p7 init {name}` makes one")
    };
    Refused { faults: vec![PlacedFault::of_file(&name, message)], missing_secrets: Vec::new() }
}

/// The services that can't be made ready; those that only lack a secret are told elsewhere.
fn unready(dir: &Path, mesh: &Document, entries: &[services::Entry]) -> Vec<PlacedFault> {
    let lacking: Vec<Vec<String>> = mesh
        .secrets()
        .into_iter()
        .filter(|(_, secret)| secret.resolve(dir).is_err())
        .map(|(path, _)| path)
        .collect();
    entries
        .iter()
        .filter(|entry| entry.enabled)
        .filter_map(|entry| {
            let Watched { service, probe, .. } = &entry.watched;
            let wrong = Probe::prepare(service, probe, dir).err()?;
            // what the settings find wrong with themselves was noted; whether a file is there was not
            let of_file = wrong.path.last().is_some_and(|key| FILE_KEYS.contains(&key.as_str()));
            if !entry.probe_is_sound && !of_file {
                return None;
            }
            let mut path = vec!["services", service.id.as_str()];
            path.extend(wrong.path.iter().map(String::as_str));
            (!lacking.iter().any(|secret| secret == &path)).then(|| mesh.placed(&path, &wrong.why))
        })
        .collect()
}

type NodeRead = (Document, Option<NodeConfig>);
type MeshRead = (Document, Option<MeshConfig>, Vec<services::Entry>);

fn put_together(dir: &Path, node: NodeRead, mesh: MeshRead) -> Result<Loaded, Refused> {
    let (node_file, node) = node;
    let (mesh_file, mesh, services) = mesh;
    let missing = [missing_secrets(&node_file, dir), missing_secrets(&mesh_file, dir)].concat();
    let has_key = node.as_ref().is_some_and(|node| node.mesh.key.is_some());
    let joins = if has_key { Joins::AMesh } else { Joins::Nobody };
    let publish = mesh.as_ref().map(|mesh| &mesh.publish);
    let warnings = warnings(dir, &mesh_file, &services, publish, joins);
    let redacted = json!({ "node": node_file.redacted(), "mesh": mesh_file.redacted() });
    let hash = hash(&node_file, &mesh_file);
    let faults = [node_file.into_faults(), mesh_file.into_faults()].concat();
    match (node, mesh) {
        (Some(node), Some(mesh)) if faults.is_empty() => Ok(Loaded {
            dir: dir.to_owned(),
            node,
            mesh,
            services: services.into_iter().filter(|entry| entry.enabled).map(|entry| entry.watched).collect(),
            hash,
            redacted: Arc::new(redacted),
            warnings,
            missing_secrets: missing,
        }),
        _ => Err(Refused { faults, missing_secrets: missing }),
    }
}

fn read_node(dir: &Path, environment: &BTreeMap<String, String>) -> NodeRead {
    let mut document = open(dir, NODE_FILE);
    let overrides = Overrides {
        prefix: NODE_PREFIX,
        home: "node",
        home_keys: &keys_of::<super::node::NodeSection>(),
        top_keys: &keys_of::<NodeConfig>(),
    };
    document.override_from(&overrides, environment);
    let config: Option<NodeConfig> = document.decode(&[], &[]);
    if let Some(config) = &config {
        document.check(&[], config);
    }
    (document, config)
}

fn read_mesh(mut document: Document, environment: &BTreeMap<String, String>) -> MeshRead {
    let mut top_keys = keys_of::<MeshConfig>();
    top_keys.extend(["services", "channels", "routes"]);
    let overrides = Overrides {
        prefix: MESH_PREFIX,
        home: "mesh",
        home_keys: &keys_of::<super::mesh::MeshSection>(),
        top_keys: &top_keys,
    };
    document.override_from(&overrides, environment);
    let mut config: Option<MeshConfig> = document.decode(&[], &["services", "channels", "routes"]);
    let speaking = super::speaking::read(&mut document);
    if let Some(config) = &mut config {
        config.speaking = speaking;
        document.check(&[], config);
    }
    let defaults = config.as_ref().map_or_else(Defaults::default, |config| config.defaults.clone());
    let mut entries = services::read(&mut document, &defaults);
    let ids = document.keys(&["services"]);
    relations::connect(&mut document, &mut entries, &ids);
    if let Some(config) = &config {
        deployments::connect(&mut document, &entries, &config.deployments);
    }
    (document, config, entries)
}

fn open(dir: &Path, name: &str) -> Document {
    let path = dir.join(name);
    let shown = path.display().to_string();
    Document::read(&path, &shown)
}

fn missing_secrets(document: &Document, dir: &Path) -> Vec<PlacedFault> {
    let secrets = document.secrets().into_iter();
    secrets
        .filter_map(|(path, secret)| {
            let why = secret.resolve(dir).err()?;
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            Some(document.placed(&path, &why.to_string()))
        })
        .collect()
}

fn hash(node: &Document, mesh: &Document) -> String {
    let mut sum = Sha256::new();
    sum.update(node.canonical());
    sum.update([0]);
    sum.update(mesh.canonical());
    sum.finalize().iter().take(HASH_SHOWN).fold(String::new(), |mut text, byte| {
        // writing into a string can't fail
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
