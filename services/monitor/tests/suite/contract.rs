//! The description of the API against the API. Every answer and event of every other test is held against it as well.

use std::collections::BTreeSet;

use planner::Reason;
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Contract, Venue, Watch};

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_every_route_and_method_and_no_other() {
    let paths = Contract::document()["paths"].as_object().unwrap();
    let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    assert_eq!(described, monitor::api::path_names().collect());
    let venue = Venue::embedded("routes");
    let topic = venue.create_topic("stocks", 1).await;
    let watch = Watch::start(&venue, &format!("readers:{topic}"), &[]).await;
    // It has an answer as soon as two rounds have read the empty topic.
    watch.wants("readers", 1).await;
    let client = reqwest::Client::new();
    for (path, methods) in paths {
        let url = format!("http://{}{}", watch.address, path.replace("{group}", "readers"));
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let status = client.request(method.clone(), &url).send().await.unwrap().status().as_u16();
            let is_described = methods.get(method.as_str().to_lowercase()).is_some();
            assert_eq!(status, if is_described { 200 } else { 405 }, "{method} {path}");
        }
    }
    assert_eq!(watch.ask("openapi.json").await.1, *Contract::document());
}

#[test]
fn every_schema_is_strict_and_every_field_is_explained() {
    let schemas = Contract::document()["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(schema["description"].is_string(), "{name} is not explained");
        let Some(fields) = schema["properties"].as_object() else { continue };
        let required: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(required, fields.keys().map(String::as_str).collect(), "{name}: every field is always there");
        assert_eq!(schema["additionalProperties"], false, "{name}");
        for (field, schema) in fields {
            assert!(schema["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}.{field}");
        }
    }
}

#[test]
fn the_codes_of_the_description_are_those_of_the_program() {
    let codes = |name: &str| -> BTreeSet<String> {
        let codes = Contract::document()["components"]["schemas"][name]["enum"].as_array().unwrap();
        codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes("Reason"), Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect());
    let kinds = monitor::reading::ErrorKind::ALL;
    assert_eq!(codes("ErrorKind"), kinds.iter().map(|kind| kind.code().to_owned()).collect());
    use monitor::ConditionCode::{AboveEnd, BelowStart, NeverCommitted, Ok, Unread};
    let conditions = [Ok, NeverCommitted, BelowStart, AboveEnd, Unread];
    assert_eq!(codes("Condition"), conditions.iter().map(|code| code.as_str().to_owned()).collect());
}

#[test]
fn what_is_not_as_described_is_found() {
    let problem = Contract::validator(&serde_json::json!({ "$ref": "#/components/schemas/Problem" }));
    assert!(problem.is_valid(&serde_json::json!({ "error": "why" })));
    for wrong in
        [serde_json::json!({}), serde_json::json!({ "error": 7 }), serde_json::json!({ "error": "why", "more": 1 })]
    {
        assert!(!problem.is_valid(&wrong), "{wrong}");
    }
}
