//! `p7 mesh key`, `invite` and `join`: all that it takes to make a mesh of two machines.

use super::args;
use super::fault::{Answer, Failure};
use super::out::{complain, print};
use crate::config;
use p7_mesh::Multiaddr;
use p7_mesh::invite::{BadInvitation, Invitation};
use p7_mesh::key::{BadKey, MeshKey};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file beside node.toml that holds the key.
const KEY_FILE: &str = "mesh.key";
/// The file about this machine.
const NODE_FILE: &str = "node.toml";
/// Longest invitation that is read, in bytes.
const INVITE_LIMIT: u64 = 16 * 1024;

/// Answers `p7 mesh key`.
pub(super) fn key(args: &args::MeshKeyArgs) -> Result<Answer, Failure> {
    let key = MeshKey::generate();
    if args.print {
        print(&format!("{}\n", key.expose()))?;
        return Ok(Answer::Fine);
    }
    let dir = &args.config.folder;
    let path = write_key(dir, &key)?;
    set_in_node_file(dir, &[("key", &quoted(&format!("file:{KEY_FILE}")))])?;
    print(&format!(
        "made a mesh key: {} (readable by you alone); {} names it\n\n\
         Next: start this node, or restart it, then\n\
         \x20 p7 mesh invite          prints one string for the other machines\n\
         \x20 p7 mesh join STRING     is all they need\n",
        path.display(),
        dir.join(NODE_FILE).display()
    ))?;
    Ok(Answer::Fine)
}

/// Answers `p7 mesh invite`.
pub(super) fn invite(args: &args::MeshInvite) -> Result<Answer, Failure> {
    let dir = &args.config.folder;
    let loaded =
        config::load(dir, &config::environment()).map_err(|refused| Failure::Use(refused.to_string()))?;
    let mesh = &loaded.node.mesh;
    let Some(secret) = &mesh.key else {
        let what = format!("{} names no mesh key; `p7 mesh key` makes one", dir.join(NODE_FILE).display());
        return Err(Failure::Use(what));
    };
    let text = secret.resolve(dir).map_err(|e| Failure::Use(e.to_string()))?;
    let key: MeshKey = text.expose().trim().parse().map_err(|e: BadKey| Failure::Use(e.to_string()))?;
    let addresses = if args.address.is_empty() {
        if mesh.advertise.is_empty() { own_addresses(&mesh.listen) } else { read(&mesh.advertise)? }
    } else {
        read(&args.address)?
    };
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let name = loaded.mesh.mesh.name.clone().unwrap_or_default();
    let invite = Invitation { mesh: name, key, addresses };
    print(&format!("{}\n", invite.expose()))?;
    complain(&format!(
        "On the other machine: p7 mesh join STRING\n\
         It holds the mesh's key: give it only to machines that belong to you. It leads to {}.",
        if shown.is_empty() {
            "no address; name one with --address HOST:PORT".to_owned()
        } else {
            shown.join(", ")
        }
    ));
    Ok(Answer::Fine)
}

/// Answers `p7 mesh join`.
pub(super) fn join(args: &args::MeshJoin) -> Result<Answer, Failure> {
    let text = if args.invitation == "-" { from_stdin()? } else { args.invitation.clone() };
    let invite: Invitation = text.trim().parse().map_err(|e: BadInvitation| Failure::Use(e.to_string()))?;
    let dir = &args.config.folder;
    fs::create_dir_all(dir).map_err(|e| unwritable(dir, &e))?;
    let path = write_key(dir, &invite.key)?;
    let addresses: Vec<String> =
        invite.addresses.iter().map(|address| quoted(&address.to_string())).collect();
    let bootstrap = format!("[{}]", addresses.join(", "));
    let mut keys = vec![("key", quoted(&format!("file:{KEY_FILE}")))];
    if !addresses.is_empty() {
        keys.push(("bootstrap", bootstrap));
    }
    let keys: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (*key, value.as_str())).collect();
    set_in_node_file(dir, &keys)?;
    let name = if invite.mesh.is_empty() {
        "the mesh".to_owned()
    } else {
        format!("the mesh “{}”", invite.mesh)
    };
    print(&format!(
        "this machine belongs to {name} now: {} holds its key, {} leads to it\n\n\
         Next: p7 run --config {}   starts the node; what is watched comes from the mesh\n",
        path.display(),
        dir.join(NODE_FILE).display(),
        dir.display()
    ))?;
    Ok(Answer::Fine)
}

fn read(texts: &[String]) -> Result<Vec<Multiaddr>, Failure> {
    let read = |text: &String| p7_member::multiaddress(text).map_err(|bad| Failure::Use(bad.to_string()));
    texts.iter().map(read).collect()
}

