//! The demo's configuration and what it says.

use std::net::{Ipv4Addr, SocketAddr};

/// The service that is deployed now and then.
pub(super) const DEPLOYED: &str = "search";

/// A service of the demo.
struct Watched {
    id: &'static str,
    name: &'static str,
    environment: &'static str,
    path: &'static str,
    /// Further lines of its `http` table.
    more: &'static str,
    /// What there is to see.
    shows: &'static str,
}

/// The services, in the order of the guide.
const SERVICES: [Watched; 7] = [
    Watched {
        id: "shop",
        name: "Shop",
        environment: "production",
        path: "/down",
        more: "",
        shows: "is down for half a minute: a warning, an incident, down, and well again",
    },
    Watched {
        id: "basket",
        name: "Basket",
        environment: "production",
        path: "/flaky",
        more: "",
        shows: "fails now and then: mostly a warning, and a failtage that never settles",
    },
    Watched {
        id: DEPLOYED,
        name: "Search",
        environment: "production",
        path: "/slow",
        more: "",
        shows: "is slow in waves, and is deployed once a minute",
    },
    Watched {
        id: "start",
        name: "Start page",
        environment: "production",
        path: "/up",
        more: "",
        shows: "is always well",
    },
    Watched {
        id: "docs",
        name: "Documentation",
        environment: "staging",
        path: "/maintenance",
        more: "maintenance_codes = [503]\nsuccess_codes = [200]\n",
        shows: "says for a while that it is in maintenance, which is no failure",
    },
    Watched {
        id: "news",
        name: "News",
        environment: "staging",
        path: "/wrong-text",
        more: "success_text = [\"all is well\"]\n",
        shows: "answers 200 with an error page: the text gives it away",
    },
    Watched {
        id: "intranet",
        name: "Intranet",
        environment: "staging",
        path: "/private",
        more: "",
        shows: "refuses credentials for a while",
    },
];

/// The demo's node.toml.
pub(super) fn node_toml(dashboard: SocketAddr) -> String {
    format!("[node]\nname = \"demo\"\n\n[http]\nlisten = \"{dashboard}\"\n")
}

/// The demo's mesh.toml.
pub(super) fn mesh_toml(site: SocketAddr) -> String {
    let mut text =
        "[mesh]\nname = \"Protocol/7 demo\"\n\n[defaults]\ninterval = \"2s\"\ntimeout = \"1500ms\"\n"
            .to_owned();
    for Watched { id, name, environment, path, more, shows } in SERVICES {
        let service = format!(
            "\n[services.{id}]\nname = \"{name}\"\nenvironment = \"{environment}\"\ndescription = \"{shows}\"\n\n\
             [services.{id}.http]\nurl = \"http://{site}{path}\"\n{more}"
        );
        text.push_str(&service);
    }
    text
}

/// What the demo says when it has started.
pub(super) fn welcome(dashboard: SocketAddr, site: SocketAddr) -> String {
    let mut text = format!(
        "Protocol/7 demo: one node watches a small site, every two seconds.\n\n\
         \x20 Dashboard  http://{dashboard}/\n\
         \x20 The site   http://{site}/\n\n\
         Within a minute, and again every minute:\n\n"
    );
    for Watched { name, shows, .. } in SERVICES {
        let line = format!("  {name:<14} {shows}\n");
        text.push_str(&line);
    }
    let node = if dashboard == (Ipv4Addr::LOCALHOST, super::DASHBOARD_PORT).into() {
        String::new()
    } else {
        format!(" --node http://{dashboard}")
    };
    text.push_str("\nTry in another terminal:\n\n");
    for line in [
        "status --watch",
        "service shop",
        "incidents",
        "ack shop --reason \"looking into it\"",
        "silence --environment staging --for 10m",
    ] {
        text.extend(["  p7 ", line, &node, "\n"]);
    }
    text.push_str("\nCtrl-C ends the demo.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::super::script;
    use super::*;
    use crate::config;
    use std::collections::BTreeMap;

    #[test]
    fn the_demos_own_configuration_has_no_faults_and_watches_the_whole_site() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("node.toml", node_toml("127.0.0.1:7007".parse().unwrap()));
        write("mesh.toml", mesh_toml("127.0.0.1:7008".parse().unwrap()));
        let loaded = config::load(folder.path(), &BTreeMap::new()).unwrap();
        let mut watched: Vec<&str> = loaded
            .services
            .iter()
            .filter_map(|w| w.service.target.strip_prefix("http://127.0.0.1:7008"))
            .collect();
        watched.sort_unstable();
        let mut paths = script::PATHS.map(|(path, _)| path);
        paths.sort_unstable();
        assert_eq!(watched, paths);
    }

    #[test]
    fn the_guide_names_the_node_only_where_it_is_not_the_usual_one() {
        let at =
            |port: u16| welcome(SocketAddr::from(([127, 0, 0, 1], port)), "127.0.0.1:9".parse().unwrap());
        assert!(at(7007).contains("\n  p7 incidents\n"), "{}", at(7007));
        assert!(at(7017).contains("\n  p7 incidents --node http://127.0.0.1:7017\n"), "{}", at(7017));
    }
}
