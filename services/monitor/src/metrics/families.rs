//! The groups' series, as of one round. What is not known has none.

use common::family::{counters, gauges};
use planner::Reason;
use prometheus::proto::MetricFamily;

use crate::partition::ConditionCode;
use crate::rebalances::Cause;
use crate::view::{GroupView, PartitionView, TopicView, View};

/// Every family that has series.
pub(super) fn of(view: &View) -> Vec<MetricFamily> {
    let mut all = Vec::new();
    of_partitions(&mut all, view);
    of_topics(&mut all, view);
    of_groups(&mut all, view);
    of_rebalances(&mut all, view);
    of_plans(&mut all, view);
    all.retain(|family: &MetricFamily| !family.get_metric().is_empty());
    all
}

const PARTITION: [&str; 3] = ["consumergroup", "topic", "partition"];

fn of_partitions(all: &mut Vec<MetricFamily>, view: &View) {
    let partitions = || {
        view.groups.iter().flat_map(|group| {
            group.topics.iter().flat_map(move |topic| {
                topic.partitions.iter().map(move |partition| (&group.group, &topic.topic, partition))
            })
        })
    };
    let series = |value: fn(&PartitionView) -> Option<f64>| {
        partitions().filter_map(move |(group, topic, partition)| {
            Some(([group.clone(), topic.clone(), partition.partition.to_string()], value(partition)?))
        })
    };
    let lag = ("kafka_consumergroup_lag", "records not committed");
    all.push(gauges(lag, PARTITION, series(|partition| partition.lag.map(|lag| lag as f64))));
    let offset = ("kafka_consumergroup_current_offset", "the committed offset");
    all.push(gauges(offset, PARTITION, series(|partition| partition.committed.map(|offset| offset as f64))));
    let delay = ("kafka_consumergroup_delay_seconds", "age of the oldest record not committed, 0 if there is none");
    all.push(gauges(delay, PARTITION, series(|partition| partition.delay_seconds)));
    let arrivals = ("kafka_consumergroup_in_rate", "records per second that arrive, smoothed");
    all.push(gauges(arrivals, PARTITION, series(|partition| partition.in_rate)));
    let work = ("kafka_consumergroup_out_rate", "records per second that are committed, smoothed");
    all.push(gauges(work, PARTITION, series(|partition| partition.out_rate)));
    let owners = partitions().filter_map(|(group, topic, partition)| {
        let owner = partition.owner.clone()?;
        Some(([group.clone(), topic.clone(), partition.partition.to_string(), owner], 1.0))
    });
    let owner = ("kafka_consumergroup_owner", "1 for the member that has the partition");
    all.push(gauges(owner, ["consumergroup", "topic", "partition", "member"], owners));
    let is_told = |(_, _, partition): &(_, _, &PartitionView)| partition.condition != ConditionCode::Ok;
    let conditions = partitions().filter(is_told).map(|(group, topic, partition)| {
        let labels =
            [group.clone(), topic.clone(), partition.partition.to_string(), partition.condition.as_str().into()];
        (labels, 1.0)
    });
    let condition = ("kafka_consumergroup_condition", "1 for what is not as it should be with the partition");
    all.push(gauges(condition, ["consumergroup", "topic", "partition", "condition"], conditions));
}

fn of_topics(all: &mut Vec<MetricFamily>, view: &View) {
    // Two groups may read the same topic: its own series are there once.
    let topics = || view.groups.iter().flat_map(|group| &group.topics);
    let series = |value: fn(&PartitionView) -> Option<u64>| {
        topics().flat_map(move |topic| {
            topic.partitions.iter().filter_map(move |partition| {
                Some(([topic.topic.clone(), partition.partition.to_string()], value(partition)? as f64))
            })
        })
    };
    let end = ("kafka_topic_partition_current_offset", "the offset the next record will have");
    all.push(gauges(end, ["topic", "partition"], series(|partition| partition.end)));
    let start = ("kafka_topic_partition_oldest_offset", "the oldest record's offset");
    all.push(gauges(start, ["topic", "partition"], series(|partition| partition.start)));
    let counts = topics()
        .filter(|topic| !topic.partitions.is_empty())
        .map(|topic| ([topic.topic.clone()], topic.partitions.len() as f64));
    all.push(gauges(("kafka_topic_partitions", "partitions of the topic"), ["topic"], counts));
    let lags = view.groups.iter().flat_map(|group| {
        let lag = |topic: &TopicView| Some(([group.group.clone(), topic.topic.clone()], topic.lag? as f64));
        group.topics.iter().filter_map(lag).collect::<Vec<_>>()
    });
    let lag = ("kafka_consumergroup_lag_sum", "records of all partitions not committed");
    all.push(gauges(lag, ["consumergroup", "topic"], lags));
}

