//! What `openapi.json` promises.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(monitor::api::OPENAPI).unwrap());

/// The description of the API, to hold answers against.
pub(crate) struct Contract;

impl Contract {
    /// All of it.
    pub(crate) fn document() -> &'static Value {
        &DOCUMENT
    }

    /// What it says of a path, however its parameters are filled in.
    fn operation(path: &str) -> Option<&'static Value> {
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            template.len() == path.len() && template.iter().zip(path).all(|(t, p)| t.starts_with('{') || *t == p)
        };
        let paths = DOCUMENT["paths"].as_object().unwrap();
        paths.iter().find(|(template, _)| fits(template)).map(|(_, methods)| &methods["get"])
    }

    /// Asserts that an answer is one that is described.
    pub(crate) fn assert_answer(path: &str, status: u16, answer: &Value) {
        let operation = Self::operation(path).unwrap_or_else(|| panic!("{path} is not described"));
        let schema = &operation["responses"][status.to_string()]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}: answer {status} is not described: {answer}");
        Self::assert_fits(schema, answer);
    }

    /// Asserts that the data of an event of a stream is what is described.
    pub(crate) fn assert_event(path: &str, data: &Value) {
        let operation = Self::operation(path).unwrap_or_else(|| panic!("{path} is not described"));
        Self::assert_fits(
            &operation["responses"]["200"]["content"]["text/event-stream"]["schema"]["contentSchema"],
            data,
        );
    }

    fn assert_fits(schema: &Value, value: &Value) {
        let errors: Vec<_> =
            Self::validator(schema).iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\nin {value:#}");
    }

    /// What checks a schema of the document, whose parts it may refer to.
    pub(crate) fn validator(schema: &Value) -> Validator {
        let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        jsonschema::draft202012::new(&whole).unwrap()
    }
}
