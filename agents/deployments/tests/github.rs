//! GitHub: how its answers are read, and a strict server of its kind. The run, the deployment and its
//! status are the examples of GitHub's published OpenAPI description (api.github.com, 2022-11-28).

use super::fake::{Asked, Fake, Reply};
use super::{origin, poll, provide, service, source};
use crate::fetch::TroubleKind;
use crate::found::Found;
use crate::source::Source;
use crate::sources::github::{Deployed, Runs, Status, deployment, newest_run};
use crate::sources::parse;
use p7_core::facts::DeploymentState::{self, Failed, Running, Succeeded};
use p7_core::vocabulary::MeshTime;
use serde_json::{Value, json};
use std::time::Duration;

fn run() -> Value {
    json!({
        "id": 30_433_642, "name": "Build", "node_id": "MDEyOldvcmtmbG93IFJ1bjI2OTI4OQ==",
        "check_suite_id": 42, "head_branch": "master",
        "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d",
        "path": ".github/workflows/build.yml@main", "run_number": 562, "event": "push",
        "display_title": "Update README.md", "status": "queued", "conclusion": null, "workflow_id": 159_038,
        "url": "https://api.github.com/repos/octo-org/octo-repo/actions/runs/30433642",
        "html_url": "https://github.com/octo-org/octo-repo/actions/runs/30433642",
        "pull_requests": [], "created_at": "2020-01-22T19:33:08Z", "updated_at": "2020-01-22T19:33:08Z",
        "actor": { "login": "octocat", "id": 1, "type": "User", "site_admin": false },
        "run_attempt": 1, "run_started_at": "2020-01-22T19:33:08Z",
        "triggering_actor": { "login": "octocat", "id": 1, "type": "User", "site_admin": false }
    })
}

fn runs(list: &[Value]) -> Option<Found> {
    let body = json!({ "total_count": list.len(), "workflow_runs": list }).to_string();
    newest_run(&parse::<Runs>(body.as_bytes()).unwrap())
}

fn deployed() -> Value {
    json!({
        "url": "https://api.github.com/repos/octocat/example/deployments/1", "id": 1,
        "node_id": "MDEwOkRlcGxveW1lbnQx", "sha": "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d",
        "ref": "topic-branch", "task": "deploy", "payload": {}, "original_environment": "staging",
        "environment": "production", "description": "Deploy request from hubot",
        "creator": { "login": "octocat", "id": 1, "type": "User", "site_admin": false },
        "created_at": "2012-07-20T01:19:13Z", "updated_at": "2012-07-20T01:19:13Z",
        "statuses_url": "https://api.github.com/repos/octocat/example/deployments/1/statuses",
        "transient_environment": false, "production_environment": true
    })
}

fn status(state: &str) -> Value {
    json!({
        "url": "https://api.github.com/repos/octocat/example/deployments/42/statuses/1", "id": 1,
        "state": state, "creator": { "login": "octocat", "id": 1 },
        "description": "Deployment finished successfully.", "environment": "production",
        "target_url": "https://example.com/deployment/42/output",
        "created_at": "2012-07-20T01:19:13Z", "updated_at": "2012-07-20T01:19:13Z",
        "environment_url": "https://test-branch.lab.acme.com",
        "log_url": "https://example.com/deployment/42/output"
    })
}

#[test]
fn githubs_example_run_is_a_running_deployment() {
    let wanted = Found {
        name: "Build #562: Update README.md".to_owned(),
        by: "octocat".to_owned(),
        state: Running,
        changed: Some(MeshTime(1_579_721_588_000)),
        link: Some("https://github.com/octo-org/octo-repo/actions/runs/30433642".to_owned()),
    };
    assert_eq!(runs(&[run()]), Some(wanted));
    assert_eq!(runs(&[]), None);
}

#[test]
fn every_status_of_a_run_is_told_apart_and_the_newest_that_does_something_is_taken() {
    let table: [(&str, Option<&str>, Option<DeploymentState>); 11] = [
        ("in_progress", None, Some(Running)),
        ("pending", None, Some(Running)),
        ("completed", Some("success"), Some(Succeeded)),
        ("completed", Some("failure"), Some(Failed)),
        ("completed", Some("cancelled"), Some(Failed)),
        ("completed", Some("timed_out"), Some(Failed)),
        ("completed", Some("skipped"), None),
        ("completed", Some("action_required"), None),
        ("completed", None, None),
        ("waiting", None, None),
        ("something_new", None, None),
    ];
    for (status, conclusion, state) in table {
        let mut one = run();
        one["status"] = json!(status);
        one["conclusion"] = json!(conclusion);
        assert_eq!(runs(&[one.clone()]).map(|found| found.state), state, "{status} {conclusion:?}");
        assert_eq!(runs(&[one, run()]).map(|found| found.state), state.or(Some(Running)));
    }
}

