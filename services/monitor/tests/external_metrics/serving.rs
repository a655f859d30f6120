//! The API's own certificate, its connections, its end.

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use monitor::external_metrics::{Error, ExternalMetrics, Series, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::api::{Api, BASE, published, settings, until, write_pair};
use crate::certificates::Authority;
use crate::client::Client;
use crate::cluster::Cluster;
use crate::log::Log;

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken() {
    let api = Api::start().await;
    let identity = api.front.client("front-proxy");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        assert_eq!(api.client(Some(&identity), &[version]).get(BASE).await.0, StatusCode::OK, "{version:?}");
        assert_eq!(api.client(None, &[version]).get(BASE).await.0, StatusCode::UNAUTHORIZED, "{version:?}");
    }
}

/// Whether the API shows a certificate of this authority.
async fn shows(api: &Api, authority: &Authority) -> bool {
    let client = Client::new(api.address, authority.der(), None, rustls::ALL_VERSIONS);
    client.try_request("GET", "/livez").await.is_ok()
}

#[tokio::test]
async fn a_new_serving_certificate_is_taken_up_and_open_connections_stay() {
    let api = Api::start().await;
    let client = api.front_proxy();
    assert_eq!(client.get(BASE).await.0, StatusCode::OK);
    let new = Authority::new("serving-ca-2");
    write_pair(&api.files, &new.server());
    until("the new certificate is shown", async || shows(&api, &new).await).await;
    assert!(!shows(&api, &api.serving).await);
    assert_eq!(client.get(BASE).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_mounted_secret_that_changes_by_its_links_is_taken_up() {
    let mut api = Api::start().await;
    // As the kubelet lays a Secret out: tls.crt leads through ..data to a directory of its own for each version.
    let root = api.files.path().to_owned();
    let version = |name: &str, authority: &Authority| {
        let directory = tempfile::Builder::new().prefix(name).tempdir_in(&root).unwrap();
        write_pair(&directory, &authority.server());
        directory
    };
    let first = version("..1", &api.serving);
    symlink(first.path(), root.join("..data")).unwrap();
    for file in ["tls.crt", "tls.key"] {
        std::fs::remove_file(root.join(file)).unwrap();
        symlink(root.join("..data").join(file), root.join(file)).unwrap();
    }
    let new = Authority::new("serving-ca-2");
    let second = version("..2", &new);
    symlink(second.path(), root.join("..data_tmp")).unwrap();
    std::fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    drop(first);
    until("the new certificate is shown", async || shows(&api, &new).await).await;
    api.serving = new;
    assert_eq!(api.front_proxy().get(BASE).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_broken_new_pair_is_told_once_and_the_old_stays() {
    let log = Log::start();
    let api = Api::start().await;
    let told = "the serving certificate stays as it was";
    std::fs::write(api.files.path().join("tls.key"), api.serving.server().key.serialize_pem()).unwrap();
    until("the wrong key is told", async || log.with(told).len() == 1).await;
    std::fs::write(api.files.path().join("tls.crt"), "nothing").unwrap();
    until("the missing certificate is told", async || log.with(told).len() == 2).await;
    std::fs::remove_file(api.files.path().join("tls.crt")).unwrap();
    until("the missing file is told", async || log.with(told).len() == 3).await;
    // It has looked again at least once when this answers nothing new.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let lines = log.with(told);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("tls.key cannot be used together"), "{lines:?}");
    assert!(lines[1].contains("tls.crt: expected certificates as PEM: there is none"), "{lines:?}");
    assert!(lines[2].contains("tls.crt: No such file"), "{lines:?}");
    assert!(log.with("PRIVATE KEY").is_empty());
    assert!(shows(&api, &api.serving).await);

    let new = Authority::new("serving-ca-2");
    write_pair(&api.files, &new.server());
    until("the repaired pair is shown", async || shows(&api, &new).await).await;
}

struct Nothing;

impl Source for Nothing {
    fn metrics(&self) -> &'static [&'static str] {
        &[]
    }

    async fn series(&self, _: &str) -> Vec<Series> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_told_at_the_start() {
    let authority = Authority::new("ca");
    let cluster = Cluster::start(published(&authority)).await;
    let files = tempfile::tempdir().unwrap();
    let error = async || match ExternalMetrics::bind(settings(&files), cluster.client(), Arc::new(Nothing)).await {
        Err(error @ Error::Certificate(_)) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("bound"),
    };
    let message = error().await;
    assert!(message.contains("tls.crt: No such file"), "{message}");
    write_pair(&files, &authority.server());
    std::fs::write(files.path().join("tls.key"), "nothing").unwrap();
    let message = error().await;
    assert!(message.contains("tls.key: expected a private key as PEM"), "{message}");
    std::fs::write(files.path().join("tls.key"), authority.server().key.serialize_pem()).unwrap();
    let message = error().await;
    assert!(message.contains("tls.crt and") && message.contains("tls.key cannot be used together"), "{message}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let authority = Authority::new("ca");
    let cluster = Cluster::start(published(&authority)).await;
    let files = tempfile::tempdir().unwrap();
    write_pair(&files, &authority.server());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(&files);
    settings.address = taken.local_addr().unwrap();
    let error = ExternalMetrics::bind(settings, cluster.client(), Arc::new(Nothing)).await.err().unwrap();
    assert!(error.to_string().contains(&taken.local_addr().unwrap().to_string()), "{error}");
}

#[tokio::test]
async fn it_ends_within_a_second_whoever_is_connected() {
    let api = Api::start().await;
    let client = api.front_proxy();
    assert_eq!(client.get(BASE).await.0, StatusCode::OK);
    let silent = TcpStream::connect(api.address).await.unwrap();
    let slow = format!("{BASE}/namespaces/any/slow");
    let asking = tokio::spawn(async move { client.try_request("GET", &slow).await.is_ok() });
    // Both are known to be connected once somebody who came after them is answered.
    assert_eq!(api.anonymous().get("/livez").await.0, StatusCode::OK);
    let told = Instant::now();
    api.shutdown.cancel();
    timeout(Duration::from_millis(1500), api.running).await.unwrap().unwrap();
    assert!(told.elapsed() < Duration::from_millis(1500));
    assert!(!asking.await.unwrap());
    drop(silent);
}

/// How long until the other side closes.
async fn closed_after(mut stream: impl tokio::io::AsyncRead + Unpin) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await.expect("closed");
    began.elapsed()
}

#[tokio::test]
async fn who_never_speaks_tls_is_dropped() {
    let api = Api::start().await;
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    stream.write_all(b"\x16\x03").await.unwrap();
    assert!((4..8).contains(&closed_after(stream).await.as_secs()));
}

#[tokio::test]
async fn a_strangers_connection_is_short() {
    let api = Api::start().await;
    let mut stream = api.anonymous().connect().await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    assert!((8..13).contains(&closed_after(stream).await.as_secs()));
}

#[tokio::test]
async fn silent_clients_keep_others_out_for_moments_only() {
    let api = Api::start().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(api.address).await.unwrap());
    }
    // Later than all of them, and after two rounds of handshakes that never come.
    assert_eq!(api.front_proxy().get(BASE).await.0, StatusCode::OK);
}
