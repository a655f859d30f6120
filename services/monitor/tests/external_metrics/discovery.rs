//! What the API server asks to learn what there is.

use axum::http::StatusCode;
use serde_json::json;

use crate::api::{Api, BASE, failure};

#[tokio::test]
async fn the_api_server_learns_the_group_its_version_and_every_metric() {
    let api = Api::start().await;
    let client = api.front_proxy();
    let version = json!({ "groupVersion": "external.metrics.k8s.io/v1beta1", "version": "v1beta1" });

    let (code, groups) = client.get("/apis").await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(groups["kind"], "APIGroupList");
    assert_eq!(groups["groups"][0]["name"], "external.metrics.k8s.io");

    let (code, group) = client.get("/apis/external.metrics.k8s.io").await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(group["kind"], "APIGroup");
    assert_eq!(group["versions"], json!([version]));
    assert_eq!(group["preferredVersion"], version);

    let (code, resources) = client.get(BASE).await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(resources["kind"], "APIResourceList");
    assert_eq!(resources["groupVersion"], "external.metrics.k8s.io/v1beta1");
    let names: Vec<_> = resources["resources"].as_array().unwrap().iter().map(|resource| &resource["name"]).collect();
    assert_eq!(names, ["desired_consumers", "consumer_lag", "consumer_delay_seconds", "slow", "nothing"]);
    assert_eq!(
        resources["resources"][0],
        json!({
            "name": "desired_consumers", "singularName": "", "namespaced": true,
            "kind": "ExternalMetricValueList", "verbs": ["get"],
        })
    );
}

#[tokio::test]
async fn there_are_openapi_documents_without_paths() {
    let api = Api::start().await;
    let (code, document) = api.front_proxy().get("/openapi/v2").await;
    assert_eq!((code, &document["swagger"], &document["paths"]), (StatusCode::OK, &json!("2.0"), &json!({})));
    let (code, document) = api.front_proxy().get("/openapi/v3").await;
    assert_eq!((code, &document["paths"]), (StatusCode::OK, &json!({})));
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let api = Api::start().await;
    for path in ["/", "/apis/apps", &format!("{BASE}/desired_consumers"), &format!("{BASE}/namespaces/any")] {
        let message = failure(api.front_proxy().get(path).await, StatusCode::NOT_FOUND, "NotFound");
        assert_eq!(message, format!("there is nothing at {path}"));
    }
}

#[tokio::test]
async fn verbs_other_than_get_are_not_served() {
    let api = Api::start().await;
    let client = api.front_proxy();
    for path in [BASE.to_owned(), format!("{BASE}/namespaces/any/consumer_lag"), "/livez".to_owned(), "/no".to_owned()]
    {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = client.request(method, &path).await;
            let message = failure(answer, StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
            assert_eq!(message, format!("{method} {path}: only GET is served"));
        }
        assert_eq!(client.request("HEAD", &path).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
}
