//! The consumers of the group: they come, work, commit and die, and partitions move between them.

use crate::delays::Delays;
use crate::partition::Partition;
use crate::trace::{CAPACITY, PARTITIONS};

/// Seconds of one step of the simulation.
pub(crate) const STEP: f64 = 0.2;
/// From a pod's creation to its consumer's joining.
const POD_START: f64 = 6.0;
/// Until the group notices a death: `session.timeout.ms` as the chart sets it.
const SESSION_TIMEOUT: f64 = 6.0;
/// Until a dead container runs again: the kubelet's first back-off.
const RESTART: f64 = 10.0;
const COMMIT_INTERVAL: f64 = 1.0;
/// A consumer's speed differs by so much from second to second.
const NOISE: f64 = 0.1;

pub(crate) struct Group {
    pub(crate) partitions: Vec<Partition>,
    pods: Vec<Pod>,
    next_pod: u32,
    pub(crate) pause: f64,
    rng: fastrand::Rng,
    /// Times the members changed.
    pub(crate) rebalances: u32,
    pub(crate) delays: Delays,
}

struct Pod {
    number: u32,
    /// Those it owns.
    partitions: Vec<usize>,
    life: Life,
    speed: f64,
    next_noise: f64,
    next_commit: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Life {
    Starting {
        until: f64,
    },
    Member,
    /// Dead, and still a member for the group.
    Lost {
        until: f64,
        restart: f64,
    },
}

impl Group {
    pub(crate) fn new(pause: f64, seed: u64) -> Self {
        let partitions = (0..PARTITIONS).map(|_| Partition::default()).collect();
        let rng = fastrand::Rng::with_seed(seed);
        let delays = Delays::default();
        Self { partitions, pods: Vec::new(), next_pod: 0, pause, rng, rebalances: 0, delays }
    }

    /// Starts or ends pods until there are `replicas`. Those that came last go first, and leave in order.
    pub(crate) fn scale(&mut self, now: f64, replicas: u32) {
        while self.pods.len() < replicas as usize {
            self.start_pod(now + POD_START, now);
        }
        if self.pods.len() > replicas as usize {
            self.pods.truncate(replicas as usize);
            self.rebalance(now);
        }
    }

    /// The oldest member dies without a word.
    pub(crate) fn kill_one(&mut self, now: f64) {
        if let Some(pod) = self.pods.iter_mut().find(|pod| pod.life == Life::Member) {
            pod.life = Life::Lost { until: now + SESSION_TIMEOUT, restart: now + RESTART };
        }
    }

    /// One step of time, in which `arrivals` come to each partition.
    pub(crate) fn step(&mut self, now: f64, arrivals: &[f64]) {
        for (partition, records) in self.partitions.iter_mut().zip(arrivals) {
            partition.arrive(now, *records);
        }
        self.change_members(now);
        for index in 0..self.pods.len() {
            if self.pods[index].life == Life::Member {
                self.work(index, now);
            }
        }
    }

    /// Members that own partitions.
    pub(crate) fn members(&self) -> u32 {
        self.pods.iter().filter(|pod| pod.life == Life::Member).count() as u32
    }

    fn start_pod(&mut self, until: f64, now: f64) {
        let next_commit = now + self.rng.f64() * COMMIT_INTERVAL;
        let (life, number) = (Life::Starting { until }, self.next_pod);
        self.pods.push(Pod { number, partitions: Vec::new(), life, speed: CAPACITY, next_noise: now, next_commit });
        self.next_pod += 1;
    }

    fn change_members(&mut self, now: f64) {
        let mut changed = false;
        let mut restarts = Vec::new();
        for pod in &mut self.pods {
            match pod.life {
                Life::Starting { until } if until <= now => {
                    pod.life = Life::Member;
                    changed = true;
                }
                Life::Lost { until, restart } if until <= now => restarts.push((pod.number, restart)),
                Life::Starting { .. } | Life::Member | Life::Lost { .. } => {}
            }
        }
        for (number, restart) in restarts {
            self.pods.retain(|pod| pod.number != number);
            self.start_pod(restart, now);
            changed = true;
        }
        if changed {
            self.rebalance(now);
        }
    }

    /// Spreads the partitions evenly by count, moving no more than that takes.
    fn rebalance(&mut self, now: f64) {
        self.rebalances += 1;
        let keeps = |pod: &&Pod| !matches!(pod.life, Life::Starting { .. });
        let members: Vec<u32> = self.pods.iter().filter(keeps).map(|pod| pod.number).collect();
        if members.is_empty() {
            self.partitions.iter_mut().for_each(|partition| partition.owner = None);
            return;
        }
        let (least, larger) = (PARTITIONS / members.len(), PARTITIONS % members.len());
        let mut room: Vec<(u32, usize)> = Vec::new();
        let mut kept_larger = 0;
        for member in &members {
            let has = self.partitions.iter().filter(|partition| partition.owner == Some(*member)).count();
            let share = if has > least && kept_larger < larger { least + 1 } else { least };
            kept_larger += usize::from(share > least);
            room.push((*member, share));
        }
        for (_, share) in room.iter_mut().rev() {
            let more = *share == least && kept_larger < larger;
            kept_larger += usize::from(more);
            *share += usize::from(more);
        }
        let mut moving = Vec::new();
        for (index, partition) in self.partitions.iter().enumerate() {
            match room.iter_mut().find(|(member, share)| partition.owner == Some(*member) && *share > 0) {
                Some((_, share)) => *share -= 1,
                None => moving.push(index),
            }
        }
        let mut places = room.iter().flat_map(|(member, share)| std::iter::repeat_n(*member, *share));
        for index in moving {
            let partition = &mut self.partitions[index];
            partition.owner = places.next();
            partition.paused_until = now + self.pause;
            partition.commit(now);
        }
        for pod in &mut self.pods {
            let owned = (0..PARTITIONS).filter(|index| self.partitions[*index].owner == Some(pod.number));
            pod.partitions = owned.collect();
        }
    }

    /// One member works for one step: each partition gets its fair part of what the member can do.
    fn work(&mut self, index: usize, now: f64) {
        let pod = &mut self.pods[index];
        if pod.next_noise <= now {
            pod.speed = CAPACITY * (1.0 + NOISE * (2.0 * self.rng.f64() - 1.0));
            pod.next_noise += 1.0;
        }
        let commits = pod.next_commit <= now;
        if commits {
            pod.next_commit += COMMIT_INTERVAL;
        }
        let mut left = pod.speed * STEP;
        let (mut busy, mut count, mut waiting) = ([0; PARTITIONS], 0, 0.0);
        for index in &pod.partitions {
            let partition = &mut self.partitions[*index];
            if commits {
                partition.commit(now);
            }
            if partition.paused_until <= now && partition.waiting > 0.0 {
                busy[count] = *index;
                count += 1;
                waiting += partition.waiting;
            }
        }
        let busy = &mut busy[..count];
        let enough = waiting <= left;
        if !enough {
            busy.sort_unstable_by(|a, b| self.partitions[*a].waiting.total_cmp(&self.partitions[*b].waiting));
        }
        for (position, index) in busy.iter().enumerate() {
            let partition = &mut self.partitions[*index];
            let fair = left / (count - position) as f64;
            let records = if enough { partition.waiting } else { partition.waiting.min(fair) };
            partition.work(now, records, &mut self.delays);
            left -= records;
        }
    }
}
