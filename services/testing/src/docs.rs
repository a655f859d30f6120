//! Documents that shall not rot.

use std::collections::BTreeSet;

/// Asserts that a page names every metric that `/metrics` shows, and no other, of those whose names begin with
/// `prefix`. `sometimes` are those that only something rare brings about.
///
/// # Panics
/// Where they differ.
pub fn assert_metrics_are_documented(shown: &str, page: &str, prefix: &str, sometimes: &[&str]) {
    let shown = shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let shown: BTreeSet<&str> =
        shown.filter(|name| name.starts_with(prefix)).chain(sometimes.iter().copied()).collect();
    let named = page.split('`').filter(|word| word.starts_with(prefix));
    let named: BTreeSet<&str> = named.map(|word| word.split('{').next().unwrap_or_default()).collect();
    assert_eq!(shown, named, "left: what is shown, right: what docs/metrics.md names");
}
