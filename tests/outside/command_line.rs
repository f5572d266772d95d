//! The command line as a person and a script use it: words, exit codes, files in and out.

use p7_tests::free_port;
use p7_tests::node::p7;
use p7_tests::site::{Mood, Site};
use std::fs;
use std::process::Output;
use tempfile::TempDir;

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

#[test]
fn exit_codes_tell_a_script_what_happened() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    assert_eq!(code(&p7(&["version"])), 0);
    assert_eq!(code(&p7(&["--help"])), 0);
    assert_eq!(code(&p7(&["no-such-command"])), 2);
    assert_eq!(code(&p7(&["status", "--node", &nobody])), 3);
    assert_eq!(code(&p7(&["ack", "shop", "--node", &nobody])), 3);
    assert_eq!(code(&p7(&["check", "/nowhere/at/all"])), 2);
    assert_eq!(code(&p7(&["run", "--config", "/nowhere/at/all"])), 2);
}

#[test]
fn a_single_probe_shows_its_phases_and_says_by_its_code_how_it_went() {
    let site = Site::start();
    let up = p7(&["probe", &site.url()]);
    assert_eq!(code(&up), 0, "{}", said(&up));
    assert!(said(&up).contains("connect"), "{}", said(&up));
    let json = p7(&["probe", &site.url(), "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["outcome"], "up", "{json}");
    site.set(Mood::Answers(503));
    let down = p7(&["probe", &site.url()]);
    assert_eq!(code(&down), 1, "{}", said(&down));
    assert!(said(&down).contains("503"), "{}", said(&down));
}

#[test]
fn what_init_writes_is_faultless_and_is_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().join("config");
    let at = at.to_str().unwrap();
    assert_eq!(code(&p7(&["init", at])), 0);
    let checked = p7(&["check", at]);
    assert_eq!(code(&checked), 0, "{}", said(&checked));
    let mesh = folder.path().join("config/mesh.toml");
    fs::write(&mesh, "# mine\n").unwrap();
    p7(&["init", at]);
    assert_eq!(fs::read_to_string(mesh).unwrap(), "# mine\n");
}

#[test]
fn a_check_reports_every_fault_with_its_place() {
    let folder = TempDir::new().unwrap();
    let mesh = "[services.shop]\nname = \"Shop\"\nenviroment = \"live\"\n[services.shop.http]\nurl = \"ftp://x\"\n\n\
                [services.second]\n[services.second.http]\nurl = \"http://127.0.0.1/\"\nmetod = \"GET\"\n";
    fs::write(folder.path().join("mesh.toml"), mesh).unwrap();
    fs::write(folder.path().join("node.toml"), "[http]\nlisten = 7\n").unwrap();
    let checked = p7(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(code(&checked), 2);
    let said = said(&checked);
    for place in ["mesh.toml:3:", "mesh.toml:5:", "mesh.toml:10:", "node.toml:2:"] {
        assert!(said.contains(place), "{place} is not named:\n{said}");
    }
    assert!(said.contains("`environment`") && said.contains("`method`"), "did you mean:\n{said}");
}

#[test]
fn what_import_writes_is_what_check_accepts() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let gatus = "endpoints:\n  - name: shop\n    group: live\n    url: https://shop.example.org/health\n    \
                 interval: 30s\n    conditions:\n      - \"[STATUS] == 200\"\n      - \"[BODY] == pat(*well*)\"\n";
    let kuma = r#"{"version":"1.23.0","monitorList":[{"id":1,"name":"Shop","type":"http","url":"https://shop.example.org","interval":60,"maxretries":1,"accepted_statuscodes":["200-299"],"active":true}]}"#;
    for (name, text) in [("gatus.yaml", gatus), ("kuma.json", kuma)] {
        let file = write(name, text);
        let config = folder.path().join(name.split('.').next().unwrap());
        fs::create_dir(&config).unwrap();
        let out = config.join("mesh.toml");
        let done = p7(&["import", &file, "--output", out.to_str().unwrap()]);
        assert_eq!(code(&done), 0, "{name}: {}", said(&done));
        assert!(fs::read_to_string(&out).unwrap().contains("https://shop.example.org"), "{name}");
        let checked = p7(&["check", config.to_str().unwrap()]);
        assert_eq!(code(&checked), 0, "{name}: {}", said(&checked));
        let again = p7(&["import", &file, "--output", out.to_str().unwrap()]);
        assert_eq!(code(&again), 2, "{name}: an existing file stays");
    }
}

#[test]
fn completions_are_there_for_the_common_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let done = p7(&["completions", shell]);
        assert_eq!(code(&done), 0);
        assert!(said(&done).contains("silence"), "{shell}");
    }
}
