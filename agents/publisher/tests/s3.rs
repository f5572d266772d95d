//! S3, as moto speaks it.

use super::fencing;
use super::peers::{Peer, free_port, moto};
use super::support::{Leader, fail, fleet};
use crate::config::{S3Config, TargetConfig};
use crate::target::Target;
use crate::targets;
use crate::upload::{Conditions, Memory, publish};
use std::path::Path;

const SECRET: &str = "wJalrXUtnFEMI-not-a-real-secret";

/// A bucket at this port, with the secret in a file.
pub(super) fn config(port: u16, dir: &Path) -> TargetConfig {
    std::fs::write(dir.join("s3-secret"), SECRET).unwrap();
    let s3 = S3Config {
        bucket: "site".to_owned(),
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        path_style: None,
        prefix: "status/".to_owned(),
        access_key_id: Some("AKIAEXAMPLE".to_owned()),
        secret_access_key: Some(p7_settings::Secret::File("s3-secret".into())),
    };
    TargetConfig { s3: Some(s3), ..TargetConfig::default() }
}

async fn open(peer: &Peer, dir: &Path) -> Box<dyn Target> {
    targets::open(&config(peer.port, dir), dir).await.unwrap()
}

#[actix::test]
async fn a_bucket_gets_the_site_with_its_types_and_then_only_what_changed() {
    let (peer, dir) = (moto().await, tempfile::tempdir().unwrap());
    let target = open(&peer, dir.path()).await;
    let (mut leader, mut fleet, mut memory) = (Leader::of(7, "paris"), fleet(12), Memory::default());
    publish(&*target, &mut memory, &leader.edition(&fleet, 0)).await.unwrap();
    assert_eq!(memory.conditions, Some(Conditions::Honoured));
    fail(&mut fleet, 3);
    let second = publish(&*target, &mut memory, &leader.edition(&fleet, 5)).await.unwrap();
    assert!((5..=8).contains(&second.files), "{second:?}");
    let head = |path: String| {
        let url = format!("http://127.0.0.1:{}/site/status/{path}", peer.port);
        // moto looks whether a request is signed, not by whom
        async move { reqwest::Client::new().get(url).header("authorization", "AWS any").send().await.unwrap() }
    };
    let index = head("index.html".to_owned()).await;
    assert_eq!(index.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(index.headers()["cache-control"], "no-cache");
    let html = index.text().await.unwrap();
    let style = html.split("href=\"assets/style-").nth(1).unwrap().split('"').next().unwrap();
    let style = head(format!("assets/style-{style}")).await;
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(style.headers()["cache-control"], "public, max-age=31536000, immutable");
    let listed = format!("http://127.0.0.1:{}/site?list-type=2", peer.port);
    let listed = reqwest::Client::new().get(listed).header("authorization", "AWS any").send().await.unwrap();
    let listed = listed.text().await.unwrap();
    assert!(listed.contains("status/p7-manifest.json") && !listed.contains("p7-probe"), "{listed}");
    // another life of the node reads what stands there
    let again = publish(&*target, &mut Memory::default(), &leader.edition(&fleet, 5)).await.unwrap();
    assert_eq!(again.files, 0);
}

#[actix::test]
async fn in_a_bucket_an_old_leader_is_kept_off_even_in_the_midst_of_its_publication() {
    let (peer, dir) = (moto().await, tempfile::tempdir().unwrap());
    let target = open(&peer, dir.path()).await;
    fencing::one_after_the_other(&*target).await;
    fencing::never_replaced(&*target).await;
}

#[actix::test]
async fn what_fails_says_what_and_where_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    drop(rustls::crypto::ring::default_provider().install_default());
    let target = targets::open(&config(free_port(), dir.path()), dir.path()).await.unwrap();
    let edition = Leader::of(7, "paris").edition(&fleet(1), 0);
    let error = publish(&*target, &mut Memory::default(), &edition).await.unwrap_err().to_string();
    assert!(error.contains("in the bucket `site`") && error.contains("is the endpoint reachable"), "{error}");
    assert!(!error.contains(SECRET), "{error}");
    let peer = moto().await;
    let mut missing = config(peer.port, dir.path());
    missing.s3.as_mut().unwrap().bucket = "nowhere".to_owned();
    let target = targets::open(&missing, dir.path()).await.unwrap();
    let error = publish(&*target, &mut Memory::default(), &edition).await.unwrap_err().to_string();
    assert!(error.contains("there is no such bucket"), "{error}");
}
