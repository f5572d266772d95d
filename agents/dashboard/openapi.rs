//! The OpenAPI document: made from the handlers, completed with the problems every one of them may have.

use crate::problem::{PROBLEM_JSON, Problem};
use crate::{api, events, health, metrics, publishing, views};
use serde_json::{Value, json};
use std::sync::OnceLock;
use utoipa::OpenApi;

/// The methods an operation may have here.
const METHODS: [&str; 3] = ["get", "post", "delete"];

/// What is read only by who may change things.
const GUARDED: &str = "/api/v1/config/shared";
/// What may ask for one node's, which may be unknown.
const OF_A_NODE: &str = "/api/v1/devices";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Protocol/7",
        description = "What a node of Protocol/7 knows about its services, and what people tell it. Times are RFC 3339 \
                       in UTC with milliseconds, durations are in milliseconds, errors are RFC 9457 problem documents.",
        license(name = "GPL-3.0-only", identifier = "GPL-3.0-only"),
    ),
    tags(
        (name = "services", description = "What is watched, and how it is."),
        (name = "incidents", description = "What went wrong."),
        (name = "statements", description = "What people state. Needs the admin token, unless it is sent from the \
                                              node's own machine and not through a proxy."),
        (name = "events", description = "Changes as they happen."),
        (name = "node", description = "The node itself."),
    ),
    paths(
        api::services::list, api::services::one, api::services::results, api::services::history,
        api::statements::acknowledge, api::statements::deployment, api::statements::probe,
        api::incidents::list, api::incidents::one,
        api::holds::silences, api::holds::start_silence, api::holds::silence, api::holds::end_silence,
        api::holds::maintenances, api::holds::start_maintenance, api::holds::maintenance, api::holds::end_maintenance,
        api::node::mesh, api::node::matrix, api::node::config, api::shared_config::apply, api::shared_config::shared,
        api::node::openapi, publishing::publish, api::devices::list, api::devices::show, api::devices::test, api::devices::say,
        api::notifications::list, api::notifications::test,
        events::events, metrics::metrics, health::healthz, health::readyz, views::badge,
    ),
    components(schemas(Problem)),
)]
struct Description;

/// The document as JSON text.
pub(crate) fn document() -> &'static str {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    DOCUMENT.get_or_init(|| completed().to_string())
}

fn completed() -> Value {
    let mut description = Description::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut description.info.version);
    let mut document = serde_json::to_value(description).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({
        "admin_token": { "type": "http", "scheme": "bearer", "description": "The token of `http.admin_token`." }
    });
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get_mut(method) {
                    complete(path, method, operation);
                }
            }
        }
    }
    // how long a hold lasts is said in exactly one way
    document["components"]["schemas"]["HoldBody"]["oneOf"] =
        json!([{ "required": ["ends_at"] }, { "required": ["duration_ms"] }]);
    document
}

/// Adds what every operation of its kind may answer.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let mut problems = vec![
        (400, "The request can't be understood; a wrong query parameter is named."),
        (421, "The `Host` is none of this node's names (only asked from the node's own machine)."),
        (503, "Not now: starting, busy or stopping, or the store can't be read or takes nothing. Try again."),
    ];
    if path.contains("{id}") || path == OF_A_NODE {
        problems.push((404, "There is no such thing."));
    }
    if path == GUARDED {
        operation["security"] = json!([{ "admin_token": [] }, {}]);
        problems.extend([(401, ""), (403, ""), (409, "")]);
    }
    if method != "get" {
        operation["security"] = json!([{ "admin_token": [] }, {}]);
        problems.extend([
            (401, "The admin token is missing or wrong."),
            (403, "A page of another site asks, or no admin token is configured and the request comes from elsewhere."),
            (409, "Not possible as things are, such as an end in the past."),
            (422, "Well-formed, but the node finds no sense in it."),
        ]);
    }
    if method == "post" {
        problems.extend([
            (404, "There is no such service or device."),
            (408, "The body took too long to arrive."),
            (413, "The body is larger than 16384 bytes, or a configuration than 524288."),
            (415, "The body is not sent as `application/json`, or a configuration as `application/toml` or `text/plain`."),
        ]);
    }
    for (status, description) in problems {
        let response = &mut operation["responses"][status.to_string()];
        if response.is_null() {
            *response = json!({ "description": description });
        }
        response["content"][PROBLEM_JSON] = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Paths for people, and files: the description is for programs.
    const FOR_PEOPLE: [&str; 9] = [
        "/",
        "/services/{id}",
        "/mesh",
        "/p7.html",
        "/p7adv.html",
        "/{id}.html",
        "/assets/{name}",
        "/favicon.ico",
        "/favicon.svg",
    ];

    fn described() -> BTreeSet<(String, String)> {
        let document: Value = serde_json::from_str(document()).unwrap();
        let mut all = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                all.insert((method.to_uppercase(), path.clone()));
            }
        }
        all
    }

    #[test]
    fn every_registered_path_is_described_and_every_described_one_is_registered() {
        let listed = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let into = std::rc::Rc::clone(&listed);
        let _app = actix_web::App::new()
            .configure(move |config| *into.borrow_mut() = crate::server::register(config));
        let mut registered = BTreeSet::new();
        for (methods, path) in listed.borrow().iter().filter(|(_, path)| !FOR_PEOPLE.contains(path)) {
            for method in methods.split(", ").filter(|method| *method != "HEAD") {
                registered.insert((method.to_owned(), (*path).to_owned()));
            }
        }
        assert_eq!(described(), registered);
        assert!(registered.len() > 20, "{registered:?}");
    }

    #[test]
    fn it_is_openapi_3_1_and_every_reference_leads_somewhere() {
        let document: Value = serde_json::from_str(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_says_which_problems_it_may_have() {
        let document: Value = serde_json::from_str(document()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let needed: &[&str] = match method.as_str() {
                    "get" => &["400", "421", "503"],
                    "delete" => &["400", "401", "403", "404", "409", "421", "422", "503"],
                    _ => &["400", "401", "403", "408", "409", "413", "415", "421", "422", "503"],
                };
                for status in needed {
                    let content = &operation["responses"][status]["content"];
                    assert!(content.get(PROBLEM_JSON).is_some(), "{method} {path} {status}");
                }
                assert!(operation["summary"].is_string(), "{method} {path}");
            }
        }
    }
}
