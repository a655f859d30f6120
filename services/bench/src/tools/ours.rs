//! Our producer and consumer.

use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::{Run, patience, settings};
use crate::Error;
use crate::broker::Broker;
use crate::record::Format;
use crate::service::{Binaries, Service};

/// How often a service is asked how far it is.
const TICK: Duration = Duration::from_millis(20);

/// Sends; an update counts when it is acknowledged.
pub(super) async fn produce(
    binaries: &Binaries,
    broker: &Broker,
    topic: &str,
    format: Format,
    records: u64,
) -> Result<Run, Error> {
    let mut variables = settings::producer(broker, topic, format);
    variables.extend([("UPDATES", records.to_string()), ("RATE", "0".to_owned())]);
    let producer = Service::start(&binaries.producer, &variables).await?;
    watch(producer, "producer_updates_acknowledged_total", records).await
}

/// Reads; a record counts when its work is done.
pub(super) async fn consume(binaries: &Binaries, broker: &Broker, topic: &str, records: u64) -> Result<Run, Error> {
    let consumer = Service::start(&binaries.consumer, &settings::consumer(broker, topic)).await?;
    watch(consumer, "consumer_records_total", records).await
}

/// Watches a counter of a service's `/metrics` until it has counted all records, and ends the service. The rate is that
/// from the first look at which some were counted: what it takes to connect, or to join a group, is left out.
async fn watch(service: Service, counter: &'static str, records: u64) -> Result<Run, Error> {
    let deadline = Instant::now() + patience(records);
    let mut looks = tokio::time::interval(TICK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut first = None;
    let rate = loop {
        looks.tick().await;
        let counted: u64 = service.counter(counter).await?;
        let now = Instant::now();
        if counted > 0 {
            let (begun, before) = *first.get_or_insert((now, counted));
            if counted >= records {
                break per_second(counted - before, now - begun);
            }
        }
        if now >= deadline {
            let awaited = format!("{counter} {records} (it is {counted})");
            return Err(Error::Timeout { awaited, seconds: patience(records).as_secs() });
        }
    };
    let peak = Some(service.resident()?.peak);
    service.stop().await?;
    Ok(Run { rate, peak })
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(records: u64, time: Duration) -> f64 {
    records as f64 / time.as_secs_f64().max(1e-9)
}
