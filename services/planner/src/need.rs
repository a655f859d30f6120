//! The count that is enough, by the load alone.

use crate::counts::Counts;
use crate::load::Load;
use crate::{Settings, Snapshot};

/// The smallest count that is enough, by capacity or else by a plain lag threshold. It may be more than is allowed.
pub(crate) fn needed(snapshot: &Snapshot, load: Option<&Load>, settings: &Settings) -> u32 {
    let unlimited = Settings { max_consumers: None, ..settings.clone() };
    let Some(counts) = Counts::new(snapshot.partition_count(), &unlimited) else { return settings.min_consumers };
    match load {
        Some(load) => load.needs(&counts, load.capacity * settings.utilisation, settings.target_delay),
        None => {
            let consumers = backlog(snapshot).div_ceil(settings.lag_per_consumer.max(1));
            counts.at_least(u32::try_from(consumers).unwrap_or(u32::MAX))
        }
    }
}

/// All records not committed yet.
pub(crate) fn backlog(snapshot: &Snapshot) -> u64 {
    snapshot.partitions.iter().filter_map(|partition| partition.backlog).fold(0, u64::saturating_add)
}
