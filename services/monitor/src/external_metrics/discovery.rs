//! What the API server asks to learn what there is.

use serde_json::{Value, json};

/// The API's group.
pub(super) const GROUP: &str = "external.metrics.k8s.io";

/// The API's group and version.
pub(super) const GROUP_VERSION: &str = "external.metrics.k8s.io/v1beta1";

/// `/apis`
pub(super) fn groups() -> Value {
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group()] })
}

/// `/apis/external.metrics.k8s.io`
pub(super) fn group() -> Value {
    let version = json!({ "groupVersion": GROUP_VERSION, "version": "v1beta1" });
    json!({ "kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": [version], "preferredVersion": version })
}

/// `/apis/external.metrics.k8s.io/v1beta1`
pub(super) fn resources(metrics: &[&str]) -> Value {
    let resource = |metric: &&str| {
        json!({
            "name": metric,
            "singularName": "",
            "namespaced": true,
            "kind": "ExternalMetricValueList",
            "verbs": ["get"],
        })
    };
    let resources: Vec<_> = metrics.iter().map(resource).collect();
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP_VERSION, "resources": resources })
}

/// `/openapi/v2`. The API server asks for it again and again; one without paths adds nothing to its own.
pub(super) fn openapi_v2() -> Value {
    json!({ "swagger": "2.0", "info": { "title": GROUP, "version": "v1beta1" }, "paths": {} })
}

/// `/openapi/v3`, the list of documents.
pub(super) fn openapi_v3() -> Value {
    json!({ "paths": {} })
}
