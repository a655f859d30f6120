//! Families of series made of what is known already, at the moment they are told.
//!
//! The library's own vectors know a series by a hash of its label values one after the other, without what parts them:
//! to them, partition 11 of topic `t` and partition 1 of topic `t1` are the same. Here no two are.

use std::collections::BTreeMap;

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// A family of gauges, with its name and what it is: of each series its label values, in the order of `labels`, and its
/// value. What is told twice of one series counts once, the last time. A family without series is not to be told:
/// encoders refuse it.
pub fn gauges<const N: usize>(
    (name, help): (&str, &str),
    labels: [&str; N],
    series: impl IntoIterator<Item = ([String; N], f64)>,
) -> MetricFamily {
    family((name, help, MetricType::GAUGE), labels, series, |metric, value| {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    })
}

/// The same of counters, which only rise.
pub fn counters<const N: usize>(
    (name, help): (&str, &str),
    labels: [&str; N],
    series: impl IntoIterator<Item = ([String; N], f64)>,
) -> MetricFamily {
    family((name, help, MetricType::COUNTER), labels, series, |metric, value| {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    })
}

fn family<const N: usize>(
    (name, help, kind): (&str, &str, MetricType),
    labels: [&str; N],
    series: impl IntoIterator<Item = ([String; N], f64)>,
    set: fn(&mut Metric, f64),
) -> MetricFamily {
    let series: BTreeMap<_, _> = series.into_iter().collect();
    let metric = |(values, value): ([String; N], f64)| {
        let mut pairs: Vec<_> = labels.into_iter().zip(values).map(|(name, value)| pair(name, value)).collect();
        pairs.sort_by(|a, b| a.name().cmp(b.name()));
        let mut metric = Metric::from_label(pairs);
        set(&mut metric, value);
        metric
    };
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(series.into_iter().map(metric).collect());
    family
}

fn pair(name: &str, value: String) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value);
    pair
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    fn text(family: MetricFamily) -> String {
        TextEncoder::new().encode_to_string(&[family]).unwrap()
    }

    #[test]
    fn series_whose_values_read_alike_one_after_the_other_are_two() {
        let of = |topic: &str, partition: &str, lag| ([topic.to_owned(), partition.to_owned()], lag);
        let family = gauges(("lag", "behind"), ["topic", "partition"], [of("t1", "1", 3.0), of("t", "11", 7.5)]);
        let expected = "# HELP lag behind\n# TYPE lag gauge\n\
                        lag{partition=\"11\",topic=\"t\"} 7.5\nlag{partition=\"1\",topic=\"t1\"} 3\n";
        assert_eq!(text(family), expected);
    }

    #[test]
    fn a_series_that_is_told_twice_is_there_once() {
        let family = counters(("moves_total", "moves"), ["topic"], [(["t".to_owned()], 1.0), (["t".to_owned()], 2.0)]);
        assert_eq!(text(family), "# HELP moves_total moves\n# TYPE moves_total counter\nmoves_total{topic=\"t\"} 2\n");
    }
}
