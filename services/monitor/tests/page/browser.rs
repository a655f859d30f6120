//! A real browser, driven by `browser/drive.mjs`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testing::not_run;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Longer than the page is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// A headless Chromium with one page.
pub(crate) struct Browser {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    pictures: Option<PathBuf>,
}

impl Browser {
    /// Starts one; `None` where `BROWSER_TOOLS` names no directory that has what drives it.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let Some(tools) = std::env::var_os("BROWSER_TOOLS").filter(|tools| !tools.is_empty()) else {
            not_run(test, "a browser: `make page-test` installs one");
            return None;
        };
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page/browser/drive.mjs"))
            .env("BROWSER_TOOLS", tools)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let pictures = std::env::var_os("PAGE_PICTURES").filter(|name| !name.is_empty()).map(PathBuf::from);
        Some(Self { _child: child, orders, answers, pictures })
    }

    async fn order(&mut self, order: Value) -> Value {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to {order}")).unwrap().expect("the browser has ended");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        if let Some(error) = answer["error"].as_str() {
            panic!("{order}: {error}");
        }
        answer["value"].clone()
    }

    pub(crate) async fn open(&mut self, url: &str) {
        self.order(json!({ "order": "open", "url": url })).await;
    }

    /// Looks at it so wide, in `dark` or `light`.
    pub(crate) async fn look(&mut self, width: u32, scheme: &str) {
        let motion = "no-preference";
        self.order(json!({ "order": "look", "width": width, "height": 900, "scheme": scheme, "motion": motion })).await;
    }

    /// As somebody who has asked for less motion.
    pub(crate) async fn look_calmly(&mut self) {
        let (scheme, motion) = ("dark", "reduce");
        self.order(json!({ "order": "look", "width": 1280, "height": 900, "scheme": scheme, "motion": motion })).await;
    }

    /// What an expression is on the page.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> Value {
        self.order(json!({ "order": "evaluate", "expression": expression })).await
    }

    /// Waits until an expression is true on the page.
    pub(crate) async fn until(&mut self, expression: &str) {
        self.order(json!({ "order": "until", "expression": expression })).await;
    }

    pub(crate) async fn press(&mut self, key: &str) {
        self.order(json!({ "order": "press", "key": key })).await;
    }

    /// A picture of the whole page for people to look at, where `PAGE_PICTURES` names a directory for them.
    pub(crate) async fn shoot(&mut self, name: &str) {
        if let Some(directory) = self.pictures.clone() {
            self.order(json!({ "order": "shoot", "path": directory.join(format!("{name}.png")) })).await;
        }
    }

    /// Asserts that axe finds nothing that keeps somebody out.
    pub(crate) async fn assert_accessible(&mut self, how: &str) {
        let violations = self.order(json!({ "order": "axe" })).await;
        assert_eq!(violations, json!([]), "{how}");
    }

    /// What the browser complained of since it was last asked.
    pub(crate) async fn complaints(&mut self) -> Vec<String> {
        serde_json::from_value(self.order(json!({ "order": "complaints" })).await).unwrap()
    }
}
