//! Azure DevOps: how its answers are read, and a strict server of its kind. The classic deployment is the
//! example of Microsoft's specification, release 7.1, as published; the builds are made after its schema.

use super::fake::{Asked, Fake, Reply};
use super::{origin, poll, service, source};
use crate::fetch::TroubleKind;
use crate::found::Found;
use crate::sources::azure_devops::{Build, Config, List, Release, newest_build, newest_release};
use crate::sources::parse;
use p7_core::facts::DeploymentState::{self, Failed, Running, Succeeded};
use p7_core::vocabulary::MeshTime;
use serde_json::{Value, json};

/// The example, without the parts nobody reads.
fn example() -> Value {
    json!({
        "id": 79,
        "release": {
            "id": 55,
            "name": "Release-2",
            "url": "https://vsrm.dev.azure.com/fabrikam/MyFirstProject/_apis/Release/releases/55",
            "artifacts": [],
            "webAccessUri": "https://dev.azure.com/fabrikam/d07908bc-118f-47d2-8a13-ff75601a6b1a/_release?releaseId=55&_a=release-summary",
            "_links": {
                "self": { "href": "https://vsrm.dev.azure.com/fabrikam/MyFirstProject/_apis/Release/releases/55" },
                "web": { "href": "https://dev.azure.com/fabrikam/d07908bc-118f-47d2-8a13-ff75601a6b1a/_release?releaseId=55&_a=release-summary" }
            },
            "description": null,
            "releaseDefinition": null,
            "createdOn": "0001-01-01T00:00:00",
            "createdBy": null,
            "modifiedBy": null,
            "reason": "none"
        },
        "releaseDefinition": { "id": 38, "name": "Fabrikam-web", "_links": {} },
        "releaseEnvironment": { "id": 118, "name": "PROD", "_links": {} },
        "definitionEnvironmentId": 43,
        "attempt": 1,
        "reason": "manual",
        "deploymentStatus": "notDeployed",
        "operationStatus": "PhaseFailed",
        "requestedBy": { "id": "4adb1680-0eac-6149-b5ee-fc8b4f6ca227", "displayName": "Chuck Reinhart" },
        "requestedFor": { "id": "4adb1680-0eac-6149-b5ee-fc8b4f6ca227", "displayName": "Chuck Reinhart" },
        "queuedOn": "0001-01-01T00:00:00",
        "startedOn": "2017-08-29T16:51:32.09Z",
        "lastModifiedOn": "2017-08-29T16:51:40.133Z",
        "lastModifiedBy": null,
        "conditions": [],
        "scheduledDeploymentTime": "0001-01-01T00:00:00",
        "preDeployApprovals": [],
        "postDeployApprovals": [],
        "_links": {}
    })
}

fn changed(mut value: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, new) in changes {
        *value.pointer_mut(pointer).unwrap() = new.clone();
    }
    value
}

fn releases(list: &[Value]) -> Vec<Release> {
    let body = json!({ "count": list.len(), "value": list }).to_string();
    parse::<List<Release>>(body.as_bytes()).unwrap().into_entries()
}

fn config() -> Config {
    let text = "organization = 'fabrikam'\nproject = 'MyFirstProject'\ntoken = 'env:AZDO'";
    toml::from_str(text).unwrap()
}

fn released(list: &[Value], of: &str) -> Option<Found> {
    newest_release(&releases(list), &origin(of), &config())
}

#[test]
fn microsofts_example_is_a_failed_deployment_of_its_definition() {
    let found = released(&[example()], "definition = 'fabrikam-WEB'").unwrap();
    let wanted = Found {
        name: "Release-2".to_owned(),
        by: "Chuck Reinhart".to_owned(),
        state: Failed,
        changed: Some(MeshTime(1_504_025_500_133)),
        link: Some("https://dev.azure.com/fabrikam/d07908bc-118f-47d2-8a13-ff75601a6b1a/_release?releaseId=55&_a=release-summary".to_owned()),
    };
    assert_eq!(found, wanted);
    assert_eq!(released(&[example()], "definition = '38'").unwrap(), wanted);
    assert_eq!(released(&[example()], "definition = '38'\nenvironment = 'prod'").unwrap(), wanted);
    for other in ["definition = '3'", "definition = 'Fabrikam'", "definition = '38'\nenvironment = 'test'"] {
        assert_eq!(released(&[example()], other), None, "{other}");
    }
}

