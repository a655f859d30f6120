//! Metrics in the OpenMetrics text format 1.0, which has what Prometheus' own has not: exemplars.

mod exemplars;
mod negotiation;

use std::borrow::Cow;

use prometheus::proto::{Histogram, LabelPair, Metric, MetricFamily, MetricType};

pub use exemplars::{Exemplar, Exemplars};
pub use negotiation::is_wanted;

/// The content type of what [`encode`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The suffix of a counter's sample, which its family does not have.
const TOTAL: &str = "_total";

/// Writes metrics with the exemplars of those histograms that have some.
///
/// [The format](https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md)
#[must_use]
pub fn encode(families: &[MetricFamily], exemplars: &[Exemplars]) -> String {
    let mut page = Page::default();
    for family in families {
        let exemplars = exemplars.iter().find(|exemplars| exemplars.name() == family.name());
        page.family(family, &exemplars.map(Exemplars::last).unwrap_or_default());
    }
    page.text.push_str("# EOF\n");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, family: &MetricFamily, exemplars: &[Option<Exemplar>]) {
        let (kind, name) = match family.get_field_type() {
            MetricType::COUNTER => ("counter", family.name().strip_suffix(TOTAL).unwrap_or(family.name())),
            MetricType::GAUGE => ("gauge", family.name()),
            MetricType::HISTOGRAM => ("histogram", family.name()),
            // The library has no such metrics.
            MetricType::SUMMARY | MetricType::UNTYPED => return,
        };
        self.push(&["# HELP ", name, " ", &escape(family.help()), "\n# TYPE ", name, " ", kind, "\n"]);
        for metric in family.get_metric() {
            match family.get_field_type() {
                MetricType::COUNTER => self.sample(&[name, TOTAL], metric, None, metric.get_counter().get_value()),
                MetricType::GAUGE => self.sample(&[name], metric, None, metric.get_gauge().get_value()),
                MetricType::HISTOGRAM => self.histogram(name, metric, metric.get_histogram(), exemplars),
                MetricType::SUMMARY | MetricType::UNTYPED => {}
            }
        }
    }

    fn histogram(&mut self, name: &str, metric: &Metric, histogram: &Histogram, exemplars: &[Option<Exemplar>]) {
        let all = (f64::INFINITY, histogram.get_sample_count());
        let bounded = histogram.get_bucket().iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
        let buckets = bounded.filter(|(bound, _)| bound.is_finite()).chain([all]);
        for (index, (bound, count)) in buckets.enumerate() {
            self.name_and_value(&[name, "_bucket"], metric, Some(("le", &number(bound))), count as f64);
            if let Some(Some(exemplar)) = exemplars.get(index) {
                self.push(&[" # {trace_id=\"", &exemplar.trace_id, "\"} ", &number(exemplar.value)]);
                self.push(&[" ", &number(exemplar.timestamp_ms as f64 / 1000.0)]);
            }
            self.text.push('\n');
        }
        self.sample(&[name, "_sum"], metric, None, histogram.get_sample_sum());
        self.sample(&[name, "_count"], metric, None, histogram.get_sample_count() as f64);
    }

    fn sample(&mut self, name: &[&str], metric: &Metric, label: Option<(&str, &str)>, value: f64) {
        self.name_and_value(name, metric, label, value);
        self.text.push('\n');
    }

    fn name_and_value(&mut self, name: &[&str], metric: &Metric, label: Option<(&str, &str)>, value: f64) {
        self.push(name);
        let own = metric.get_label().iter().map(|pair: &LabelPair| (pair.name(), pair.value()));
        let mut separator = "{";
        for (name, value) in own.chain(label) {
            self.push(&[separator, name, "=\"", &escape(value), "\""]);
            separator = ",";
        }
        if separator == "," {
            self.text.push('}');
        }
        self.push(&[" ", &number(value)]);
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.push_str(part));
    }
}

/// A number as it is written: always with a fraction or an exponent, so that the bounds of buckets have one form.
fn number(value: f64) -> Cow<'static, str> {
    match value {
        // What most series are, for nothing.
        0.0 => Cow::Borrowed("0.0"),
        1.0 => Cow::Borrowed("1.0"),
        f64::INFINITY => Cow::Borrowed("+Inf"),
        f64::NEG_INFINITY => Cow::Borrowed("-Inf"),
        _ => Cow::Owned(format!("{value:?}")),
    }
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n"))
}

#[cfg(test)]
mod tests {
    use prometheus::{Gauge, Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

    use super::*;

    #[test]
    fn a_page_is_what_the_specification_says() {
        let registry = Registry::new();
        let counter =
            IntCounterVec::new(Opts::new("letters_total", "Letters \"put\" aside\nby C:\\post"), &["reason", "kind"])
                .unwrap();
        counter.with_label_values(&["a \"b\"\\\nc", ""]).inc_by(3);
        let empty = Gauge::new("share", "A share").unwrap();
        empty.set(f64::NAN);
        let up = IntGauge::new("up", "Up").unwrap();
        up.set(1);
        let opts = HistogramOpts::new("age_seconds", "Age").buckets(vec![0.005, 1.0, 10.0]);
        let histogram = Histogram::with_opts(opts).unwrap();
        [0.001, 0.5, 1.0, 70.0].into_iter().for_each(|value| histogram.observe(value));
        registry.register(Box::new(counter)).unwrap();
        registry.register(Box::new(empty)).unwrap();
        registry.register(Box::new(up)).unwrap();
        registry.register(Box::new(histogram)).unwrap();
        let exemplars = Exemplars::new("age_seconds", &[0.005, 1.0, 10.0]);
        exemplars.observe(0.5, "0af7651916cd43dd8448eb211c80319c", 1_700_000_000_123);
        exemplars.observe(1.0, "1af7651916cd43dd8448eb211c80319c", 1_700_000_000_500);
        exemplars.observe(70.0, "2af7651916cd43dd8448eb211c80319c", 1_700_000_001_000);
        let expected = r#"# HELP age_seconds Age
# TYPE age_seconds histogram
age_seconds_bucket{le="0.005"} 1.0
age_seconds_bucket{le="1.0"} 3.0 # {trace_id="1af7651916cd43dd8448eb211c80319c"} 1.0 1700000000.5
age_seconds_bucket{le="10.0"} 3.0
age_seconds_bucket{le="+Inf"} 4.0 # {trace_id="2af7651916cd43dd8448eb211c80319c"} 70.0 1700000001.0
age_seconds_sum 71.501
age_seconds_count 4.0
# HELP letters Letters \"put\" aside\nby C:\\post
# TYPE letters counter
letters_total{kind="",reason="a \"b\"\\\nc"} 3.0
# HELP share A share
# TYPE share gauge
share NaN
# HELP up Up
# TYPE up gauge
up 1.0
# EOF
"#;
        assert_eq!(encode(&registry.gather(), &[exemplars]), expected);
    }

    #[test]
    fn no_metrics_are_an_empty_page() {
        assert_eq!(encode(&[], &[]), "# EOF\n");
    }

    #[test]
    fn numbers_have_a_fraction_or_an_exponent() {
        let numbers = [0.0, 12.0, 0.000_001, 1e300, f64::INFINITY, f64::NEG_INFINITY].map(number);
        assert_eq!(numbers, ["0.0", "12.0", "1e-6", "1e300", "+Inf", "-Inf"]);
    }
}
