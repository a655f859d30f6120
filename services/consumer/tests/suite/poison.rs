//! Records that never can be processed.

use std::collections::BTreeMap;

use consumer::handler::{Handler, HandlerError, Receipt};
use consumer::record::Update;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::{Offset, TopicPartitionList};

use testing::eventually;

use crate::harness::{Feed, Member, Venue};

/// A dead letter: its value and its headers.
type Letter = (Option<Vec<u8>>, BTreeMap<String, String>);

/// A reason, and a key and a value that have it.
type Kind<'a> = (&'a str, Option<&'a [u8]>, Option<&'a [u8]>);

/// The dead letters, as soon as there are so many.
async fn dead_letters(venue: &Venue, count: usize) -> Vec<Letter> {
    let reader: BaseConsumer = venue.client().set("group.id", "dead-letter-reader").create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&venue.dead_letters, 0, Offset::Beginning).unwrap();
    reader.assign(&list).unwrap();
    let mut letters = Vec::new();
    eventually(&format!("{count} dead letters"), async || {
        while let Some(message) = reader.poll(std::time::Duration::ZERO) {
            let message = message.unwrap();
            let headers = message.headers().unwrap().iter().map(|header| {
                (header.key.to_owned(), String::from_utf8(header.value.unwrap_or_default().to_vec()).unwrap())
            });
            letters.push((message.payload().map(<[u8]>::to_vec), headers.collect()));
        }
        (letters.len() >= count).then_some(())
    })
    .await;
    letters
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_of_every_kind_goes_to_the_dead_letters_and_its_partition_moves_on() {
    let venue = Venue::open("poison", 1).await;
    let garbage = vec![b'x'; 1_000_000];
    let kinds: [Kind; 10] = [
        ("empty", Some(b"AAPL"), None),
        ("empty", Some(b"AAPL"), Some(b"")),
        ("no_price", Some(b"AAPL"), Some(b"AAPL")),
        ("no_price", Some(b"AAPL"), Some(b"{\"symbol\":\"AAPL\"}")),
        ("key_mismatch", Some(b"GOOGL"), Some(b"AAPL: $1.00")),
        ("key_mismatch", None, Some(b"AAPL: $1.00")),
        ("absurd_price", Some(b"AAPL"), Some(b"AAPL: $-1.00")),
        ("absurd_price", Some(b"AAPL"), Some(b"AAPL: $99999999.99")),
        ("not_utf8", Some(b"AAPL"), Some(b"AAPL\xff\xfe")),
        ("too_long", Some(b"AAPL"), Some(&garbage)),
    ];
    let mut feed = Feed::new(&venue);
    for (_, key, value) in kinds {
        feed.send(1, 1).await;
        feed.raw(key, value).await;
    }
    feed.send(5, 1).await;
    let member = Member::join(&venue, "member", &[]).await;
    venue.drained().await;
    assert_eq!(member.metric("consumer_records_total").await, 15.0);
    for reason in ["empty", "no_price", "key_mismatch", "absurd_price"] {
        assert_eq!(member.metric(&format!("consumer_dead_letters_total{{reason=\"{reason}\"}}")).await, 2.0);
    }
    let letters = dead_letters(&venue, kinds.len()).await;
    for (i, (reason, _, value)) in kinds.iter().enumerate() {
        let (kept, headers) =
            &letters.iter().find(|(_, headers)| headers["dead-letter-offset"] == (2 * i + 1).to_string()).unwrap();
        assert_eq!(kept.as_deref().unwrap_or_default(), value.unwrap_or_default(), "{reason}");
        assert_eq!(headers["dead-letter-reason"], *reason);
        assert_eq!(headers["dead-letter-topic"], venue.topic);
        assert_eq!((&*headers["dead-letter-partition"], &*headers["dead-letter-member"]), ("0", "member"));
        assert_eq!(headers["dead-letter-group"], venue.group);
        assert!(!headers["dead-letter-detail"].is_empty());
    }
    member.leave().await;
    let audit = venue.audit(Vec::new()).await;
    assert_eq!((audit.lost, audit.twice, audit.dead_letters), (0, 0, 10), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_cannot_be_written_holds_its_partition_until_it_can() {
    let venue = Venue::open("no-letters", 1).await;
    match venue.embedded_kafka() {
        Some(kafka) => kafka.refuse_topic(&venue.dead_letters, true).unwrap(),
        None => venue.delete_topic(&venue.dead_letters).await,
    }
    let mut feed = Feed::new(&venue);
    feed.send(3, 1).await;
    feed.raw(Some(b"S0"), Some(b"garbage")).await;
    feed.send(3, 1).await;
    let member = Member::join(&venue, "member", &[("LANES", "1")]).await;
    eventually("what comes before the garbage to be committed", async || {
        venue.committed().await.first().filter(|(_, offset, _)| *offset == 3).map(|_| ())
    })
    .await;
    assert_eq!(member.metric("consumer_records_total").await, 3.0, "the partition holds");
    match venue.embedded_kafka() {
        Some(kafka) => kafka.refuse_topic(&venue.dead_letters, false).unwrap(),
        None => venue.create_topic(&venue.dead_letters, 1).await,
    }
    venue.drained().await;
    member.leave().await;
    assert_eq!(dead_letters(&venue, 1).await.len(), 1);
    let audit = venue.audit(Vec::new()).await;
    assert_eq!((audit.lost, audit.twice, audit.dead_letters), (0, 0, 1), "{audit:?}");
}

/// Wants nothing to do with one symbol.
struct Picky;

impl Handler for Picky {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        if update.quote.symbol.as_str() == "S1" {
            return Err(HandlerError::Poison("S1 is not listed".into()));
        }
        Ok(Receipt::Done)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_rejects_goes_to_the_dead_letters_too() {
    let venue = Venue::open("picky", 1).await;
    Feed::new(&venue).send(4, 2).await;
    let member = Member::join_with(&venue, "picky", &[], Picky).await;
    venue.drained().await;
    assert_eq!(member.metric("consumer_dead_letters_total{reason=\"rejected\"}").await, 2.0);
    member.leave().await;
    let letters = dead_letters(&venue, 2).await;
    assert_eq!(letters[0].0.as_deref(), Some(&b"S1: $2.01"[..]));
    assert_eq!(letters[0].1["dead-letter-detail"], "S1 is not listed");
    assert_eq!(letters[0].1["seq"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_with_any_name_and_value_harm_nobody() {
    let venue = Venue::open("headers", 1).await;
    let mut feed = Feed::new(&venue);
    let odd = OwnedHeaders::new()
        .insert(Header { key: "seq", value: Some(&[0xff_u8, 0xfe][..]) })
        .insert(Header { key: "traceparent", value: Some("00-zz") })
        .insert(Header::<&str> { key: "", value: None });
    feed.raw_with(Some(b"AAPL"), Some(b"AAPL: $1.00"), odd).await;
    feed.raw_with(Some(b"AAPL"), Some(b"AAPL: $2.00"), headers_not_utf8()).await;
    let member = Member::join(&venue, "member", &[]).await;
    member.reaches("consumer_records_total", 2.0).await;
    venue.drained().await;
    member.leave().await;
}

/// A header whose name is not UTF-8, which the safe interface cannot make.
#[allow(unsafe_code, reason = "the safe interface cannot make such a header, but anybody can send one")]
fn headers_not_utf8() -> OwnedHeaders {
    let name = [0xff_u8, 0xfe, 0];
    // SAFETY: Kafka's headers have names of any bytes; the name lives as long as the call.
    let key = unsafe { std::str::from_utf8_unchecked(&name[..2]) };
    OwnedHeaders::new().insert(Header { key, value: Some("x") })
}
