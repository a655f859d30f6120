//! Whether a client reaches any broker, said when it changes and not a thousand times.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::brokers::{Brokers, Statistics};

/// While Kafka is away, it is said again this often.
const REMINDER: Duration = Duration::from_secs(30);

/// What a client's context hears about its brokers. Give it every error, log line and statistics of the client.
#[derive(Debug)]
pub struct Connection {
    /// Whether the client knows any broker.
    pub brokers: Brokers,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    up: bool,
    /// Whether a look showed that none answers, which is more than that none has answered yet.
    away: bool,
    /// Whether the coordinator of the client's group answers.
    has_coordinator: bool,
    /// Since when it has been up or away.
    since: Instant,
    /// When its absence, or another error, was last spoken of.
    said: Option<Instant>,
    /// Whether a broker was reached that does not let the client in.
    refused: bool,
    /// The last thing the client complained about.
    complaint: Option<String>,
    /// When a complaint was last spoken of while a broker answered.
    complained: Option<Instant>,
    /// What keeps the client from its work until another takes its place.
    obstacle: Option<String>,
    /// Why the client can never work again.
    fatal: Option<String>,
}

impl Default for Connection {
    fn default() -> Self {
        let state = State {
            up: false,
            away: false,
            has_coordinator: false,
            since: Instant::now(),
            said: None,
            refused: false,
            complaint: None,
            complained: None,
            obstacle: None,
            fatal: None,
        };
        Self { brokers: Brokers::default(), state: Mutex::new(state) }
    }
}

