//! What it was measured on.

use std::time::SystemTime;

/// A machine at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory: String,
    kernel: String,
    date: String,
    /// Processes that wanted a core in the minute before.
    load: String,
}

impl Machine {
    /// This one, now.
    pub(crate) fn look() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, v)| v.trim()));
            value.unwrap_or("unknown").to_owned()
        };
        let (processor, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
        let kib: Option<u64> = field(&memory, "MemTotal").strip_suffix(" kB").and_then(|kib| kib.parse().ok());
        let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Self {
            processor: field(&processor, "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{} GiB", (kib + (1 << 19)) >> 20)),
            kernel: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim()),
            date: date.split('T').next().unwrap_or_default().to_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or("unknown").to_owned(),
        }
    }

    /// Rows of a table of two columns.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Date", self.date.clone()),
            ("Processor", format!("{}, {} cores for the broker and the program together", self.processor, self.cores)),
            ("Load before", format!("{} (mean of the last minute)", self.load)),
            ("Memory", self.memory.clone()),
            ("Kernel", self.kernel.clone()),
        ]
    }
}
