//! `[persona]`: what is wrong with it is told at once, all of it.

use crate::config::Config;
use p7_settings::{Check, Faults};

fn faults(toml: &str) -> Vec<(String, String)> {
    let config: Config = toml::from_str(toml).unwrap();
    let mut list = Vec::new();
    config.check(&mut Faults::new(&mut list));
    list.into_iter().map(|fault| (fault.path.join("."), fault.message)).collect()
}

#[test]
fn nothing_is_needed_and_one_token_needs_the_other() {
    assert_eq!(faults(""), []);
    assert!(!Config::default().is_wanted());
    assert_eq!(faults("app_token = 'env:A'\nbot_token = 'file:b'"), []);
    assert!(faults("app_token = 'env:A'")[0].1.contains("bot_token"));
    assert!(faults("bot_token = 'env:A'")[0].1.contains("app_token"));
}

#[test]
fn every_fault_is_told_at_its_place() {
    let found = faults(
        "timezone = 'Mars/Olympus'\nwords = '../x.toml'\napi = 'slack'\n\
         [changes]\nusers = ['U1', 'ada']\ngroups = ['@ops']\nchannels = ['#ops', 'C1']",
    );
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(
        places,
        ["timezone", "words", "api", "changes.users.1", "changes.groups.0", "changes.channels.0"]
    );
    assert_eq!(found[0].1, "there is no time zone `Mars/Olympus`; write it as \"Europe/Berlin\"");
}

#[test]
fn a_secret_that_is_not_there_is_named_and_says_what_to_do() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("app"), "xapp-secret").unwrap();
    let config: Config = toml::from_str("app_token = 'file:app'\nbot_token = 'file:bot'").unwrap();
    let why = config.prepare(dir.path()).unwrap_err();
    assert!(why.starts_with("`bot_token` of [persona]: can't read the secret file"), "{why}");
    assert!(!why.contains("xapp-secret"));
}
