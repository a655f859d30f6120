//! What every scene has at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::{Error, expect};
use crate::options::Place;
use crate::patience::{Seen, seconds, until};
use crate::pods::{Identity, TestPod};
use crate::release::Release;
use crate::services::Account;
use crate::stage::{Stage, number};

/// The pod that audits.
pub(crate) const AUDITOR: &str = "audit";

/// The cluster, the release, and what is known so far.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) stage: Stage,
    pub(crate) cluster: Cluster,
    pub(crate) release: Release,
    /// The last account of each auditor.
    accounts: BTreeMap<String, Account>,
}

impl World {
    /// A world in which nothing is installed.
    pub(crate) fn new(place: Place, cluster: Cluster) -> Self {
        let release = Release::new(&place);
        Self { place, stage: Stage::new(), cluster, release, accounts: BTreeMap::new() }
    }

    /// The name of a service's image.
    pub(crate) fn image(&self, service: &str) -> String {
        format!("{}/{service}:{}", self.place.images, self.place.image_tag)
    }

    /// That to which an upgrade goes.
    pub(crate) fn next_image(&self, service: &str) -> String {
        format!("{}/{service}:{}", self.place.images, self.place.next_image_tag)
    }

    /// Makes a pod that audits the topic `source` and those named after it.
    ///
    /// # Errors
    /// Where it does not become ready.
    pub(crate) async fn audit(&self, name: &str, source: &str) -> Result<(), Error> {
        let (output, dead_letters) = (format!("{source}-processed"), format!("{source}-dead-letters"));
        let pod = TestPod {
            name,
            image: &self.image("audit"),
            // The chart's own test may read every topic.
            identity: Identity::User("test"),
            is_let_through: true,
            env: &[
                ("TOPIC", source),
                ("OUTPUT_TOPIC", &output),
                ("DEAD_LETTER_TOPIC", &dead_letters),
                ("HTTP_ADDR", "0.0.0.0:8080"),
                // It is asked again where something is still in work.
                ("PATIENCE", "0s"),
            ],
        };
        self.cluster.apply(&[pod.manifest(&self.cluster.namespace)]).await?;
        self.cluster.pod_ready(name).await
    }

    /// Waits until nothing that was sent is in work any more, and sees to it that all is well with it: nothing lost,
    /// nothing out of order, and no more done twice since the last time than `most_twice`. Returns what came since then.
    ///
    /// # Errors
    /// Where it is not so.
    pub(crate) async fn audited(&mut self, auditor: &str, most_twice: u64) -> Result<Account, Error> {
        let account = until("every update processed", seconds(90), async || {
            let account = self.cluster.account(auditor).await?;
            let last = || format!("{} of {} are not: {:?}", account.lost, account.sent, account.findings);
            Ok(if account.lost == 0 { Seen::Yes(account) } else { Seen::NotYet(last()) })
        })
        .await?;
        let before = self.accounts.insert(auditor.to_owned(), account.clone()).unwrap_or_default();
        let since = Account {
            sent: account.sent - before.sent,
            processed: account.processed - before.processed,
            twice: account.twice - before.twice,
            ..account.clone()
        };
        self.stage.step(format!(
            "audit: {} more sent, {} processed, {} lost, {} twice, {} out of order, {} in a wrong partition",
            number(since.sent),
            number(since.processed),
            account.lost,
            since.twice,
            account.order_violations,
            account.misrouted
        ));
        let wrong = [account.order_violations, account.strangers, account.misrouted, account.dead_letters];
        let holds = wrong == [0; 4] && account.processed == account.sent && since.twice <= most_twice;
        let expected = format!("nothing lost, misplaced or out of order, and at most {most_twice} done twice");
        expect(holds, &expected, format!("{account:?}"))?;
        Ok(since)
    }

    /// Waits until each of `partitions` has exactly one owner, there are `consumers` of them, and they share evenly.
    ///
    /// # Errors
    /// Where that is not so within `patience`.
    pub(crate) async fn shared(
        &self,
        consumers: usize,
        partitions: usize,
        patience: Duration,
    ) -> Result<BTreeMap<String, BTreeSet<i32>>, Error> {
        let awaited = format!("{partitions} partitions shared evenly by {consumers} consumers");
        until(&awaited, patience, async || {
            let owned = self.cluster.owned().await?;
            let shares: Vec<_> = owned.values().map(BTreeSet::len).collect();
            let all: BTreeSet<_> = owned.values().flatten().collect();
            let spread = shares.iter().max().unwrap_or(&0) - shares.iter().min().unwrap_or(&0);
            let each_once = shares.iter().sum::<usize>() == partitions && all.len() == partitions;
            let is_shared = owned.len() == consumers && each_once && spread <= 1;
            Ok(if is_shared { Seen::Yes(owned) } else { Seen::NotYet(shares_told(&owned)) })
        })
        .await
    }

    /// Waits until the monitor sees no lag.
    ///
    /// # Errors
    /// Where it sees some for longer than `patience`.
    pub(crate) async fn drained(&self, patience: Duration) -> Result<(), Error> {
        until("no lag", patience, async || {
            let group = self.cluster.group().await?;
            let lag = group.lag.map_or("unknown".to_owned(), |lag| lag.to_string());
            Ok(if group.lag == Some(0) { Seen::Yes(()) } else { Seen::NotYet(format!("a lag of {lag}")) })
        })
        .await
    }

    /// Ends the load and waits until the producer has every acknowledgement; none may be missing.
    ///
    /// # Errors
    /// Where it does not come to that.
    pub(crate) async fn quiet(&self) -> Result<(), Error> {
        self.cluster.send_no_more().await?;
        let load = until("every update acknowledged", seconds(60), async || {
            let load = self.cluster.load().await?;
            Ok(if load.running { Seen::NotYet(format!("{load:?}")) } else { Seen::Yes(load) })
        })
        .await?;
        expect(load.failed == 0, "no update that Kafka refused", format!("{load:?}"))
    }
}

/// Who has what, in few words.
pub(crate) fn shares_told(owned: &BTreeMap<String, BTreeSet<i32>>) -> String {
    let one = |(name, partitions): (&String, &BTreeSet<i32>)| {
        let partitions: Vec<_> = partitions.iter().map(ToString::to_string).collect();
        format!("{name} has {}", if partitions.is_empty() { "none".to_owned() } else { partitions.join(", ") })
    };
    owned.iter().map(one).collect::<Vec<_>>().join("; ")
}
