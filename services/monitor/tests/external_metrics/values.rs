//! What the autoscaler asks.

use axum::http::StatusCode;
use serde_json::json;

use crate::api::{Api, BASE, failure};
use crate::client::Answered;

/// The values of an answer.
fn numbers((code, body): Answered) -> Vec<String> {
    assert_eq!(code, StatusCode::OK, "{body}");
    let items = body["items"].as_array().unwrap();
    items.iter().map(|item| item["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_metric_is_answered_as_the_autoscaler_reads_it() {
    let api = Api::start().await;
    let (code, body) = api.front_proxy().metric("consumer_delay_seconds", "group=readers").await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(
        body,
        json!({
            "kind": "ExternalMetricValueList",
            "apiVersion": "external.metrics.k8s.io/v1beta1",
            "metadata": {},
            "items": [{
                "metricName": "consumer_delay_seconds",
                "metricLabels": { "group": "readers", "topic": "stocks" },
                "timestamp": "2023-11-14T22:13:20Z",
                "value": "1500m",
            }],
        })
    );
}

#[tokio::test]
async fn selectors_choose_series_and_any_namespace_will_do() {
    let api = Api::start().await;
    let client = api.front_proxy();
    for (selector, expected) in [
        ("group=readers", &["9007199254740991", "7"][..]),
        ("group==readers,topic=orders", &["7"]),
        ("group in (readers, nobody),topic!=orders", &["9007199254740991"]),
        ("topic notin (stocks)", &["7"]),
        ("group = readers, !stage, topic", &["9007199254740991", "7"]),
    ] {
        assert_eq!(numbers(client.metric("consumer_lag", selector).await), expected, "{selector}");
    }
    assert_eq!(numbers(client.metric("desired_consumers", "").await), ["3"]);
    assert_eq!(numbers(client.get(&format!("{BASE}/namespaces/other/desired_consumers")).await), ["3"]);
}

#[tokio::test]
async fn a_selector_that_cannot_be_read_is_a_400_that_says_where() {
    let api = Api::start().await;
    let answer = api.front_proxy().metric("consumer_lag", "group in readers").await;
    let message = failure(answer, StatusCode::BAD_REQUEST, "BadRequest");
    assert_eq!(message, "labelSelector 'group in readers': at character 10: found 'readers', expected '('");
}

#[tokio::test]
async fn a_selector_given_twice_is_a_400() {
    let api = Api::start().await;
    let path = format!("{BASE}/namespaces/any/consumer_lag?labelSelector=group&labelSelector=topic");
    let message = failure(api.front_proxy().get(&path).await, StatusCode::BAD_REQUEST, "BadRequest");
    assert!(message.contains("labelSelector"), "{message}");
}

#[tokio::test]
async fn an_unknown_metric_is_a_404_that_names_those_there_are() {
    let api = Api::start().await;
    let answer = api.front_proxy().metric("consumer_lags", "").await;
    assert_eq!(
        failure(answer, StatusCode::NOT_FOUND, "NotFound"),
        "there is no metric 'consumer_lags'; there are desired_consumers, consumer_lag, consumer_delay_seconds, slow, \
         nothing"
    );
}

#[tokio::test]
async fn no_matching_series_is_a_404_that_names_the_selector_and_the_series_there_are() {
    let api = Api::start().await;
    let answer = api.front_proxy().metric("desired_consumers", "group=reader").await;
    assert_eq!(
        failure(answer, StatusCode::NOT_FOUND, "NotFound"),
        r#"no series of desired_consumers matches 'group=reader'; there are {group="readers"}"#
    );
    let answer = api.front_proxy().metric("nothing", "group=reader").await;
    assert_eq!(
        failure(answer, StatusCode::NOT_FOUND, "NotFound"),
        "no series of nothing matches 'group=reader'; there are none at all"
    );
}

#[tokio::test]
async fn one_unknown_number_among_those_asked_for_is_a_503_with_the_reason() {
    let api = Api::start().await;
    for selector in ["group=writers", "topic=stocks,group!=others", ""] {
        let answer = api.front_proxy().metric("consumer_lag", selector).await;
        assert_eq!(
            failure(answer, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            r#"consumer_lag{group="writers",topic="stocks"} is not known: no answer from the broker within 2s"#,
            "{selector}"
        );
    }
    let answer = api.front_proxy().metric("consumer_lag", "group=others").await;
    assert_eq!(
        failure(answer, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        r#"consumer_lag{group="others",topic="stocks"} is not known: NaN is not a number"#
    );
}

#[tokio::test]
async fn numbers_that_take_too_long_are_a_503() {
    let api = Api::start().await;
    let answer = api.front_proxy().metric("slow", "").await;
    let message = failure(answer, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
    assert_eq!(message, "slow could not be read within 8s");
}
