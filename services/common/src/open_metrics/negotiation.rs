//! Which of two formats a request asks for.

/// Whether an `Accept` header asks for OpenMetrics 1.0 rather than Prometheus' text format.
#[must_use]
pub fn is_wanted(accept: &str) -> bool {
    let (mut open_metrics, mut text) = (0.0_f64, 0.0_f64);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let value = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim().trim_matches('"'))
        };
        let quality: f64 = value("q").map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
        match (&*media, value("version")) {
            ("application/openmetrics-text", None | Some("1.0.0")) => open_metrics = quality.max(open_metrics),
            ("text/plain", _) => text = quality.max(text),
            _ => {}
        }
    }
    open_metrics > 0.0 && open_metrics >= text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_gets_what_it_likes_best() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert!(is_wanted(prometheus));
        assert!(is_wanted("application/openmetrics-text; version=\"1.0.0\"; charset=utf-8"));
        assert!(is_wanted("text/plain;q=0.5, Application/OpenMetrics-Text"));
        for accept in [
            "",
            "*/*",
            "text/plain",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=0",
            "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1",
        ] {
            assert!(!is_wanted(accept), "{accept}");
        }
    }
}
