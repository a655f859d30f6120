//! What the test tells while it runs: a line for each step.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Tells scenes and their steps.
#[derive(Debug)]
pub(crate) struct Stage {
    scene: Instant,
}

impl Stage {
    /// A stage on which nothing has happened yet.
    pub(crate) fn new() -> Self {
        Self { scene: Instant::now() }
    }

    /// A scene begins.
    pub(crate) fn scene(&mut self, name: impl Display, about: &str) {
        self.scene = Instant::now();
        println!("\n{name}: {about}");
    }

    /// Something was done, or has come about.
    pub(crate) fn step(&self, what: impl Display) {
        println!("  {:>6.1} s  {what}", self.elapsed().as_secs_f64());
    }

    /// More about the last step.
    pub(crate) fn detail(&self, what: impl Display) {
        println!("            {what}");
    }

    /// How long the scene has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.scene.elapsed()
    }
}

/// A number with commas between thousands.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let commas = digits.len().saturating_sub(1) / 3;
    let mut text = String::with_capacity(digits.len() + commas);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_commas() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }
}
