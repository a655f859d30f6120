//! Who may ask.

use axum::http::StatusCode;
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use crate::api::{Api, BASE, failure, published};
use crate::certificates::{Authority, Identity};
use crate::client::Client;
use crate::cluster::Answer;
use crate::log::Log;

async fn refused(client: Client) -> String {
    failure(client.get(BASE).await, StatusCode::UNAUTHORIZED, "Unauthorized")
}

async fn admitted(client: Client) {
    let (code, body) = client.get(BASE).await;
    assert_eq!(code, StatusCode::OK, "{body}");
}

/// An API with one front proxy authority and these names.
async fn api_with_names(names: Option<&str>) -> Api {
    let front = Authority::new("front-proxy-ca");
    let answer = Answer::Published(Some(front.pem()), names.map(str::to_owned));
    let api = Api::start_with(answer, front).await;
    api.until_ready().await;
    api
}

#[tokio::test]
async fn who_shows_no_certificate_gets_a_401_everywhere_but_at_the_probes() {
    let api = Api::start().await;
    for path in ["/apis", BASE, &format!("{BASE}/namespaces/any/consumer_lag"), "/openapi/v2", "/metrics", "/"] {
        let message = failure(api.anonymous().get(path).await, StatusCode::UNAUTHORIZED, "Unauthorized");
        assert_eq!(message, "only the cluster's front proxy may ask, and the client shows no certificate", "{path}");
    }
    for path in ["/livez", "/readyz", "/healthz"] {
        assert_eq!(api.anonymous().get(path).await, (StatusCode::OK, "ok\n".into()), "{path}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let api = Api::start().await;
    // Of the same name, as anybody could make one.
    let other = Authority::new("front-proxy-ca");
    let message = refused(api.with(&other.client("front-proxy"))).await;
    assert!(message.contains("is not one of the cluster's front proxy"), "{message}");
    let message = refused(api.with(&api.serving.client("front-proxy"))).await;
    assert!(message.contains("is not one of the cluster's front proxy"), "{message}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let api = Api::start().await;
    let message = refused(api.with(&api.front.client("somebody"))).await;
    assert!(message.contains(r#"is for "somebody", which is no name of the cluster's front proxy"#), "{message}");
    refused(api.with(&api.front.client(""))).await;
}

#[tokio::test]
async fn where_no_names_are_published_every_name_will_do() {
    for names in [None, Some("[]")] {
        let api = api_with_names(names).await;
        admitted(api.with(&api.front.client("somebody"))).await;
        admitted(
            api.with(&api.front.client_with("", |params| params.distinguished_name = rcgen::DistinguishedName::new())),
        )
        .await;
        refused(api.with(&Authority::new("other").client("somebody"))).await;
    }
}

#[tokio::test]
async fn each_of_several_names_will_do() {
    let api = api_with_names(Some(r#"["front-proxy","aggregator"]"#)).await;
    admitted(api.with(&api.front.client("aggregator"))).await;
    admitted(api.front_proxy()).await;
    refused(api.with(&api.front.client("somebody"))).await;
}

#[tokio::test]
async fn a_certificate_is_good_only_within_its_dates() {
    let api = Api::start().await;
    let expired = api.front.client_with("front-proxy", |params| params.not_after = date_time_ymd(2021, 1, 1));
    let message = refused(api.with(&expired)).await;
    assert!(message.to_lowercase().contains("expired"), "{message}");
    let early = api.front.client_with("front-proxy", |params| params.not_before = date_time_ymd(2119, 1, 1));
    refused(api.with(&early)).await;
}

#[tokio::test]
async fn an_authority_that_has_expired_is_worth_nothing() {
    let front = Authority::with("front-proxy-ca", |params| params.not_after = date_time_ymd(2021, 1, 1));
    let api = Api::start_with(published(&front), front).await;
    api.until_ready().await;
    refused(api.front_proxy()).await;
}

#[tokio::test]
async fn a_certificate_has_to_be_a_clients() {
    let api = Api::start().await;
    let server = api.front.client_with("front-proxy", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    refused(api.with(&server)).await;
    // Without any usage it is good for all, as in the API server itself.
    let plain = api.front.client_with("front-proxy", |params| params.extended_key_usages.clear());
    admitted(api.with(&plain)).await;
}

#[tokio::test]
async fn intermediates_lead_to_the_authority() {
    let api = Api::start().await;
    let intermediate = Authority::below("front-proxy-issuer", &api.front);
    admitted(api.with(&intermediate.client("front-proxy").through(&intermediate))).await;
    refused(api.with(&intermediate.client("front-proxy"))).await;
}

#[tokio::test]
async fn the_key_has_to_be_the_certificates_own() {
    let api = Api::start().await;
    let (stolen, own) = (api.front.client("front-proxy"), api.front.client("somebody"));
    let thief = Identity { key: own.key, ..stolen };
    let client = api.with(&thief);
    assert!(client.try_request("GET", BASE).await.is_err());
    assert!(client.try_request("GET", "/livez").await.is_err());
}

#[tokio::test]
async fn refusals_are_logged_once_in_a_while_without_certificates() {
    let log = Log::start();
    let api = Api::start().await;
    let stranger = api.front.client("somebody");
    for _ in 0..5 {
        refused(api.anonymous()).await;
        refused(api.with(&stranger)).await;
    }
    let lines = log.with("refused a request");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("127.0.0.1"), "{lines:?}");
    assert!(log.with("BEGIN CERTIFICATE").is_empty());
}