fn of_groups(all: &mut Vec<MetricFamily>, view: &View) {
    let series = |value: fn(&GroupView) -> Option<f64>| {
        view.groups.iter().filter_map(move |group| Some(([group.group.clone()], value(group)?)))
    };
    let group = ["consumergroup"];
    let members = ("kafka_consumergroup_members", "members of the group");
    let count = |group: &GroupView| {
        (group.members_described || !group.members.is_empty()).then_some(group.members.len() as f64)
    };
    all.push(gauges(members, group, series(count)));
    let up = ("monitor_up", "1 if all of the group could be read in the last round, else 0");
    all.push(gauges(up, group, series(|group| Some(f64::from(u8::from(group.up))))));
    let at = ("monitor_last_round_timestamp_seconds", "when the last round read the group");
    all.push(gauges(at, group, series(|group| Some(group.at_ms as f64 / 1000.0))));
}

fn of_rebalances(all: &mut Vec<MetricFamily>, view: &View) {
    let counts = view.groups.iter().flat_map(|group| {
        let count = |(cause, count): (&Cause, &u64)| ([group.group.clone(), cause.code().to_owned()], *count as f64);
        group.rebalance_counts.iter().map(count).collect::<Vec<_>>()
    });
    let total = ("kafka_consumergroup_rebalances_total", "changes of who has which partition, by what began them");
    all.push(counters(total, ["consumergroup", "cause"], counts));
    let pauses = view.groups.iter().filter_map(|group| {
        let total = group.rebalance_pauses_total?;
        Some(([group.group.clone()], total.as_secs_f64()))
    });
    let pause = ("kafka_consumergroup_rebalance_pause_seconds_total", "how long partitions waited that moved, as told");
    all.push(counters(pause, ["consumergroup"], pauses));
}

fn of_plans(all: &mut Vec<MetricFamily>, view: &View) {
    let series = |value: fn(&GroupView) -> Option<f64>| {
        view.groups.iter().filter_map(move |group| Some(([group.group.clone()], value(group)?)))
    };
    let group = ["consumergroup"];
    let desired = ("planner_desired_consumers", "how many consumers the group needs");
    all.push(gauges(desired, group, series(|group| group.plan.replicas.map(f64::from))));
    let needed = ("planner_needed_consumers", "what the load alone asks for, before pauses and limits are weighed");
    all.push(gauges(needed, group, series(|group| group.plan.needed.map(f64::from))));
    let capacity = ("planner_consumer_capacity", "records per second one consumer can do, learned or set");
    all.push(gauges(capacity, group, series(|group| group.capacity)));
    let pause = ("planner_rebalance_pause_seconds", "what a rebalance costs a partition that moves, as measured");
    all.push(gauges(pause, group, series(|group| group.rebalance_pause_seconds)));
    let target = ("planner_target_delay_seconds", "no update shall wait longer");
    all.push(gauges(target, group, series(|group| Some(group.target_delay_seconds))));
    let hot =
        ("planner_hot_partition_share", "part of all arrivals of a partition that is more than one consumer can do");
    let shares = view.groups.iter().filter_map(|group| {
        let hot = group.plan.hot.as_ref()?;
        Some(([group.group.clone(), hot.partition.clone()], hot.share))
    });
    all.push(gauges(hot, ["consumergroup", "partition"], shares));
    let reasons = view.groups.iter().flat_map(|group| {
        Reason::ALL.map(|reason| {
            let holds = f64::from(u8::from(group.plan.reason == reason));
            ([group.group.clone(), reason.code().to_owned()], holds)
        })
    });
    let reason = ("planner_reason", "1 for why the plan is as it is, 0 for every other reason");
    all.push(gauges(reason, ["consumergroup", "reason"], reasons));
}
