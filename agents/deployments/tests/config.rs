//! Which settings are lawful.

use crate::config::{Origin, SourceConfig, check_sources};
use p7_settings::Faults;
use std::collections::BTreeMap;

fn sources() -> BTreeMap<String, SourceConfig> {
    let text = "
        [azdo.azure_devops]
        organization = 'fabrikam'
        project = 'Shop'
        token = 'env:AZDO'
        [hub.github]
        token = 'env:HUB'
        [lab.gitlab]
        token = 'file:lab'
    ";
    toml::from_str(text).unwrap()
}

fn of_sources(text: &str) -> Vec<String> {
    let sources: BTreeMap<String, SourceConfig> = toml::from_str(text).unwrap();
    let mut list = Vec::new();
    check_sources(&sources, &mut Faults::new(&mut list));
    list.into_iter().map(|fault| format!("{}: {}", fault.path.join("."), fault.message)).collect()
}

fn of_origin(text: &str) -> Vec<String> {
    let origin: Origin = toml::from_str(text).unwrap();
    let mut list = Vec::new();
    origin.check(&sources(), &mut Faults::new(&mut list));
    list.into_iter().map(|fault| fault.path.join(".")).collect()
}

#[test]
fn lawful_sources_have_no_fault_and_unlawful_ones_name_their_place() {
    let mut list = Vec::new();
    check_sources(&sources(), &mut Faults::new(&mut list));
    assert_eq!(list, []);
    let text = "
        [none]
        interval = '10s'
        ['a b'.github]
        token = 'env:A'
        url = 'https://me:secret@github.example.org'
        [two.github]
        token = 'env:A'
        url = 'github.example.org'
        [two.gitlab]
        token = 'env:A'
        url = 'https://gitlab.example.org/?x=1'
        [up.azure_devops]
        token = 'env:A'
        organization = '..'
        project = 'a/b'
        release_url = 'ftp://x'
    ";
    let places: Vec<String> =
        of_sources(text).iter().map(|fault| fault.split(": ").next().unwrap().to_owned()).collect();
    let wanted = [
        "a b",
        "a b.github.url",
        "none.interval",
        "none",
        "two",
        "two.github.url",
        "two.gitlab.url",
        "up.azure_devops.organization",
        "up.azure_devops.project",
        "up.azure_devops.release_url",
    ];
    assert_eq!(places, wanted);
    assert!(!of_sources(text).iter().any(|fault| fault.contains("secret@")));
}

#[test]
fn what_deploys_a_service_fits_its_source() {
    let lawful = [
        "source = 'azdo'\ndefinition = 'Shop release'\nenvironment = 'Production'",
        "source = 'azdo'\npipeline = '7'\nbranch = 'main'",
        "source = 'hub'\nrepository = 'octo/shop'\nworkflow = 'deploy.yml'\nbranch = 'main'",
        "source = 'hub'\nrepository = 'octo/shop'\nenvironment = 'prod/eu'",
        "source = 'lab'\nrepository = 'group/sub/shop'\nenvironment = 'prod'",
        "source = 'lab'\nrepository = '17'",
    ];
    for text in lawful {
        assert_eq!(of_origin(text), Vec::<String>::new(), "{text}");
    }
    let faulty = [
        ("source = 'azdo'", ""),
        ("source = 'azdo'\ndefinition = 'a'\npipeline = 'b'", "pipeline"),
        ("source = 'azdo'\ndefinition = 'a'\nbranch = 'b'", "branch"),
        ("source = 'azdo'\npipeline = 'a'\nenvironment = 'b'", "environment"),
        ("source = 'azdo'\ndefinition = ' '", "definition"),
        ("source = 'azdo'\ndefinition = 'a'\nrepository = 'b/c'", "repository"),
        ("source = 'hub'\nworkflow = 'deploy.yml'", ""),
        ("source = 'hub'\nrepository = 'octo/shop'", ""),
        ("source = 'hub'\nrepository = 'octo'\nworkflow = 'a'", "repository"),
        ("source = 'hub'\nrepository = 'octo/..'\nworkflow = 'a'", "repository"),
        ("source = 'hub'\nrepository = 'octo/shop'\nworkflow = '../a'", "workflow"),
        ("source = 'hub'\nrepository = 'octo/shop'\nworkflow = 'a'\nenvironment = 'b'", "environment"),
        ("source = 'lab'", ""),
        ("source = 'lab'\nrepository = 'shop'", "repository"),
        ("source = 'lab'\nrepository = 'a/b'\nenvironment = 'c'\nbranch = 'd'", "branch"),
        ("source = 'hubb'\nrepository = 'octo/shop'\nworkflow = 'a'", "source"),
    ];
    for (text, place) in faulty {
        assert_eq!(of_origin(text), [place], "{text}");
    }
}
