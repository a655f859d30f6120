//! From the curtain's rise to its fall: Kafka, the processes, the story, the audit, and nothing left behind.

use std::io::IsTerminal as _;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::burst::Burst;
use crate::event::What;
use crate::fleet::Fleet;
use crate::interrupt;
use crate::options::Options;
use crate::report::{Paint, Report};
use crate::screen::{Screen, print};
use crate::script::Script;
use crate::stage::Stage;
use crate::story::Story;
use crate::venue::Venue;
use crate::watcher::{View, Watcher};
use audit::{Audit, Extent, Kill, Topics, audit};

/// Plays the story and prints its report; tells whether nothing was lost or out of order. No process outlives it.
///
/// # Errors
/// Where the story could not be played, or `shutdown` or a signal cut it short.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<bool, Error> {
    let script = options.script().map_err(Error::Options)?;
    let burst = options.burst().map_err(Error::Options)?;
    let screen = Screen::open(&options, shutdown.clone())?;
    interrupt::on_signal(shutdown.clone(), screen.is_live()).map_err(|error| Error::io("watching signals", error))?;
    let stage = Stage::new(screen);
    let performed = perform(&options, (&script, burst), &stage, &shutdown).await;
    stage.screen().close();
    let report = performed?;
    if options.json {
        print(&serde_json::to_string(&report).unwrap_or_default());
    } else {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        print(&report.text(if colours { Paint::Colours } else { Paint::Plain }));
    }
    Ok(report.passed)
}

async fn perform(
    options: &Options,
    (script, burst): (&Script, Option<Burst>),
    stage: &Stage,
    shutdown: &CancellationToken,
) -> Result<Report, Error> {
    let mut fleet = Fleet::new(stage.clone(), options.logs.clone())?;
    let venue = Venue::open(options.bootstrap.as_deref(), options.partitions).await?;
    stage.tell(What::Begins {
        bootstrap: venue.kafka().bootstrap_servers().to_owned(),
        embedded: venue.is_embedded(),
        topic: venue.source.clone(),
        partitions: venue.partitions,
        script: script.to_string(),
    });
    let watcher = Watcher::new(&venue)?;
    let stop = CancellationToken::new();
    let (view, looking) = watcher.clone().watch(stop.clone());
    let showing = tokio::spawn(show(view.clone(), stage.clone()));
    let played = tokio::select! {
        played = Story::new(options, &venue, stage, &mut fleet, watcher, view).play(script, burst) => played,
        () = shutdown.cancelled() => Err(Error::Interrupted),
    };
    fleet.stop().await;
    let report = match played {
        Ok(outcome) => audited(&venue, outcome.kills.clone())
            .await
            .map(|audit| Report::new(outcome, &stage.events(), audit, stage.elapsed_ms())),
        Err(error) => Err(error),
    };
    stop.cancel();
    for task in [looking, showing] {
        task.await.map_err(|error| Error::io("looking on", std::io::Error::other(error)))?;
    }
    let closed = venue.close().await;
    let report = report?;
    closed.map(|()| report)
}

/// Shows every view until nobody looks any more.
async fn show(mut view: watch::Receiver<View>, stage: Stage) {
    while view.changed().await.is_ok() {
        stage.screen().view(&view.borrow_and_update());
    }
}

async fn audited(venue: &Venue, kills: Vec<Kill>) -> Result<Audit, Error> {
    let topics = Topics {
        source: Extent::whole(&venue.source),
        output: Extent::whole(&venue.output),
        dead_letters: Some(Extent::whole(&venue.dead_letters)),
    };
    let kafka = venue.kafka().clone();
    let counted = tokio::task::spawn_blocking(move || audit(&kafka, &topics, kills)).await;
    Ok(counted.map_err(|error| Error::io("counting", std::io::Error::other(error)))??)
}
