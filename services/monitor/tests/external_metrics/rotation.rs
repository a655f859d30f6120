//! The cluster changes its mind, or cannot be asked.

use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::api::{Api, BASE, failure, published, until};
use crate::certificates::Authority;
use crate::cluster::Answer;
use crate::log::Log;

#[tokio::test]
async fn a_new_authority_is_taken_up_without_a_restart() {
    let api = Api::start().await;
    let new = Authority::new("front-proxy-ca-2");
    let (before, after) = (api.front_proxy(), api.with(&new.client("front-proxy")));
    assert_eq!(after.get(BASE).await.0, StatusCode::UNAUTHORIZED);

    let both = format!("{}{}", api.front.pem(), new.pem());
    api.cluster.answer(Answer::Published(Some(both), Some(r#"["front-proxy"]"#.to_owned())));
    until("the new authority is known", async || after.get(BASE).await.0 == StatusCode::OK).await;
    assert_eq!(before.get(BASE).await.0, StatusCode::OK);

    api.cluster.answer(published(&new));
    // A stranger's certificate makes it look again, soon. The old front proxy's connection stays open all the while.
    let stranger = api.with(&Authority::new("other").client("front-proxy"));
    until("the old authority is forgotten", async || {
        stranger.get(BASE).await;
        before.get(BASE).await.0 == StatusCode::UNAUTHORIZED
    })
    .await;
    assert_eq!(after.get(BASE).await.0, StatusCode::OK);
}

#[tokio::test]
async fn strangers_cannot_make_it_ask_the_cluster_all_the_time() {
    let api = Api::start().await;
    let stranger = api.with(&Authority::new("other").client("front-proxy"));
    let (began, reads) = (Instant::now(), api.cluster.reads());
    until("it was read twice more", async || {
        stranger.get(BASE).await;
        api.cluster.reads() >= reads + 2
    })
    .await;
    assert!(began.elapsed() > Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn until_the_cluster_has_told_nobody_is_let_in_and_the_reason_is_given() {
    let front = Authority::new("front-proxy-ca");
    let api = Api::start_with(Answer::Refused(StatusCode::INTERNAL_SERVER_ERROR, "etcd is away"), front).await;
    let reason = "ConfigMap kube-system/extension-apiserver-authentication: etcd is away (500)";
    until("the reason is known", async || {
        let answer = api.anonymous().get("/readyz").await;
        failure(answer, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable").ends_with(reason)
    })
    .await;
    assert_eq!(api.anonymous().get("/livez").await.0, StatusCode::OK);
    let message = failure(api.front_proxy().get(BASE).await, StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
    assert_eq!(message, format!("who the cluster's front proxy is could not be read yet: {reason}"));
    failure(api.anonymous().get(BASE).await, StatusCode::UNAUTHORIZED, "Unauthorized");

    api.cluster.answer(published(&api.front));
    until("the cluster has told", async || api.front_proxy().get(BASE).await.0 == StatusCode::OK).await;
    assert_eq!(api.anonymous().get("/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn missing_rights_are_logged_once_with_the_role_to_bind() {
    let log = Log::start();
    let answer = Answer::Refused(StatusCode::FORBIDDEN, "monitor cannot get resource configmaps");
    let api = Api::start_with(answer, Authority::new("front-proxy-ca")).await;
    until("it tried several times", async || api.cluster.reads() >= 3).await;
    let lines = log.with("cannot get resource");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0]
            .contains("bind the Role kube-system/extension-apiserver-authentication-reader to this service account"),
        "{lines:?}"
    );
}

/// The front proxy stays known while the cluster gives `answer`.
async fn stays_known_at(answer: impl FnOnce(&Authority) -> Answer) {
    let api = Api::start().await;
    let (client, stranger) = (api.front_proxy(), api.with(&Authority::new("other").client("front-proxy")));
    api.cluster.answer(answer(&api.front));
    let reads = api.cluster.reads();
    until("it was read again", async || {
        stranger.get(BASE).await;
        api.cluster.reads() >= reads + 2
    })
    .await;
    assert_eq!(client.get(BASE).await.0, StatusCode::OK);
    assert_eq!(api.anonymous().get("/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_was_read_last_stays_while_the_cluster_tells_nothing_of_use() {
    tokio::join!(
        stays_known_at(|_| Answer::Refused(StatusCode::INTERNAL_SERVER_ERROR, "etcd is away")),
        stays_known_at(|_| Answer::Published(None, None)),
        stays_known_at(|_| Answer::Published(Some("no certificate".to_owned()), None)),
        stays_known_at(|front| Answer::Published(Some(front.pem()), Some("front-proxy".to_owned()))),
    );
}

/// What is published by `answer` is told to be of no use, by `reason`.
async fn is_told(answer: impl FnOnce(String) -> Answer, reason: &str) {
    let front = Authority::new("front-proxy-ca");
    let api = Api::start_with(answer(front.pem()), front).await;
    until(reason, async || api.anonymous().get("/readyz").await.1["message"].to_string().contains(reason)).await;
}

#[tokio::test]
async fn what_the_cluster_publishes_wrong_is_named() {
    tokio::join!(
        is_told(|_| Answer::Published(None, None), "it has no requestheader-client-ca-file"),
        is_told(
            |pem| Answer::Published(Some(pem), Some("front-proxy".to_owned())),
            "its requestheader-allowed-names is 'front-proxy', expected a JSON list of names",
        ),
        is_told(
            |pem| Answer::Published(Some(pem.replace("MII", "AAA")), None),
            "its requestheader-client-ca-file holds what is no certificate",
        ),
    );
}
