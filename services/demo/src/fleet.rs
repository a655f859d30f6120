//! The processes that take part: one producer, the consumers, and the monitor where they are to scale.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use crate::Error;
use crate::binaries::Binaries;
use crate::burst::Burst;
use crate::event::What;
use crate::front_door::{Assignment, Decision, Desired, FrontDoor, Load, Plans, Route, Routing, Standing};
use crate::options::Options;
use crate::process::Process;
use crate::stage::Stage;
use crate::venue::Venue;

/// How long a service may take to end in good order.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(12);

/// How long services may take to end when the story was cut short.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// The monitor's settings: times as short as the act. What a consumer can do it finds out by itself.
const MONITOR: [(&str, &str); 5] = [
    ("INTERVAL", "500ms"),
    ("TARGET_DELAY", "5s"),
    ("START_TIME", "2s"),
    ("REBALANCE_PAUSE", "500ms"),
    ("SHRINK_AFTER", "3s"),
];

/// A process with its address.
#[derive(Debug)]
pub(crate) struct Player {
    /// Its name.
    pub(crate) name: String,
    process: Process,
    address: SocketAddr,
}

/// All processes.
#[derive(Debug)]
pub(crate) struct Fleet {
    binaries: Binaries,
    stage: Stage,
    door: FrontDoor,
    logs: Option<PathBuf>,
    producer: Option<Player>,
    monitor: Option<Player>,
    /// Those that live, the longest there first.
    consumers: Vec<Player>,
    ever_joined: usize,
}

impl Fleet {
    /// Nobody yet.
    ///
    /// # Errors
    /// Where a program is missing.
    pub(crate) fn new(stage: Stage, logs: Option<PathBuf>) -> Result<Self, Error> {
        let (binaries, door) = (Binaries::beside_this_program()?, FrontDoor::new()?);
        Ok(Self { binaries, stage, door, logs, producer: None, monitor: None, consumers: Vec::new(), ever_joined: 0 })
    }

    /// Whether no consumer lives.
    #[must_use]
    pub(crate) fn is_deserted(&self) -> bool {
        self.consumers.is_empty()
    }

    /// How many consumers live.
    #[must_use]
    pub(crate) fn consumers(&self) -> u32 {
        u32::try_from(self.consumers.len()).unwrap_or(u32::MAX)
    }

