//! What of a process is in memory.

use crate::Error;
use crate::broker::PARTITIONS;
use crate::record::Format;
use crate::tools::settings::{PARTITION_FETCH_BYTES, QUEUED_RECORDS};

/// One MiB, in bytes.
pub(crate) const MIB: u64 = 1024 * 1024;

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resident {
    /// At the moment: `VmRSS`.
    pub(crate) now: u64,
    /// The most it ever was: `VmHWM`.
    pub(crate) peak: u64,
}

impl Resident {
    /// Of a living process.
    ///
    /// # Errors
    /// Where it is gone, or the system has no `/proc`.
    pub(crate) fn of(pid: u32) -> Result<Self, Error> {
        let path = format!("/proc/{pid}/status");
        let status = std::fs::read_to_string(&path).map_err(Error::io(format!("reading {path}")))?;
        let missing = || Error::Missing { what: format!("VmRSS in {path}"), remedy: "memory is measured on Linux" };
        Self::parse(&status).ok_or_else(missing)
    }

    fn parse(status: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(kib * 1024)
        };
        Some(Self { now: field("VmRSS")?, peak: field("VmHWM")? })
    }
}

/// What the producer may hold at full speed, in bytes: the process itself, the keys and values that may wait (its
/// client's `queue.buffering.max.kbytes`), and a KiB of bookkeeping and headers for each of the 10,000 updates that may.
pub(crate) fn producer_bound(_format: Format) -> u64 {
    48 * MIB + 32 * MIB + 10_000 * 1024
}

/// What the consumer may hold at full speed, in bytes: the process itself with its lanes full, and the fetched records
/// that wait, each with librdkafka's bookkeeping. What waits may exceed its limit by one fetch.
pub(crate) fn consumer_bound(format: Format) -> u64 {
    let fetch = u64::from(PARTITIONS.unsigned_abs()) * PARTITION_FETCH_BYTES / format.compressed_bytes();
    96 * MIB + (QUEUED_RECORDS + fetch) * (WAITING_RECORD + format.bytes())
}

/// What librdkafka keeps for a fetched record besides its bytes (its `rd_kafka_op_t`), in bytes.
const WAITING_RECORD: u64 = 340;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_figures_are_read() {
        let status = "Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(Resident::parse(status), Some(Resident { now: MIB, peak: 2 * MIB }));
        assert_eq!(Resident::parse("Name:\tx\n"), None);
    }

    #[test]
    fn what_the_consumer_may_hold_depends_on_the_size_of_records() {
        assert!(consumer_bound(Format::Quote) > 96 * MIB + QUEUED_RECORDS * WAITING_RECORD);
        assert_ne!(consumer_bound(Format::Quote), consumer_bound(Format::Hundred));
    }

    #[test]
    fn this_process_has_a_peak_not_below_the_moment() {
        let resident = Resident::of(std::process::id()).unwrap();
        assert!(resident.now > 0 && resident.now <= resident.peak);
    }
}
