//! Azure Blob, as azurite speaks it.

use super::fencing;
use super::peers::{account_url, azurite};
use super::support::{Leader, fail, fleet};
use crate::config::{AzureConfig, TargetConfig};
use crate::targets;
use crate::upload::{Conditions, Memory, publish};
use p7_settings::Secret;
use std::path::Path;

/// Azurite's own key, published with it.
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn nothing() -> AzureConfig {
    AzureConfig {
        connection_string: None,
        account: None,
        account_key: None,
        sas: None,
        endpoint: None,
        container: "$web".to_owned(),
        prefix: String::new(),
    }
}

fn secret(dir: &Path, name: &str, text: &str) -> Secret {
    std::fs::write(dir.join(name), text).unwrap();
    Secret::File(name.into())
}

/// The three ways to an account: a connection string as the original's, a key, a signature.
fn ways(dir: &Path, port: u16, sas: &str) -> [TargetConfig; 3] {
    let url = account_url(port);
    let string = format!(
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};BlobEndpoint={url};"
    );
    let account = Some("devstoreaccount1".to_owned());
    let endpoint = Some(url);
    [
        AzureConfig { connection_string: Some(secret(dir, "string", &string)), ..nothing() },
        AzureConfig {
            account: account.clone(),
            endpoint: endpoint.clone(),
            account_key: Some(secret(dir, "key", KEY)),
            ..nothing()
        },
        AzureConfig { account, endpoint, sas: Some(secret(dir, "sas", sas)), ..nothing() },
    ]
    .map(|azure| TargetConfig { azure: Some(azure), ..TargetConfig::default() })
}

#[actix::test]
async fn a_container_gets_the_site_by_connection_string_key_and_signature() {
    let dir = tempfile::tempdir().unwrap();
    let (peer, sas) = azurite(dir.path());
    let (mut leader, mut fleet) = (Leader::of(7, "paris"), fleet(8));
    for (seconds, config) in (0..).step_by(10).zip(ways(dir.path(), peer.port, &sas)) {
        let target = targets::open(&config, dir.path()).await.unwrap();
        let mut memory = Memory::default();
        fail(&mut fleet, 2);
        let done = publish(&*target, &mut memory, &leader.edition(&fleet, seconds)).await.unwrap();
        assert_eq!(memory.conditions, Some(Conditions::Honoured));
        // the first sends everything, the others what changed
        assert!(if seconds == 0 { done.files > 15 } else { (5..=8).contains(&done.files) }, "{done:?}");
        let index = reqwest::get(format!("{}/$web/index.html", account_url(peer.port))).await.unwrap();
        assert_eq!(index.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(index.headers()["cache-control"], "no-cache");
    }
}

#[actix::test]
async fn in_a_container_an_old_leader_is_kept_off_even_in_the_midst_of_its_publication() {
    let dir = tempfile::tempdir().unwrap();
    let (peer, sas) = azurite(dir.path());
    let [config, ..] = ways(dir.path(), peer.port, &sas);
    let target = targets::open(&config, dir.path()).await.unwrap();
    fencing::one_after_the_other(&*target).await;
    fencing::never_replaced(&*target).await;
}

#[actix::test]
async fn what_is_refused_says_no_key_and_no_signature() {
    let dir = tempfile::tempdir().unwrap();
    let (peer, sas) = azurite(dir.path());
    let wrong = sas.replace("sig=", "sig=AAAA");
    let edition = Leader::of(7, "paris").edition(&fleet(1), 0);
    let [_, _, signed] = ways(dir.path(), peer.port, &wrong);
    let target = targets::open(&signed, dir.path()).await.unwrap();
    let error = publish(&*target, &mut Memory::default(), &edition).await.unwrap_err().to_string();
    assert!(error.contains("in the container `$web`") && !error.contains("AAAA"), "{error}");
    assert!(!error.contains("sig="), "{error}");
}
