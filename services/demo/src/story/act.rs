//! The last act: a burst comes, and an autoscaler follows what the monitor asks for.

use std::time::{Duration, Instant};

use super::Story;
use crate::Error;
use crate::burst::Burst;
use crate::event::What;
use crate::front_door::{Decision, Standing};
use crate::hpa::{Hpa, PERIOD};
use crate::scaling::{Look, Scaling};

/// How long the monitor may take to come to what the act needs: a burst and its end take less than half of that.
const PATIENCE: Duration = Duration::from_secs(45);

/// The autoscaler at work.
struct Autoscaler {
    hpa: Hpa,
    began: Instant,
    /// The last decision that was told.
    told_ms: u64,
    scaling: Scaling,
}

impl Story<'_> {
    /// Plays the act: one consumer, more as the load rises, and one again after it.
    pub(super) async fn scale(&mut self, burst: &Burst) -> Result<Scaling, Error> {
        while self.fleet.consumers() > 1 {
            self.is_settled = false;
            self.fleet.leave().await?;
            self.settle().await?;
        }
        self.calm(burst).await?;
        self.burst(burst).await?;
        let scaling = Scaling { most: burst.consumers, updates: burst.updates, ..Scaling::default() };
        let mut autoscaler = Autoscaler { hpa: Hpa::new(burst.consumers), began: Instant::now(), told_ms: 0, scaling };
        self.follow(&mut autoscaler, burst.consumers, |_| true).await?;
        self.follow(&mut autoscaler, 1, |story| story.view.borrow().missing() == 0).await?;
        self.is_settled = false;
        self.settle().await?;
        Ok(autoscaler.scaling)
    }

    /// Waits until the monitor sees that all is done, and is content with one consumer.
    async fn calm(&mut self, burst: &Burst) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            let asked = self.fleet.asked(&self.venue.group).await;
            if asked.as_ref().is_ok_and(|(desired, standing, _)| *desired == 1 && standing.lag == Some(0)) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let last = match asked {
                    Ok((.., plans)) => last_sentence(&plans),
                    Err(error) => error.to_string(),
                };
                let what = format!("The monitor's wish for 1 consumer before the burst of {}/s", burst.rate);
                return Err(given_up(what, last));
            }
            self.tick().await?;
        }
    }

    async fn burst(&mut self, burst: &Burst) -> Result<(), Error> {
        self.fleet.send(burst).await?;
        self.load = None;
        let Burst { updates, rate, capacity, .. } = *burst;
        self.stage.tell(What::Burst { updates, rate, capacity });
        Ok(())
    }

    /// Scales by what the monitor asks for until there are `wanted` consumers, and `is_over`.
    async fn follow(
        &mut self,
        autoscaler: &mut Autoscaler,
        wanted: u32,
        is_over: impl Fn(&Self) -> bool,
    ) -> Result<(), Error> {
        let began = Instant::now();
        while self.fleet.consumers() != wanted || !is_over(self) {
            if began.elapsed() > PATIENCE {
                let last = autoscaler.scaling.looks.last().map(|look| look.sentence.clone()).unwrap_or_default();
                return Err(given_up(format!("Scaling to {wanted} as the monitor asks"), last));
            }
            let synced = Instant::now();
            let desired = self.look_on(autoscaler).await;
            let replicas = self.fleet.consumers();
            let scaled = autoscaler.hpa.sync(autoscaler.began.elapsed(), replicas, desired.map(f64::from));
            if scaled != replicas {
                self.stage.tell(What::Scales { from: replicas, to: scaled });
            }
            for _ in replicas..scaled {
                self.join().await?;
            }
            for _ in scaled..replicas {
                self.is_settled = false;
                self.fleet.leave_youngest().await?;
            }
            while synced.elapsed() < PERIOD {
                self.tick().await?;
            }
        }
        self.look_on(autoscaler).await;
        Ok(())
    }

    /// Notes and tells what the monitor says. It may have nothing to say: then nothing is known.
    async fn look_on(&self, autoscaler: &mut Autoscaler) -> Option<u32> {
        let (desired, standing, plans, sentence) = match self.fleet.asked(&self.venue.group).await {
            Ok((desired, standing, plans)) => {
                let sentence = last_sentence(&plans);
                (Some(desired), standing, plans, sentence)
            }
            Err(error) => (None, Standing::default(), Vec::new(), error.to_string()),
        };
        // At first the decision that stands, and then each new one.
        let most = if autoscaler.told_ms == 0 { 1 } else { usize::MAX };
        let news: Vec<_> = plans.iter().take_while(|plan| plan.at_ms > autoscaler.told_ms).take(most).collect();
        for Decision { at_ms, sentence } in news.into_iter().rev() {
            autoscaler.told_ms = *at_ms;
            self.stage.tell(What::Decided { sentence: sentence.clone() });
        }
        let look = Look {
            at_ms: self.stage.elapsed_ms(),
            lag: standing.lag,
            delay_seconds: standing.delay_seconds,
            desired,
            consumers: self.fleet.consumers(),
            sentence,
        };
        self.stage.screen().look(&look);
        autoscaler.scaling.note(look);
        desired
    }
}

fn last_sentence(plans: &[Decision]) -> String {
    plans.first().map(|plan| plan.sentence.clone()).unwrap_or_default()
}

fn given_up(awaited: String, last: String) -> Error {
    Error::Timeout { awaited, seconds: PATIENCE.as_secs(), last }
}