impl Connection {
    /// Whether any broker answered at the last look.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.lock().up
    }

    /// Whether no broker answers, as far as is known: a client that has only just started is not away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.lock().away
    }

    /// Whether the coordinator of the client's group answered at the last look.
    #[must_use]
    pub fn has_coordinator(&self) -> bool {
        self.lock().has_coordinator
    }

    /// Why the client cannot do its work, such as that no broker is reached; `None` while it can.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let state = self.lock();
        if let Some(reason) = state.fatal.as_ref().or(state.obstacle.as_ref()) {
            return Some(reason.clone());
        }
        let complaint = state.complaint.as_deref().unwrap_or("no broker has answered yet");
        let what = if state.refused { "Kafka refuses the login" } else { "Kafka is away" };
        (!state.up).then(|| format!("{what}: {complaint}"))
    }

    /// Why the client can never work again, if so.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.lock().fatal.clone()
    }

    /// Any answer from a broker shows that one is there.
    pub fn answered(&self) {
        let mut state = self.lock();
        (state.away, state.refused) = (false, false);
        if state.up {
            return;
        }
        if state.said.take().is_some() {
            tracing::info!("Kafka is back after {:.1} s", state.since.elapsed().as_secs_f64());
        }
        (state.up, state.since, state.complaint) = (true, Instant::now(), None);
    }

    /// Takes an error from [`rdkafka::ClientContext::error`] or from a poll.
    pub fn error(&self, error: &KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Fatal) => self.fatal_error(reason),
            Some(RDKafkaErrorCode::AllBrokersDown) => self.away(reason),
            Some(
                code @ (RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::Resolve),
            ) => {
                // Who is not reached any more refuses nothing.
                self.lock().refused = code == RDKafkaErrorCode::Authentication;
                self.complain(reason);
            }
            _ => self.complain(reason),
        }
    }

    /// Notes that the client can never work again.
    pub fn fatal_error(&self, reason: &str) {
        self.lock().fatal.get_or_insert_with(|| reason.to_owned());
    }

    /// Notes what keeps the client from its work until another takes its place, or that nothing does any more.
    pub fn set_obstacle(&self, obstacle: Option<String>) {
        self.lock().obstacle = obstacle;
    }

    /// Takes a line of librdkafka's own log: what matters in it also comes as an error.
    pub fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // Settings that do not fit are said nowhere else.
            RDKafkaLogLevel::Warning if facility == "CONFWARN" => tracing::warn!("librdkafka: {message}"),
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning
            | RDKafkaLogLevel::Notice
            | RDKafkaLogLevel::Info
            | RDKafkaLogLevel::Debug => tracing::debug!("librdkafka: {facility}: {message}"),
        }
    }

    /// Takes the JSON of [`rdkafka::ClientContext::stats_raw`].
    pub fn statistics(&self, json: &[u8]) {
        let Some(statistics) = Statistics::read(json) else {
            return;
        };
        self.brokers.note(&statistics);
        self.lock().has_coordinator = statistics.cgrp.as_ref().is_some_and(|group| group.state == "up");
        if statistics.is_up() {
            self.answered();
        } else {
            self.away("no broker answers");
        }
    }

    fn away(&self, reason: &str) {
        let mut state = self.lock();
        state.away = true;
        if state.up {
            (state.up, state.since) = (false, Instant::now());
        }
        let complaint = state.complaint.get_or_insert_with(|| reason.to_owned()).clone();
        // A client that has only just started is not away, it is on its way.
        let patience = if state.said.is_some() { REMINDER } else { Duration::from_millis(500) };
        if state.said.unwrap_or(state.since).elapsed() >= patience {
            let what = if state.refused { "refuses the login" } else { "is away" };
            tracing::warn!("Kafka {what} for {:.1} s: {complaint}; trying on", state.since.elapsed().as_secs_f64());
            state.said = Some(Instant::now());
        }
    }

    /// Says that something goes wrong while a broker answers: when it is new, and every half minute.
    pub fn complain(&self, reason: &str) {
        let mut state = self.lock();
        // While a broker answers this is about something else, such as a topic that is missing.
        let is_new = state.complaint.as_deref() != Some(reason);
        // Each partition may have one of its own.
        let patience = if is_new { Duration::from_secs(1) } else { REMINDER };
        if state.up && state.complained.is_none_or(|at| at.elapsed() >= patience) {
            tracing::warn!("Kafka: {reason}");
            state.complained = Some(Instant::now());
        }
        state.complaint = Some(reason.to_owned());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: &[u8] = br#"{"brokers":{"a:1/1":{"state":"UP","rtt":{}},"b:1/2":{"state":"CONNECT"}}}"#;
    const DOWN: &[u8] = br#"{"brokers":{"a:1/1":{"state":"TRY_CONNECT"}}}"#;

    #[test]
    fn it_is_up_while_any_broker_answers() {
        let connection = Connection::default();
        assert!(connection.problem().is_some_and(|problem| problem.contains("no broker has answered yet")));
        connection.statistics(UP);
        assert_eq!((connection.is_up(), connection.problem()), (true, None));
        connection.statistics(DOWN);
        assert!(!connection.is_up());
        assert!(connection.is_away());
        connection.answered();
        assert!(connection.is_up() && !connection.is_away());
    }

    #[test]
    fn the_reason_of_an_absence_is_told() {
        let connection = Connection::default();
        connection.statistics(UP);
        connection.error(&KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "a:1: Connection refused");
        assert!(connection.is_up(), "another broker may be there");
        connection.error(&KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        assert_eq!(connection.problem().as_deref(), Some("Kafka is away: a:1: Connection refused"));
    }

    #[test]
    fn a_refused_login_is_not_an_absence() {
        let connection = Connection::default();
        connection.error(&KafkaError::Global(RDKafkaErrorCode::Authentication), "a:1: invalid credentials");
        connection.error(&KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        assert_eq!(connection.problem().as_deref(), Some("Kafka refuses the login: a:1: invalid credentials"));
        connection.error(&KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "a:1: Connection refused");
        assert_eq!(connection.problem().as_deref(), Some("Kafka is away: a:1: Connection refused"));
        connection.error(&KafkaError::Global(RDKafkaErrorCode::Authentication), "a:1: invalid credentials");
        connection.answered();
        connection.statistics(DOWN);
        assert!(connection.problem().is_some_and(|problem| problem.starts_with("Kafka is away")));
    }

    #[test]
    fn a_fatal_error_stays() {
        let connection = Connection::default();
        connection.error(&KafkaError::Global(RDKafkaErrorCode::Fatal), "fenced");
        connection.statistics(UP);
        assert_eq!((connection.fatal().as_deref(), connection.problem().as_deref()), (Some("fenced"), Some("fenced")));
    }

    #[test]
    fn an_obstacle_goes_as_it_came() {
        let connection = Connection::default();
        connection.statistics(UP);
        connection.set_obstacle(Some("no right".to_owned()));
        assert_eq!((connection.fatal(), connection.problem().as_deref()), (None, Some("no right")));
        connection.set_obstacle(None);
        assert_eq!(connection.problem(), None);
    }
}
