//! How the story is shown while it runs: live on a terminal, else a line or a JSON object per event.

mod board;
mod draw;
mod live;

use std::io::{IsTerminal as _, Write as _};

use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::event::Event;
use crate::front_door::Route;
use crate::options::Options;
use crate::scaling::Look;
use crate::watcher::View;
use crate::wording::clock;
use live::{Live, Message};

/// What shows the story.
#[derive(Debug)]
pub(crate) enum Screen {
    /// One JSON object per event.
    Json,
    /// One line per event.
    Plain,
    /// The whole terminal.
    Live(Live),
}

impl Screen {
    /// What the options and the standard output ask for. On the live screen, `interrupt` is cancelled by Ctrl-C and `q`.
    ///
    /// # Errors
    /// Where the terminal cannot be set up.
    pub(crate) fn open(options: &Options, interrupt: CancellationToken) -> Result<Self, Error> {
        if options.json {
            return Ok(Self::Json);
        }
        if options.plain || !std::io::stdout().is_terminal() {
            return Ok(Self::Plain);
        }
        Live::open(interrupt).map(Self::Live).map_err(|error| Error::io("setting up the terminal", error))
    }

    /// Whether it has the terminal for itself.
    #[must_use]
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Shows that something happened.
    pub(crate) fn event(&self, event: &Event) {
        match self {
            Self::Json => print(&serde_json::to_string(event).unwrap_or_default()),
            Self::Plain => print(&format!("{:>7}  {}", clock(event.at_ms), event.what)),
            Self::Live(live) => live.send(Message::Event(event.clone())),
        }
    }

    /// Shows how far the group has come.
    pub(crate) fn view(&self, view: &View) {
        match self {
            Self::Json | Self::Plain => {}
            Self::Live(live) => live.send(Message::View(view.clone())),
        }
    }

    /// Shows where the symbols go.
    pub(crate) fn routing(&self, routes: &[Route]) {
        match self {
            Self::Json | Self::Plain => {}
            Self::Live(live) => live.send(Message::Routing(routes.to_vec())),
        }
    }

    /// Shows what the autoscaler sees.
    pub(crate) fn look(&self, look: &Look) {
        match self {
            Self::Json | Self::Plain => {}
            Self::Live(live) => live.send(Message::Look(look.clone())),
        }
    }

    /// Gives the terminal back. What happens later is shown nowhere.
    pub(crate) fn close(&self) {
        match self {
            Self::Json | Self::Plain => {}
            Self::Live(live) => live.close(),
        }
    }
}

/// Writes a line to the standard output; a reader that is gone is no reason to fail.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
