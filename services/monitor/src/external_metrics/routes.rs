//! What is answered to whom.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};

use super::connections::Peer;
use super::discovery;
use super::front_proxy::{FrontProxy, Refusal};
use super::refusals::Refusals;
use super::status::Status;
use super::{Source, values::values};

/// What stands at the door.
struct Door {
    front_proxy: Arc<FrontProxy>,
    refusals: Refusals,
}

/// Every route. Whoever asks has to be the front proxy, but for the probes.
pub(super) fn router<S: Source>(source: Arc<S>, front_proxy: Arc<FrontProxy>) -> Router {
    let resources = Json(discovery::resources(source.metrics()));
    let door = Arc::new(Door { front_proxy: front_proxy.clone(), refusals: Refusals::default() });
    let api = Router::new()
        .route("/apis", get(async || Json(discovery::groups())))
        .route("/apis/external.metrics.k8s.io", get(async || Json(discovery::group())))
        .route("/apis/external.metrics.k8s.io/v1beta1", get(async move || resources))
        .route("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", get(values::<S>))
        .route("/openapi/v2", get(async || Json(discovery::openapi_v2())))
        .route("/openapi/v3", get(async || Json(discovery::openapi_v3())))
        .fallback(async |uri: Uri| Status::not_found(format!("there is nothing at {}", uri.path())))
        .with_state(source)
        .layer(middleware::map_request(only_get))
        .layer(middleware::from_fn_with_state(door, only_the_front_proxy));
    let ready = async move || match front_proxy.known() {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => Status::unavailable(format!("who the cluster's front proxy is: {reason}")).into_response(),
    };
    let probes = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready.clone()))
        .route("/healthz", get(ready))
        .layer(middleware::map_request(only_get));
    api.merge(probes)
}

async fn only_the_front_proxy(
    State(door): State<Arc<Door>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match door.front_proxy.admit(&peer.chain) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            door.refusals.tell(peer.address.ip(), &refusal);
            let message = refusal.to_string();
            match refusal {
                Refusal::NoCertificate | Refusal::Distrusted(_) => Status::unauthorized(message),
                Refusal::NotKnownYet(_) => Status::unavailable(message),
            }
            .into_response()
        }
    }
}

async fn only_get(request: Request) -> Result<Request, Response> {
    if request.method() == Method::GET {
        return Ok(request);
    }
    let status =
        Status::method_not_allowed(format!("{} {}: only GET is served", request.method(), request.uri().path()));
    Err(([(header::ALLOW, "GET")], status).into_response())
}