#[test]
fn every_status_of_a_release_is_told_apart() {
    let table: [(&str, &str, Option<DeploymentState>); 13] = [
        ("inProgress", "phaseInProgress", Some(Running)),
        ("inProgress", "", Some(Running)),
        ("InProgress", "QueuedForAgent", Some(Running)),
        ("succeeded", "Approved", Some(Succeeded)),
        ("partiallySucceeded", "phasePartiallySucceeded", Some(Succeeded)),
        ("failed", "phaseFailed", Some(Failed)),
        ("notDeployed", "phaseCanceled", Some(Failed)),
        ("notDeployed", "gateFailed", Some(Failed)),
        ("notDeployed", "pending", None),
        ("notDeployed", "rejected", None),
        ("notDeployed", "Canceled", None),
        ("undefined", "undefined", None),
        ("somethingNew", "", None),
    ];
    for (status, operation, state) in table {
        let changes = [("/deploymentStatus", json!(status)), ("/operationStatus", json!(operation))];
        let found = released(&[changed(example(), &changes)], "definition = '38'");
        assert_eq!(found.map(|found| found.state), state, "{status} {operation}");
    }
}

#[test]
fn the_newest_that_began_is_taken_and_a_link_is_made_where_none_is_told() {
    let waiting = changed(example(), &[("/operationStatus", json!("pending"))]);
    let next = changed(
        example(),
        &[
            ("/deploymentStatus", json!("inProgress")),
            ("/release/name", json!("Release-1")),
            ("/release/webAccessUri", Value::Null),
            ("/release/_links", json!({})),
        ],
    );
    let found = released(&[waiting, next, example()], "definition = '38'").unwrap();
    assert_eq!((found.name.as_str(), found.state), ("Release-1", Running));
    let link = "https://dev.azure.com/fabrikam/MyFirstProject/_releaseProgress?releaseId=55&_a=release-pipeline-progress";
    assert_eq!(found.link.as_deref(), Some(link));
}

fn build(status: &str, result: &Value, branch: &str) -> Value {
    json!({
        "id": 123, "buildNumber": "20261124.1", "status": status, "result": result,
        "queueTime": "2026-11-24T10:00:00.1234567Z", "startTime": "2026-11-24T10:00:05Z",
        "finishTime": if status == "completed" { json!("2026-11-24T10:05:00Z") } else { Value::Null },
        "definition": { "id": 7, "name": "Shop deploy", "path": "\\" },
        "sourceBranch": branch,
        "requestedFor": { "displayName": "Ann" },
        "_links": { "web": { "href": "https://dev.azure.com/fabrikam/1/_build/results?buildId=123" } }
    })
}

fn built(list: &[Value], of: &str) -> Option<(String, DeploymentState)> {
    // the specification draws the list bare, the wire has it in an envelope
    let bare = json!(list).to_string();
    let enveloped = json!({ "count": list.len(), "value": list }).to_string();
    let found = [bare, enveloped].map(|body| {
        let builds = parse::<List<Build>>(body.as_bytes()).unwrap().into_entries();
        newest_build(&builds, &origin(of))
    });
    assert_eq!(found[0], found[1]);
    found[0].clone().map(|found| (found.name, found.state))
}

#[test]
fn a_pipeline_is_found_by_name_or_number_and_on_its_branch() {
    let list = [
        build("inProgress", &Value::Null, "refs/heads/topic"),
        build("completed", &json!("partiallySucceeded"), "refs/heads/main"),
    ];
    let name = || "20261124.1".to_owned();
    assert_eq!(built(&list, "pipeline = 'shop DEPLOY'"), Some((name(), Running)));
    assert_eq!(built(&list, "pipeline = '7'\nbranch = 'main'"), Some((name(), Succeeded)));
    assert_eq!(built(&list, "pipeline = '7'\nbranch = 'refs/heads/main'"), Some((name(), Succeeded)));
    assert_eq!(built(&list, "pipeline = '8'"), None);
    let ended = |result| built(&[build("completed", &json!(result), "x")], "pipeline = '7'");
    assert_eq!(ended("failed"), Some((name(), Failed)));
    assert_eq!(ended("canceled"), Some((name(), Failed)));
    assert_eq!(ended("none"), None);
    assert_eq!(built(&[build("notStarted", &Value::Null, "x")], "pipeline = '7'"), None);
    assert_eq!(built(&[build("cancelling", &Value::Null, "x")], "pipeline = '7'"), Some((name(), Running)));
}

