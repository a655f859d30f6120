use std::sync::Arc;

use planner::Settings;
use testing::assert_scrape_is_cheap;

use super::*;
use crate::group::Group;
use crate::groups::{Groups, Watched};
use crate::reading::{Committed, GroupReading, LogReading, PartitionId, ReadError, Round, TopicReading};

/// What is told after two rounds, a second apart, in which each of the topics had so many partitions.
fn metrics(topics: &[(&str, i32)]) -> Metrics {
    let names: Vec<_> = topics.iter().map(|(topic, _)| format!("readers:{topic}")).collect();
    let watched: Vec<Watched> = names.join(",").parse::<Groups>().unwrap().iter().cloned().collect();
    let mut group = Group::new(watched[0].clone(), Settings::default());
    for at_ms in [1_700_000_000_000, 1_700_000_001_000] {
        group.observe(&round(topics, at_ms));
    }
    let metrics = Metrics::new(&["readers".to_owned()]).unwrap();
    let groups = vec![Arc::new(group.view(1_700_000_001_000))];
    metrics.round_over(Duration::from_millis(7), &View { at_ms: 1_700_000_001_000, rounds: 2, groups });
    metrics
}

/// Each partition stands elsewhere, as real ones do: the first 7 behind, the next 8, and so on.
fn round(topics: &[(&str, i32)], at_ms: u64) -> Round {
    let mut round = Round { at_ms, ..Round::default() };
    let mut offsets = std::collections::HashMap::new();
    for (topic, partitions) in topics {
        let mut logs = TopicReading::new();
        for partition in 0..*partitions {
            let committed = at_ms / 1000 % 1_000_000 + u64::try_from(partition).unwrap() * 7919;
            let end = committed + 7 + u64::try_from(partition).unwrap();
            logs.insert(partition, Ok(LogReading { start: committed / 2, end }));
            let metadata = format!(r#"{{"member":"consumer-{}","done":{at_ms},"at":{at_ms}}}"#, partition % 12);
            let id = PartitionId { topic: Arc::from(*topic), partition };
            offsets.insert(id, Ok(Some(Committed::new(committed, metadata.as_bytes()))));
        }
        round.topics.insert(Arc::from(*topic), Ok(logs));
    }
    let members = Err(ReadError::refused("untold"));
    round.groups.insert("readers".to_owned(), GroupReading { offsets: Ok(offsets), members });
    round
}

#[tokio::test]
async fn a_thousand_partitions_are_scraped_for_little() {
    let page = assert_scrape_is_cheap(metrics(&[("stocks", 1000)]).route()).await;
    for family in ["lag", "current_offset", "delay_seconds", "in_rate", "out_rate", "owner"] {
        let of_family = format!("kafka_consumergroup_{family}{{");
        assert_eq!(page.lines().filter(|line| line.starts_with(&of_family)).count(), 1000, "{family}");
    }
}

#[tokio::test]
async fn topics_whose_names_end_in_digits_keep_their_partitions_apart() {
    let page = assert_scrape_is_cheap(metrics(&[("t", 12), ("t1", 2)]).route()).await;
    for (topic, partition, lag) in [("t", 11, 18), ("t1", 1, 8)] {
        let labels = format!(r#"{{consumergroup="readers",partition="{partition}",topic="{topic}"}}"#);
        let series = format!("kafka_consumergroup_lag{labels} {lag}");
        assert!(page.lines().any(|line| line == series), "{series} is not in\n{page}");
    }
}