    /// Starts the monitor, which may ask for as many consumers as the burst is for. Its page shows where symbols go if
    /// the producer is there to tell.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) async fn watch(&mut self, venue: &Venue, burst: &Burst) -> Result<(), Error> {
        let mut variables = vec![
            ("GROUPS", format!("{}:{}", venue.group, venue.source)),
            ("MAX_CONSUMERS", burst.consumers.to_string()),
            // Until it has seen a consumer that is busy for long enough: a second's work each.
            ("LAG_PER_CONSUMER", burst.capacity.to_string()),
        ];
        variables.extend(self.producer.iter().map(|producer| ("PRODUCER_URL", format!("http://{}", producer.address))));
        variables.extend(MONITOR.map(|(name, value)| (name, value.to_owned())));
        let monitor = self.start(self.binaries.monitor.clone(), "monitor".to_owned(), venue, variables).await?;
        self.stage.tell(What::Watching { page: format!("http://{}", monitor.address), pid: monitor.process.pid() });
        self.monitor = Some(monitor);
        Ok(())
    }

    /// Starts the producer.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) async fn produce(&mut self, venue: &Venue, options: &Options) -> Result<(), Error> {
        let mut variables = vec![
            ("UPDATES", options.updates.to_string()),
            ("RATE", options.rate.to_string()),
            ("SEED", options.seed.to_string()),
            // It stays after its run, to tell where each symbol went.
            ("STAY", "true".to_owned()),
        ];
        variables.extend(options.symbols.clone().map(|symbols| ("SYMBOLS", symbols)));
        let program = self.binaries.producer.clone();
        let producer = self.start(program, "producer".to_owned(), venue, variables).await?;
        let (updates, rate, pid) = (options.updates, options.rate, producer.process.pid());
        self.stage.tell(What::Sending { updates, rate, pid });
        self.producer = Some(producer);
        Ok(())
    }

    /// Starts one more consumer.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) async fn join(&mut self, venue: &Venue, options: &Options) -> Result<(), Error> {
        self.ever_joined += 1;
        let name = format!("consumer-{}", self.ever_joined);
        let variables = vec![
            ("GROUP", venue.group.clone()),
            ("WORK", humantime::format_duration(options.work).to_string()),
            // One update at a time: a limit that more consumers scale beyond.
            ("WORKERS", "1".to_owned()),
            ("OUTPUT_TOPIC", venue.output.clone()),
            ("DEAD_LETTER_TOPIC", venue.dead_letters.clone()),
        ];
        let program = self.binaries.consumer.clone();
        let consumer = self.start(program, name, venue, variables).await?;
        self.consumers.push(consumer);
        Ok(())
    }

    async fn start(
        &self,
        program: PathBuf,
        name: String,
        venue: &Venue,
        variables: Vec<(&str, String)>,
    ) -> Result<Player, Error> {
        let mut command = Command::new(&program);
        // Nothing but this: what else is set where the demo runs is not part of the story.
        command.env_clear().envs(variables).envs([
            ("KAFKA_BOOTSTRAP_SERVERS", venue.kafka().bootstrap_servers()),
            ("TOPIC", &venue.source),
            ("CLIENT_ID", &name),
            ("HTTP_ADDR", "127.0.0.1:0"),
        ]);
        let (stage, who) = (self.stage.clone(), name.clone());
        let hear = move |line| stage.hear(&who, line);
        let mut process = Process::spawn(command, &name, self.logs.as_deref(), hear)?;
        if program == self.binaries.consumer {
            self.stage.tell(What::Joins { member: name.clone(), pid: process.pid() });
        }
        let address = process.address().await?;
        Ok(Player { name, process, address })
    }

    /// Fails if a process has ended that should live.
    ///
    /// # Errors
    /// Which one, and how.
    pub(crate) async fn check(&mut self) -> Result<(), Error> {
        for player in self.consumers.iter_mut().chain(&mut self.producer).chain(&mut self.monitor) {
            player.process.check().await?;
        }
        Ok(())
    }

    /// What each living consumer has, by its name.
    ///
    /// # Errors
    /// Where one does not answer.
    pub(crate) async fn assignments(&self) -> Result<BTreeMap<String, Assignment>, Error> {
        let mut assignments = BTreeMap::new();
        for Player { name, address, .. } in &self.consumers {
            assignments.insert(name.clone(), self.door.get(name, *address, "/assignment").await?);
        }
        Ok(assignments)
    }

    /// How far the producer is; `None` before it began.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn load(&self) -> Result<Option<Load>, Error> {
        match &self.producer {
            Some(producer) => self.door.get(&producer.name, producer.address, "/load").await.map(Some),
            None => Ok(None),
        }
    }

    /// Has the producer send so many more updates.
    ///
    /// # Errors
    /// Where it does not take that.
    pub(crate) async fn send(&self, burst: &Burst) -> Result<(), Error> {
        #[derive(serde::Serialize)]
        struct Change {
            rate: u32,
            updates: u64,
        }
        if let Some(Player { name, address, .. }) = &self.producer {
            let change = Change { rate: burst.rate, updates: burst.updates };
            self.door.put::<Load>(name, *address, "/load", &change).await?;
        }
        Ok(())
    }

    /// How many consumers the monitor asks for, how the group stands, and the decisions so far, the newest first.
    ///
    /// # Errors
    /// Where the monitor does not answer, or does not know.
    pub(crate) async fn asked(&self, group: &str) -> Result<(u32, Standing, Vec<Decision>), Error> {
        let Some(Player { name, address, .. }) = &self.monitor else {
            return Err(Error::Mute { process: "monitor".to_owned(), reason: "it is not there".to_owned() });
        };
        let path = format!("/api/v1/groups/{group}");
        // This one reads anew, and the others then show the same.
        let Desired { desired } = self.door.get(name, *address, &format!("{path}/desired")).await?;
        let standing = self.door.get(name, *address, &path).await?;
        let Plans { plans } = self.door.get(name, *address, &format!("{path}/plans")).await?;
        Ok((desired, standing, plans))
    }

    /// Where each symbol's updates went so far.
    ///
    /// # Errors
    /// Where the producer does not answer.
    pub(crate) async fn routing(&self) -> Result<Vec<Route>, Error> {
        match &self.producer {
            Some(Player { name, address, .. }) => {
                self.door.get::<Routing>(name, *address, "/routing").await.map(|routing| routing.routes)
            }
            None => Ok(Vec::new()),
        }
    }

    /// Kills a consumer with SIGKILL; tells its process's number. It is no longer one of those that live.
    ///
    /// # Errors
    /// Where it does not die.
    pub(crate) async fn kill(&mut self, name: &str) -> Result<u32, Error> {
        let Some(at) = self.consumers.iter().position(|consumer| consumer.name == name) else {
            return Err(Error::Mute { process: name.to_owned(), reason: "it is not there".to_owned() });
        };
        let mut victim = self.consumers.remove(at);
        victim.process.kill().await?;
        Ok(victim.process.pid())
    }

    /// Has the consumer that has been there longest leave in good order.
    ///
    /// # Errors
    /// Where it does not, within its time and with exit code 0.
    pub(crate) async fn leave(&mut self) -> Result<(), Error> {
        if self.consumers.is_empty() {
            return Ok(());
        }
        let oldest = self.consumers.remove(0);
        self.farewell(oldest).await
    }

    /// Has the consumer that came last leave in good order.
    ///
    /// # Errors
    /// Where it does not, within its time and with exit code 0.
    pub(crate) async fn leave_youngest(&mut self) -> Result<(), Error> {
        match self.consumers.pop() {
            Some(youngest) => self.farewell(youngest).await,
            None => Ok(()),
        }
    }

    async fn farewell(&self, mut leaver: Player) -> Result<(), Error> {
        let since_ms = self.stage.elapsed_ms();
        self.stage.tell(What::Leaves { member: leaver.name.clone(), pid: leaver.process.pid() });
        leaver.process.terminate();
        leaver.process.finished(LEAVE_TIMEOUT).await?;
        let took_ms = self.stage.elapsed_ms().saturating_sub(since_ms);
        self.stage.tell(What::Left { member: leaver.name, took_ms });
        Ok(())
    }

    /// Has the rest leave, all at once, and the others end.
    ///
    /// # Errors
    /// Where one does not, within its time and with exit code 0.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        for player in self.everybody() {
            player.process.terminate();
        }
        for mut player in self.dismissed() {
            player.process.finished(LEAVE_TIMEOUT).await?;
        }
        Ok(())
    }

    /// Leaves no process behind, whatever state the story is in.
    pub(crate) async fn stop(&mut self) {
        for player in self.everybody() {
            player.process.terminate();
        }
        let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
        for mut player in self.dismissed() {
            let patience = deadline.saturating_duration_since(tokio::time::Instant::now());
            if player.process.finished(patience).await.is_err() {
                // If even that fails, dropping it tries once more.
                let _ = player.process.kill().await;
            }
        }
    }

    fn everybody(&self) -> impl Iterator<Item = &Player> {
        self.consumers.iter().chain(&self.producer).chain(&self.monitor)
    }

    fn dismissed(&mut self) -> Vec<Player> {
        self.consumers.drain(..).chain(self.producer.take()).chain(self.monitor.take()).collect()
    }
}
