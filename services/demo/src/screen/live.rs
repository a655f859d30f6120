//! The thread that owns the terminal.

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyModifiers};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::draw::draw;
use crate::event::Event;
use crate::front_door::Route;
use crate::interrupt::insist;
use crate::scaling::Look;
use crate::watcher::View;

/// How often the picture is drawn.
const FRAME: Duration = Duration::from_millis(50);

/// So many messages wait at most; who sends more waits for the next frame.
const BACKLOG: usize = 256;

/// What the picture is made of.
pub(super) enum Message {
    Event(Event),
    View(View),
    Routing(Vec<Route>),
    Look(Look),
    Close,
}

/// A handle to the live screen.
pub(crate) struct Live {
    messages: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Live {
    /// Takes the terminal over, until [`Live::close`]. A panic gives it back, too.
    pub(super) fn open(interrupt: CancellationToken) -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        let (messages, inbox) = sync_channel(BACKLOG);
        let thread = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            show(terminal, &inbox, &interrupt);
            ratatui::restore();
        })?;
        Ok(Self { messages, thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn send(&self, message: Message) {
        // A screen that is closed already shows nothing.
        let _ = self.messages.send(message);
    }

    pub(super) fn close(&self) {
        self.send(Message::Close);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic in it has been reported by itself.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}

fn show(mut terminal: DefaultTerminal, inbox: &Receiver<Message>, interrupt: &CancellationToken) {
    let mut board = Board::new();
    loop {
        loop {
            match inbox.try_recv() {
                Ok(Message::Event(event)) => board.event(event),
                Ok(Message::View(view)) => board.view(view),
                Ok(Message::Routing(routes)) => board.routing(routes),
                Ok(Message::Look(look)) => board.scaling.note(look),
                Ok(Message::Close) | Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => break,
            }
        }
        let drawn = terminal.draw(|frame| draw(&board, frame));
        // Without a terminal the story still goes on to its report.
        if drawn.is_err() || handle_input(interrupt).is_err() {
            return;
        }
    }
}

/// Waits a frame long for keys: in raw mode Ctrl-C is one of them.
fn handle_input(interrupt: &CancellationToken) -> io::Result<()> {
    if !event::poll(FRAME)? {
        return Ok(());
    }
    if let Input::Key(key) = event::read()? {
        let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        if control_c || key.code == KeyCode::Char('q') {
            if interrupt.is_cancelled() {
                insist(true);
            }
            interrupt.cancel();
        }
    }
    Ok(())
}
