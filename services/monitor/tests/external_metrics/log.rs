//! What is logged during a test, on its own thread.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One subscriber for all threads: with one for each, whether a line is wanted would be remembered from another's.
static SUBSCRIBER: Once = Once::new();

struct Writer;

/// Every test has a thread of its own, and everything it starts runs there.
pub(crate) struct Log;

impl Log {
    pub(crate) fn start() -> Self {
        SUBSCRIBER.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Writer).init());
        LOGGED.take();
        Self
    }

    /// The lines that contain `text`.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        let all = LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap());
        all.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