/// Where this machine can be reached, as far as it knows itself: the addresses of its interfaces.
fn own_addresses(listen: &[SocketAddr]) -> Vec<Multiaddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut reached: Vec<SocketAddr> = Vec::new();
    for socket in listen {
        if !socket.ip().is_unspecified() {
            reached.push(*socket);
            continue;
        }
        let alike =
            interfaces.iter().filter(|one| !one.is_loopback() && one.ip().is_ipv4() == socket.is_ipv4());
        reached.extend(
            alike
                .map(if_addrs::Interface::ip)
                .filter(leads_somewhere)
                .map(|ip| SocketAddr::new(ip, socket.port())),
        );
    }
    reached.dedup();
    reached.iter().map(|socket| p7_member::listening(*socket)).collect()
}

/// Whether an address means the same on another machine: a link-local one needs to name an interface.
fn leads_somewhere(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    }
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(INVITE_LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes the key where only its owner reads it. One that is there already stays, unless it is the same.
fn write_key(dir: &Path, key: &MeshKey) -> Result<PathBuf, Failure> {
    fs::create_dir_all(dir).map_err(|e| unwritable(dir, &e))?;
    let path = dir.join(KEY_FILE);
    let text = key.expose();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match file {
        Ok(mut file) => writeln!(file, "{text}").map_err(|e| unwritable(&path, &e))?,
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let known = fs::read_to_string(&path).map_err(|e| unwritable(&path, &e))?;
            if known.trim() != text {
                let what = format!(
                    "{} holds another key already: this machine belongs to a mesh; move that file aside to leave it",
                    path.display()
                );
                return Err(Failure::Use(what));
            }
        }
        Err(e) => return Err(unwritable(&path, &e)),
    }
    Ok(path)
}

fn set_in_node_file(dir: &Path, keys: &[(&str, &str)]) -> Result<(), Failure> {
    let path = dir.join(NODE_FILE);
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
        Err(e) => return Err(unwritable(&path, &e)),
    };
    let after = with_mesh_keys(&before, keys);
    if after != before {
        // whole or not at all
        let draft = dir.join(format!("{NODE_FILE}.new"));
        fs::write(&draft, after)
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(|e| unwritable(&path, &e))?;
    }
    Ok(())
}

/// node.toml with these keys in its `[mesh]`; every other line stays as it is.
fn with_mesh_keys(text: &str, keys: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let header = lines.iter().position(|line| line.trim() == "[mesh]").unwrap_or_else(|| {
        if lines.last().is_some_and(|last| !last.trim().is_empty()) {
            lines.push(String::new());
        }
        lines.push("[mesh]".to_owned());
        lines.len() - 1
    });
    let end = lines
        .iter()
        .skip(header + 1)
        .position(|line| line.trim_start().starts_with('['))
        .map_or(lines.len(), |length| header + 1 + length);
    for (key, value) in keys.iter().rev() {
        let sets = |line: &String| {
            line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        let line = format!("{key} = {value}");
        let known = lines.iter().take(end).skip(header + 1).position(sets);
        match known.and_then(|place| lines.get_mut(header + 1 + place)) {
            Some(known) => *known = line,
            None => lines.insert(header + 1, line),
        }
    }
    lines.join("\n") + "\n"
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Use(format!(
        "can't write `{}`: {error}; check that the folder is yours to write in",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_below_its_table_and_nothing_else_changes() {
        let keys = [("key", "\"file:mesh.key\""), ("bootstrap", "[\"/ip4/10.0.0.5/tcp/7077\"]")];
        let both = "[mesh]\nkey = \"file:mesh.key\"\nbootstrap = [\"/ip4/10.0.0.5/tcp/7077\"]\n";
        assert_eq!(with_mesh_keys("", &keys), both);
        assert_eq!(with_mesh_keys("[http]\nlisten = []", &keys), format!("[http]\nlisten = []\n\n{both}"));
        let with_comments = "[mesh]\n# the key\n#key = \"env:X\"\nmdns = false\n\n[http]\nkey = 1\n";
        let expected = format!("{both}# the key\n#key = \"env:X\"\nmdns = false\n\n[http]\nkey = 1\n");
        assert_eq!(with_mesh_keys(with_comments, &keys), expected);
        assert_eq!(with_mesh_keys(&expected, &keys), expected, "once more changes nothing");
        let other = "[mesh]\nkey = \"env:OLD\"\n";
        assert_eq!(with_mesh_keys(other, &[keys[0]]), "[mesh]\nkey = \"file:mesh.key\"\n");
    }

    #[test]
    fn a_key_is_readable_by_its_owner_alone_and_never_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let key = MeshKey::generate();
        let path = write_key(dir.path(), &key).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        write_key(dir.path(), &key).unwrap();
        let refused = write_key(dir.path(), &MeshKey::generate()).unwrap_err().to_string();
        assert!(refused.contains("holds another key already"), "{refused}");
        assert_eq!(fs::read_to_string(path).unwrap().trim(), key.expose());
    }
}
