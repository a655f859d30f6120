//! A Kubernetes API that knows one ConfigMap.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

const PATH: &str = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

#[derive(Clone)]
pub(crate) enum Answer {
    /// `requestheader-client-ca-file` and `requestheader-allowed-names`, where there are any.
    Published(Option<String>, Option<String>),
    Refused(StatusCode, &'static str),
}

#[derive(Clone)]
pub(crate) struct Cluster {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    reads: Arc<AtomicUsize>,
}

impl Cluster {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cluster = Self { address, answer: Arc::new(Mutex::new(answer)), reads: Arc::default() };
        let reader = cluster.clone();
        let router = Router::new().route(PATH, get(async move || reader.read()));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        cluster
    }

    pub(crate) fn client(&self) -> kube::Client {
        let url = format!("http://{}", self.address).parse().unwrap();
        kube::Client::try_from(kube::Config::new(url)).unwrap()
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// How often the ConfigMap was read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn read(&self) -> Response {
        self.reads.fetch_add(1, Ordering::SeqCst);
        match self.answer.lock().unwrap().clone() {
            Answer::Published(certificates, names) => {
                let mut data = serde_json::Map::new();
                data.extend(certificates.map(|pem| ("requestheader-client-ca-file".to_owned(), json!(pem))));
                data.extend(names.map(|names| ("requestheader-allowed-names".to_owned(), json!(names))));
                Json(json!({
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": { "name": "extension-apiserver-authentication", "namespace": "kube-system" },
                    "data": data,
                }))
                .into_response()
            }
            Answer::Refused(code, message) => {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
                    "reason": "Forbidden", "code": code.as_u16(),
                });
                (code, Json(status)).into_response()
            }
        }
    }
}