const TOKEN: &str = "right-token";

/// As strict as Azure DevOps: the sign-in page for a wrong token, no question without its version.
fn strict(asked: &Asked) -> Reply {
    // ":right-token"
    if asked.header("authorization") != "Basic OnJpZ2h0LXRva2Vu" {
        return Reply::of(302, "text/html", "<html>Sign in</html>").with("Location", "https://sign.in/");
    }
    if asked.query.get("api-version").map(String::as_str) != Some("7.1") {
        return Reply::of(400, "application/json", r#"{"message":"No api-version was supplied"}"#);
    }
    let newest = [("$top", "100"), ("api-version", "7.1")];
    let releases = [("latestAttemptsOnly", "true"), ("queryOrder", "descending")];
    let builds = [("queryOrder", "queueTimeDescending"), ("definitions", "7")];
    match asked.path.as_str() {
        "/my%20org/My%20&%20Project/_apis/release/deployments"
            if asked.has_query(&[newest, releases].concat()) =>
        {
            Reply::json(&json!({ "count": 1, "value": [example()] }).to_string())
        }
        "/my%20org/My%20&%20Project/_apis/build/builds" if asked.has_query(&[newest, builds].concat()) => {
            let build = build("inProgress", &Value::Null, "refs/heads/main");
            Reply::json(&json!({ "count": 1, "value": [build] }).to_string())
        }
        _ => Reply::of(404, "application/json", r#"{"message":"no such thing"}"#),
    }
}

fn table(url: &str) -> String {
    format!(
        "[azure_devops]\nurl = '{url}/'\norganization = 'my org'\nproject = 'My & Project'\ntoken = 'file:token'"
    )
}

#[tokio::test]
async fn one_call_tells_of_all_classic_releases_of_a_project_and_one_of_all_pipelines() {
    let fake = Fake::start(strict).await;
    let wanted = [
        ("shop", "definition = 'Fabrikam-web'"),
        ("till", "definition = '38'\nenvironment = 'PROD'"),
        ("other", "definition = 'another'"),
        ("api", "pipeline = '7'"),
    ];
    let polled = poll(&source(&table(&fake.url)), TOKEN, &wanted).await;
    assert_eq!(polled.trouble, None);
    let states: Vec<_> =
        polled.found.iter().map(|(service, found)| (service.as_str(), found.state)).collect();
    assert_eq!(states, [("api", Running), ("shop", Failed), ("till", Failed)]);
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn a_wrong_token_is_explained_and_never_shown() {
    let fake = Fake::start(strict).await;
    let polled = poll(&source(&table(&fake.url)), "wrong-token", &[("shop", "definition = '38'")]).await;
    let trouble = polled.trouble.unwrap();
    assert_eq!(trouble.kind, TroubleKind::Refused);
    let what = &trouble.what;
    assert!(what.contains("the token is refused") && what.contains("way to sign in (302)"), "{what}");
    assert!(what.contains("Release (read)") && what.contains("set it in file:token"), "{what}");
    assert!(!format!("{trouble:?}").contains("wrong-token"), "{trouble:?}");
    assert_eq!(fake.asked().len(), 1, "the sign-in page is not followed");
    assert!(polled.found.is_empty() && !fake.asked()[0].path.contains("wrong"));
}

#[tokio::test]
async fn a_project_that_is_not_there_keeps_its_pipelines_from_nobody() {
    let only_builds = |asked: &Asked| {
        if asked.path.ends_with("deployments") { Reply::status(404) } else { strict(asked) }
    };
    let fake = Fake::start(only_builds).await;
    let wanted = [("shop", "definition = '38'"), ("api", "pipeline = '7'")];
    let polled = poll(&source(&table(&fake.url)), TOKEN, &wanted).await;
    assert_eq!(polled.trouble.unwrap().kind, TroubleKind::NotFound);
    assert_eq!(polled.found.keys().collect::<Vec<_>>(), [&service("api")]);
}