#[test]
fn githubs_example_deployment_is_as_its_newest_status_says() {
    let of = |list: Value| {
        let deployed: Deployed = parse(deployed().to_string().as_bytes()).unwrap();
        deployment(&deployed, &parse::<Vec<Status>>(list.to_string().as_bytes()).unwrap())
    };
    let wanted = Found {
        name: "topic-branch (#1)".to_owned(),
        by: "octocat".to_owned(),
        state: Succeeded,
        changed: Some(MeshTime(1_342_747_153_000)),
        link: Some("https://example.com/deployment/42/output".to_owned()),
    };
    assert_eq!(of(json!([status("success")])), Some(wanted));
    assert_eq!(of(json!([])), None);
    let table = [
        ("in_progress", Some(Running)),
        ("queued", Some(Running)),
        ("pending", Some(Running)),
        ("inactive", Some(Succeeded)),
        ("error", Some(Failed)),
        ("failure", Some(Failed)),
        ("new", None),
    ];
    for (word, state) in table {
        assert_eq!(of(json!([status(word)])).map(|found| found.state), state, "{word}");
    }
}

/// As strict as GitHub: 404 for what the token may not see, the headers it asks for, and conditions.
fn strict(asked: &Asked) -> Reply {
    if asked.header("authorization") != "Bearer right-token" {
        return Reply::of(401, "application/json", r#"{"message":"Bad credentials"}"#);
    }
    if asked.header("user-agent").is_empty()
        || asked.header("accept") != "application/vnd.github+json"
        || asked.header("x-github-api-version") != "2022-11-28"
    {
        return Reply::of(
            403,
            "application/json",
            r#"{"message":"Request forbidden by administrative rules"}"#,
        );
    }
    let tag = "W/\"a1\"";
    if asked.header("if-none-match") == tag {
        return Reply { status: 304, body: Vec::new(), ..Reply::status(304) }.with("ETag", tag);
    }
    let body = match asked.path.as_str() {
        "/api/v3/repos/octo/shop/actions/workflows/deploy.yml/runs"
            if asked.has_query(&[("per_page", "5"), ("branch", "main")]) =>
        {
            json!({ "total_count": 1, "workflow_runs": [run()] })
        }
        "/api/v3/repos/octo/shop/deployments"
            if asked.has_query(&[("per_page", "1"), ("environment", "prod/eu")]) =>
        {
            json!([deployed()])
        }
        "/api/v3/repos/octo/shop/deployments/1/statuses" if asked.has_query(&[("per_page", "1")]) => {
            json!([status("success")])
        }
        _ => return Reply::of(404, "application/json", r#"{"message":"Not Found"}"#),
    };
    Reply::json(&body.to_string()).with("ETag", tag)
}

fn table(url: &str) -> String {
    format!("[github]\nurl = '{url}/api/v3'\ntoken = 'file:token'")
}

const RUNS: &str = "repository = 'octo/shop'\nworkflow = 'deploy.yml'\nbranch = 'main'";
const DEPLOYED: &str = "repository = 'octo/shop'\nenvironment = 'prod/eu'";

#[tokio::test]
async fn services_of_one_workflow_share_a_call_and_what_is_missing_stops_nobody() {
    let fake = Fake::start(strict).await;
    let missing = "repository = 'octo/gone'\nworkflow = 'deploy.yml'";
    let wanted = [("shop", RUNS), ("till", RUNS), ("gone", missing), ("api", DEPLOYED)];
    let polled = poll(&source(&table(&fake.url)), "right-token", &wanted).await;
    let states: Vec<_> =
        polled.found.iter().map(|(service, found)| (service.as_str(), found.state)).collect();
    assert_eq!(states, [("api", Succeeded), ("shop", Running), ("till", Running)]);
    let trouble = polled.trouble.unwrap();
    assert_eq!(trouble.kind, TroubleKind::NotFound);
    assert!(trouble.what.contains("octo/gone") && trouble.what.contains("file:token"), "{}", trouble.what);
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn an_answer_that_has_not_changed_is_not_sent_again() {
    provide();
    let fake = Fake::start(strict).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "right-token").unwrap();
    let config = source(&table(&fake.url));
    let mut source = Source::new("it", &config);
    source.wanted = vec![(service("shop"), origin(RUNS))];
    let mut seen = Vec::new();
    for minute in 0..2 {
        let now = Duration::from_secs(60 * minute);
        let polled = source.begin(now, MeshTime(1), dir.path()).unwrap().run(&config).await;
        assert_eq!(source.end(&polled, now, MeshTime(1)), "ok");
        seen.push(polled.found);
    }
    assert_eq!(seen[0].len(), 1);
    assert_eq!(seen[0], seen[1]);
    let conditions: Vec<String> =
        fake.asked().iter().map(|asked| asked.header("if-none-match").to_owned()).collect();
    assert_eq!(conditions, ["", "W/\"a1\""]);
}

#[tokio::test]
async fn a_wrong_token_is_explained_and_ends_the_poll() {
    let fake = Fake::start(strict).await;
    let many: Vec<(String, String)> = (0..40)
        .map(|n| (format!("s{n}"), format!("repository = 'octo/r{n}'\nworkflow = 'deploy.yml'")))
        .collect();
    let wanted: Vec<(&str, &str)> = many.iter().map(|(id, keys)| (id.as_str(), keys.as_str())).collect();
    let polled = poll(&source(&table(&fake.url)), "wrong-token", &wanted).await;
    let trouble = polled.trouble.unwrap();
    assert_eq!(trouble.kind, TroubleKind::Refused);
    let wanted = "the token is refused (401): it needs read access to Actions and Deployments";
    assert!(trouble.what.starts_with(wanted) && trouble.what.contains("file:token"), "{}", trouble.what);
    assert!(!trouble.what.contains("wrong-token"));
    assert!(fake.asked().len() < 10, "{} questions of a token that is refused", fake.asked().len());
}
