//! What there is to see: a producer, members that can be killed, and a monitor on a port of its own.

use std::net::{SocketAddr, TcpListener};

use producer::{App, ProducerConfig, ProducerError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::{MemberProcess, MonitorProcess, Venue};

/// Everything that runs.
pub(crate) struct Scene {
    venue: Venue,
    pub(crate) group: String,
    pub(crate) topic: String,
    producer: SocketAddr,
    monitor_address: SocketAddr,
    monitor: Option<MonitorProcess>,
    shutdown: CancellationToken,
    produces: JoinHandle<Result<(), ProducerError>>,
}

impl Scene {
    /// A topic with a steady flow of updates, and a monitor that watches a group of it and another one.
    pub(crate) async fn set(name: &str, partitions: i32) -> Self {
        let venue = Venue::open(name);
        let topic = venue.create_topic("stocks", partitions).await;
        let group = venue.name("readers");
        let settings = [
            ("KAFKA_BOOTSTRAP_SERVERS", venue.bootstrap_servers.as_str()),
            ("TOPIC", &topic),
            ("HTTP_ADDR", "127.0.0.1:0"),
            ("UPDATES", "0"),
            ("RATE", "240"),
            ("SYMBOLS", "12"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config: ProducerConfig = common::config::load(settings).unwrap();
        let (producer, shutdown) = (App::bind(config).await.unwrap(), CancellationToken::new());
        let address = producer.address();
        let produces = tokio::spawn(producer.run(shutdown.clone()));
        // The next monitor shall have the same one: the page knows no other.
        let monitor_address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut scene =
            Self { venue, group, topic, producer: address, monitor_address, monitor: None, shutdown, produces };
        scene.start_monitor().await;
        scene
    }

    /// Starts the monitor, again where it was before.
    pub(crate) async fn start_monitor(&mut self) {
        let groups = format!("{}:{},{}-idle:{}", self.group, self.topic, self.group, self.topic);
        let (address, producer) = (self.monitor_address.to_string(), format!("http://{}", self.producer));
        let more = [("HTTP_ADDR", address.as_str()), ("PRODUCER_URL", &producer), ("INTERVAL", "250ms")];
        let monitor = MonitorProcess::start(&self.venue.bootstrap_servers, &groups, &more).await;
        monitor.ready().await;
        self.monitor = Some(monitor);
    }

    /// Ends the monitor.
    pub(crate) async fn stop_monitor(&mut self) {
        let (code, _) = self.monitor.take().unwrap().terminate().await;
        assert_eq!(code, Some(0));
    }

    /// Where the page is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.monitor_address)
    }

    /// One more member, which dropping kills with SIGKILL.
    pub(crate) fn join(&self, name: &str) -> MemberProcess {
        MemberProcess::join(&self.venue, &self.group, &self.topic, name)
    }

    /// Ends all that runs in this process.
    pub(crate) async fn end(mut self) {
        self.stop_monitor().await;
        self.shutdown.cancel();
        self.produces.await.unwrap().unwrap();
    }
}
