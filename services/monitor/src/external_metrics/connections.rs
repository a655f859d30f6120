//! Connections: how many, and for how long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::front_proxy::FrontProxy;

/// More wait to be accepted.
const MOST: usize = 128;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a stranger's connection may last: enough for a probe, too short to take places away.
const STRANGER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the front proxy's connection may wait for a request, or for the rest of its head; the API server drops
/// idle ones after 90 s, so that it never finds one closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// The largest request head, in bytes.
const HEAD_LIMIT: usize = 32 * 1024;

/// How long requests that are being answered may still take when the service ends.
const CLOSING_TIMEOUT: Duration = Duration::from_millis(800);

/// Where accepting failed, as it does when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Its own certificate first; empty where it showed none.
    pub(super) chain: Arc<[CertificateDer<'static>]>,
}

/// What all connections share.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) tls: TlsAcceptor,
    pub(super) front_proxy: Arc<FrontProxy>,
    pub(super) router: Router,
}

impl Server {
    /// Answers until `shutdown`, then gives requests under way a moment.
    pub(super) async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let places = Arc::new(Semaphore::new(MOST));
        let mut connections = JoinSet::new();
        while let Some((stream, address, place)) = shutdown.run_until_cancelled(accept(&listener, &places)).await {
            let (server, shutdown) = (self.clone(), shutdown.clone());
            connections.spawn(async move {
                server.connection(stream, address, shutdown).await;
                drop(place);
            });
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        if timeout(CLOSING_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await.is_err() {
            connections.shutdown().await;
        }
    }

    async fn connection(self, stream: TcpStream, address: SocketAddr, shutdown: CancellationToken) {
        let handshake = timeout(HANDSHAKE_TIMEOUT, self.tls.accept(stream));
        let stream = match shutdown.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => stream,
            Some(Ok(Err(error))) => return tracing::debug!(%address, "no TLS: {error}"),
            Some(Err(_)) => return tracing::debug!(%address, "no TLS within {HANDSHAKE_TIMEOUT:?}"),
            None => return,
        };
        let chain: Arc<[_]> = stream.get_ref().1.peer_certificates().unwrap_or_default().into();
        let known = self.front_proxy.admit(&chain).is_ok();
        let peer = Peer { address, chain };
        let router = TowerToHyperService::new(self.router);
        let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer.clone());
            router.call(request)
        });
        let mut connection = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(IDLE_TIMEOUT)
                .max_buf_size(HEAD_LIMIT)
                .serve_connection(TokioIo::new(stream), service)
        );
        let result = tokio::select! {
            result = &mut connection => result,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = sleep(STRANGER_TIMEOUT), if !known => Ok(()),
        };
        if let Err(error) = result {
            tracing::debug!(%address, "connection: {error}");
        }
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, address, place),
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
