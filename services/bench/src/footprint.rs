//! What a service costs besides time: memory at a steady rate, and the time until it is ready.

use std::time::{Duration, Instant};

use crate::Error;
use crate::broker::Broker;
use crate::contest::median;
use crate::memory::Resident;
use crate::options::Extent;
use crate::progress;
use crate::record::Format;
use crate::service::{Binaries, Service};
use crate::tools::settings;

/// The steady rate, in updates per second.
pub(crate) const STEADY_RATE: u32 = 10_000;

/// How often the memory is looked at.
const TICK: Duration = Duration::from_millis(100);

/// How long what is late at the start may take.
const SETTLING: Duration = Duration::from_secs(2);

/// Of one service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Footprint {
    /// The most resident memory at [`STEADY_RATE`], in bytes.
    pub(crate) steady: u64,
    /// Updates per second that it did meanwhile.
    pub(crate) rate: f64,
    /// Start to ready, the median.
    pub(crate) ready: Duration,
}

/// Of both.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Footprints {
    /// The producer's.
    pub(crate) producer: Footprint,
    /// The consumer's.
    pub(crate) consumer: Footprint,
}

/// Measures both.
///
/// # Errors
/// Where one fails.
pub(crate) async fn measure(binaries: &Binaries, broker: &Broker, extent: &Extent) -> Result<Footprints, Error> {
    let mut footprints = Footprints::default();
    let topic = broker.topic().await?;
    steady(binaries, broker, &topic, extent.steady, &mut footprints).await?;
    let (mut producer, mut consumer) = (Vec::new(), Vec::new());
    for _ in 0..extent.starts {
        let mut idle = settings::producer(broker, &topic, Format::Quote);
        idle.extend([("UPDATES", "1".to_owned())]);
        producer.push(start(&binaries.producer, &idle).await?);
        consumer.push(start(&binaries.consumer, &settings::consumer(broker, &topic)).await?);
    }
    broker.delete(&topic).await?;
    footprints.producer.ready = middle(&producer);
    footprints.consumer.ready = middle(&consumer);
    progress(&format!(
        "start to ready: producer {} ms, consumer {} ms",
        footprints.producer.ready.as_millis(),
        footprints.consumer.ready.as_millis()
    ));
    Ok(footprints)
}

/// Both work side by side, the consumer on what the producer sends.
async fn steady(
    binaries: &Binaries,
    broker: &Broker,
    topic: &str,
    time: Duration,
    footprints: &mut Footprints,
) -> Result<(), Error> {
    let mut endless = settings::producer(broker, topic, Format::Quote);
    endless.extend([("UPDATES", "0".to_owned()), ("RATE", STEADY_RATE.to_string())]);
    let producer = Service::start(&binaries.producer, &endless).await?;
    let consumer = Service::start(&binaries.consumer, &settings::consumer(broker, topic)).await?;
    producer.ready().await?;
    consumer.ready().await?;
    // Until both have caught up with what was due before they were ready.
    tokio::time::sleep(SETTLING).await;
    let counters = ["producer_updates_acknowledged_total", "consumer_records_total"];
    let [sent, read] = counters;
    let before: (_, u64, u64) = (Instant::now(), producer.counter(sent).await?, consumer.counter(read).await?);
    while before.0.elapsed() < time {
        for (service, footprint) in [(&producer, &mut footprints.producer), (&consumer, &mut footprints.consumer)] {
            let Resident { now, .. } = service.resident()?;
            footprint.steady = footprint.steady.max(now);
        }
        tokio::time::sleep(TICK).await;
    }
    let seconds = before.0.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = |before, after: u64| after.saturating_sub(before) as f64 / seconds;
    footprints.producer.rate = rate(before.1, producer.counter(sent).await?);
    footprints.consumer.rate = rate(before.2, consumer.counter(read).await?);
    producer.stop().await?;
    consumer.stop().await?;
    progress(&format!(
        "{STEADY_RATE} updates per second: producer {} KiB, consumer {} KiB",
        footprints.producer.steady / 1024,
        footprints.consumer.steady / 1024
    ));
    Ok(())
}

async fn start(program: &std::path::Path, variables: &[(&str, String)]) -> Result<Duration, Error> {
    let service = Service::start(program, variables).await?;
    let ready = service.ready().await?;
    service.stop().await?;
    Ok(ready)
}

fn middle(times: &[Duration]) -> Duration {
    Duration::from_secs_f64(median(times.iter().map(Duration::as_secs_f64)).unwrap_or_default())
}
