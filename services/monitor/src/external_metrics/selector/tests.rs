use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn selects(selector: &str, pairs: &[(&str, &str)]) -> bool {
    Selector::parse(selector).unwrap().matches(&labels(pairs))
}

#[test]
fn each_form_selects_what_it_says() {
    let series = &[("group", "readers"), ("topic", "stocks")];
    for selector in [
        "",
        "  ",
        "group",
        "group=readers",
        "group==readers",
        " group = readers , topic = stocks ",
        "group!=writers",
        "stage!=test",
        "group in (writers, readers)",
        "group in (readers),topic notin (orders,)",
        "stage notin (test)",
        "group notin ()",
        "!stage",
        "! stage",
    ] {
        assert!(selects(selector, series), "{selector}");
    }
    for selector in [
        "stage",
        "group=writers",
        "group=",
        "group=readers,topic=orders",
        "group!=readers",
        "group in (writers)",
        "stage in (test,)",
        "group notin (writers,readers)",
        "group in ()",
        "!group",
    ] {
        assert!(!selects(selector, series), "{selector}");
    }
}

#[test]
fn words_that_are_operators_elsewhere_are_values_too() {
    assert!(selects("group in (in, notin)", &[("group", "notin")]));
    assert!(selects("group=in", &[("group", "in")]));
}

#[test]
fn names_that_are_no_kubernetes_labels_can_be_asked_for() {
    assert!(selects("group=_readers/über:1", &[("group", "_readers/über:1")]));
}

#[test]
fn bad_syntax_is_told_with_its_place() {
    for (selector, error) in [
        ("group=a b", "at character 9: found 'b', expected ',' or the end"),
        ("group=a,", "at character 9: found the end, expected a label or '!'"),
        (",group", "at character 1: found ',', expected a label or '!'"),
        ("group in a", "at character 10: found 'a', expected '('"),
        ("group in (a", "at character 12: found the end, expected ',' or ')'"),
        ("group > 1", "at character 7: found '>', expected '=', '==', '!=', 'in', 'notin', ',' or the end"),
        ("groüp like a", "at character 7: found 'like', expected '=', '==', '!=', 'in', 'notin', ',' or the end"),
        ("!", "at character 2: found the end, expected a label"),
        ("!group=a", "at character 7: found '=', expected ',' or the end"),
        ("group===a", "at character 8: found '=', expected ',' or the end"),
    ] {
        assert_eq!(Selector::parse(selector).unwrap_err().to_string(), error, "{selector}");
    }
}

/// A requirement as text, and as the plainest code for it.
#[derive(Debug, Clone)]
struct Asked {
    label: &'static str,
    form: &'static str,
    values: Vec<&'static str>,
}

impl Asked {
    fn text(&self) -> String {
        let Self { label, form, values } = self;
        match *form {
            "exists" => (*label).to_owned(),
            "!" => format!("!{label}"),
            "in" | "notin" => format!("{label} {form} ({})", values.join(", ")),
            _ => format!("{label}{form}{}", values[0]),
        }
    }

    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(self.label).map(String::as_str);
        match self.form {
            "exists" => value.is_some(),
            "!" => value.is_none(),
            "=" | "==" => value == Some(self.values[0]),
            "!=" => value != Some(self.values[0]),
            "in" => value.is_some_and(|value| self.values.contains(&value)),
            _ => !value.is_some_and(|value| self.values.contains(&value)),
        }
    }
}

const LABELS: [&str; 3] = ["group", "topic", "app.example/stage"];
const VALUES: [&str; 4] = ["a", "b-1", "in", "x_y.z"];
const FORMS: [&str; 7] = ["exists", "!", "=", "==", "!=", "in", "notin"];

fn asked() -> impl Strategy<Value = Asked> {
    (select(&LABELS[..]), select(&FORMS[..]), prop::collection::vec(select(&VALUES[..]), 1..4))
        .prop_map(|(label, form, values)| Asked { label, form, values })
}

fn series() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(
        select(&LABELS[..]).prop_map(String::from),
        select(&VALUES[..]).prop_map(String::from),
        0..4,
    )
}

proptest! {
    #[test]
    fn a_selector_selects_what_each_of_its_requirements_does(asked in prop::collection::vec(asked(), 0..4), series in series()) {
        let text = asked.iter().map(Asked::text).collect::<Vec<_>>().join(",");
        let expected = asked.iter().all(|asked| asked.holds(&series));
        prop_assert_eq!(Selector::parse(&text).unwrap().matches(&series), expected, "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_place_within_it(text in "[a-c!=,()<> ü]{0,12}|.{0,12}") {
        if let Err(error) = Selector::parse(&text) {
            prop_assert!(error.position >= 1 && error.position <= text.chars().count() + 1);
        }
    }
}
