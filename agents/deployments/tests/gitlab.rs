//! GitLab: how its answers are read, and a strict server of its kind. The shapes are those of its API
//! documentation, with one state after the other put in.

use super::fake::{Asked, Fake, Reply};
use super::{poll, source};
use crate::fetch::TroubleKind;
use crate::found::Found;
use crate::sources::gitlab::{Deployed, Pipeline, newest_deployment, newest_pipeline};
use crate::sources::parse;
use p7_core::facts::DeploymentState::{self, Failed, Running, Succeeded};
use p7_core::vocabulary::MeshTime;
use serde_json::{Value, json};

fn deployed(status: &str) -> Value {
    json!({
        "id": 42, "iid": 2, "ref": "main", "sha": "a91957a858320c0e17f3a0eca7cfacbff50ea29a",
        "created_at": "2016-08-11T11:32:35.444Z", "updated_at": "2016-08-11T11:34:01.123Z", "status": status,
        "user": { "id": 1, "name": "Administrator", "username": "root", "state": "active" },
        "environment": { "id": 9, "name": "production", "external_url": "https://about.gitlab.com" },
        "deployable": {
            "id": 664, "name": "deploy", "stage": "deploy", "status": status, "ref": "main",
            "started_at": null, "finished_at": "2016-08-11T11:32:35.145Z",
            "commit": { "id": "a91957a858320c0e17f3a0eca7cfacbff50ea29a", "title": "Merge" },
            "pipeline": {
                "id": 37, "ref": "main", "status": "created",
                "web_url": "http://gitlab.dev/root/project/pipelines/37"
            }
        }
    })
}

fn pipeline(status: &str) -> Value {
    json!({
        "id": 47, "iid": 12, "project_id": 1, "status": status, "source": "push", "ref": "main",
        "sha": "a91957a858320c0e17f3a0eca7cfacbff50ea29a", "name": "Build pipeline",
        "web_url": "https://gitlab.example.com/foo/bar/pipelines/47",
        "created_at": "2016-08-11T11:28:34.085Z", "updated_at": "2016-08-11T11:32:35.169Z"
    })
}

fn deployments(list: &[Value]) -> Option<Found> {
    newest_deployment(&parse::<Vec<Deployed>>(json!(list).to_string().as_bytes()).unwrap())
}

fn pipelines(list: &[Value]) -> Option<Found> {
    newest_pipeline(&parse::<Vec<Pipeline>>(json!(list).to_string().as_bytes()).unwrap())
}

#[test]
fn a_deployment_names_its_branch_who_and_its_pipeline() {
    let wanted = Found {
        name: "main (#2)".to_owned(),
        by: "Administrator".to_owned(),
        state: Running,
        changed: Some(MeshTime(1_470_915_241_123)),
        link: Some("http://gitlab.dev/root/project/pipelines/37".to_owned()),
    };
    assert_eq!(deployments(&[deployed("running")]), Some(wanted.clone()));
    assert_eq!(deployments(&[deployed("blocked"), deployed("running")]), Some(wanted));
    // one that the API made has no job
    let mut bare = deployed("success");
    bare["deployable"] = Value::Null;
    assert_eq!(deployments(&[bare]).unwrap().link.as_deref(), Some("https://about.gitlab.com/"));
    assert_eq!(deployments(&[]), None);
}

#[test]
fn every_status_is_told_apart() {
    let table: [(&str, Option<DeploymentState>); 12] = [
        ("running", Some(Running)),
        ("pending", Some(Running)),
        ("preparing", Some(Running)),
        ("waiting_for_resource", Some(Running)),
        ("success", Some(Succeeded)),
        ("failed", Some(Failed)),
        ("canceled", Some(Failed)),
        ("created", None),
        ("manual", None),
        ("scheduled", None),
        ("skipped", None),
        ("new", None),
    ];
    for (word, state) in table {
        assert_eq!(deployments(&[deployed(word)]).map(|found| found.state), state, "{word}");
        assert_eq!(pipelines(&[pipeline(word)]).map(|found| found.state), state, "{word}");
    }
    let found = pipelines(&[pipeline("skipped"), pipeline("success")]).unwrap();
    assert_eq!((found.name.as_str(), found.by.as_str()), ("Build pipeline (#47)", ""));
    assert_eq!(found.link.as_deref(), Some("https://gitlab.example.com/foo/bar/pipelines/47"));
}

fn strict(asked: &Asked) -> Reply {
    if asked.header("private-token") != "right-token" {
        return Reply::of(401, "application/json", r#"{"message":"401 Unauthorized"}"#);
    }
    let newest = [("sort", "desc"), ("per_page", "5")];
    let deployments = [("environment", "prod"), ("order_by", "updated_at")];
    let pipelines = [("ref", "release/1"), ("order_by", "id")];
    let body = match asked.path.as_str() {
        "/api/v4/projects/group%2Fsub%2Fshop/deployments"
            if asked.has_query(&[newest, deployments].concat()) =>
        {
            json!([deployed("running")])
        }
        "/api/v4/projects/17/pipelines" if asked.has_query(&[newest, pipelines].concat()) => {
            json!([pipeline("failed")])
        }
        _ => return Reply::of(404, "application/json", r#"{"message":"404 Project Not Found"}"#),
    };
    Reply::json(&body.to_string())
}

const WANTED: [(&str, &str); 2] = [
    ("shop", "repository = 'group/sub/shop'\nenvironment = 'prod'"),
    ("till", "repository = '17'\nbranch = 'release/1'"),
];

#[tokio::test]
async fn deployments_and_pipelines_are_asked_for_as_the_api_wants_it() {
    let fake = Fake::start(strict).await;
    let table = format!("[gitlab]\nurl = '{}'\ntoken = 'file:token'", fake.url);
    let polled = poll(&source(&table), "right-token", &WANTED).await;
    assert_eq!(polled.trouble, None);
    let states: Vec<_> =
        polled.found.iter().map(|(service, found)| (service.as_str(), found.state)).collect();
    assert_eq!(states, [("shop", Running), ("till", Failed)]);
    let refused = poll(&source(&table), "wrong-token", &WANTED).await.trouble.unwrap();
    assert_eq!(refused.kind, TroubleKind::Refused);
    assert!(refused.what.contains("`read_api`") && !refused.what.contains("wrong"), "{}", refused.what);
}
