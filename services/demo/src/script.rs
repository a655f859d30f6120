//! What happens to the group, and when: `join@10%,kill@35%,leave@70%`.

use std::fmt;
use std::str::FromStr;

/// At most so many consumers take part, over the whole story.
const MAX_CONSUMERS: usize = 20;

/// What happens to one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A new one joins.
    Join,
    /// One is killed with SIGKILL in the middle of its work.
    Kill,
    /// One leaves gracefully.
    Leave,
}

/// An act and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// What happens.
    pub act: Act,
    /// When so many percent of the updates are processed.
    pub percent: u8,
}

/// The cues in their order. The story begins with one consumer and never ends without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    cues: Vec<Cue>,
}

impl Script {
    /// One alone, then `consumers` together; one of them is killed and replaced; two leave, or as many as can.
    ///
    /// # Errors
    /// Where there would be none, or too many.
    pub fn standard(consumers: usize) -> Result<Self, String> {
        if !(1..MAX_CONSUMERS).contains(&consumers) {
            // One of them is replaced.
            return Err(format!("1 to {} consumers can be watched", MAX_CONSUMERS - 1));
        }
        let joins = (1..consumers).map(|number| {
            // The first is alone for long enough to show what one consumer can do. The others come one after the other.
            let percent = 35 + 12 * (number - 1) / consumers.max(2);
            Cue { act: Act::Join, percent: u8::try_from(percent).unwrap_or(46) }
        });
        let middle = [Cue { act: Act::Kill, percent: 55 }, Cue { act: Act::Join, percent: 61 }];
        let leaves = [86, 93].map(|percent| Cue { act: Act::Leave, percent });
        Self::checked(joins.chain(middle).chain(leaves.into_iter().take(consumers - 1)).collect())
    }

    /// What happens, in order.
    #[must_use]
    pub fn cues(&self) -> &[Cue] {
        &self.cues
    }

    fn checked(cues: Vec<Cue>) -> Result<Self, String> {
        let mut living = 1_usize;
        let mut ever = 1;
        for (at, cue) in cues.iter().enumerate() {
            if let Some(before) = at.checked_sub(1).and_then(|at| cues.get(at)).filter(|b| b.percent > cue.percent) {
                return Err(format!("{cue} stands behind {before}, but comes before it"));
            }
            match cue.act {
                Act::Join => {
                    living += 1;
                    ever += 1;
                }
                Act::Kill | Act::Leave => {
                    living = living.checked_sub(1).ok_or_else(|| format!("{cue}: there is nobody left"))?;
                }
            }
        }
        if living == 0 {
            return Err("nobody is left at the end to finish the work".to_owned());
        }
        if ever > MAX_CONSUMERS {
            return Err(format!("{ever} consumers are more than the {MAX_CONSUMERS} that can be watched"));
        }
        Ok(Self { cues })
    }
}

impl fmt::Display for Cue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let act = match self.act {
            Act::Join => "join",
            Act::Kill => "kill",
            Act::Leave => "leave",
        };
        write!(f, "{act}@{}%", self.percent)
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cues: Vec<_> = self.cues.iter().map(Cue::to_string).collect();
        f.write_str(&cues.join(","))
    }
}

impl FromStr for Cue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let cue = text.split_once('@').and_then(|(act, time)| {
            let act = match act {
                "join" => Act::Join,
                "kill" => Act::Kill,
                "leave" => Act::Leave,
                _ => return None,
            };
            let percent = time.strip_suffix('%')?.parse().ok().filter(|percent| *percent < 100)?;
            Some(Self { act, percent })
        });
        cue.ok_or_else(|| format!("'{text}' is not join, kill or leave, '@' and 0% to 99%, such as join@10%"))
    }
}

impl FromStr for Script {
    type Err = String;

    /// Reads cues with commas between; no text is no cue.
    fn from_str(text: &str) -> Result<Self, String> {
        let cues = text.split(',').map(str::trim).filter(|cue| !cue.is_empty());
        Self::checked(cues.map(str::parse).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Script>().unwrap_err()
    }

    #[test]
    fn the_standard_story_has_three_consumers_a_kill_a_replacement_and_two_farewells() {
        let script = Script::standard(3).unwrap();
        assert_eq!(script.to_string(), "join@35%,join@39%,kill@55%,join@61%,leave@86%,leave@93%");
        assert_eq!(Script::standard(1).unwrap().to_string(), "kill@55%,join@61%");
    }

    #[test]
    fn what_is_wrong_with_a_script_is_told() {
        assert_eq!(
            error("join@10%,jump@20%"),
            "'jump@20%' is not join, kill or leave, '@' and 0% to 99%, such as join@10%"
        );
        for text in ["join", "join@", "join@10", "join@100%", "join@-1%", "@10%", "join@1.5%"] {
            assert!(error(text).starts_with(&format!("'{text}' is not ")), "{text}");
        }
        assert_eq!(error("join@40%,kill@20%"), "kill@20% stands behind join@40%, but comes before it");
        assert_eq!(error("kill@10%,leave@20%,join@30%"), "leave@20%: there is nobody left");
        assert_eq!(error("leave@10%"), "nobody is left at the end to finish the work");
        assert_eq!(error(&["join@1%"; 20].join(",")), "21 consumers are more than the 20 that can be watched");
        for consumers in [0, 20, usize::MAX] {
            assert_eq!(Script::standard(consumers).unwrap_err(), "1 to 19 consumers can be watched");
        }
    }

    #[test]
    fn an_empty_script_leaves_one_consumer_alone() {
        assert!("".parse::<Script>().unwrap().cues().is_empty());
    }

    proptest! {
        #[test]
        fn every_standard_story_can_be_written_and_read(consumers in 1..20_usize) {
            let script = Script::standard(consumers).unwrap();
            prop_assert_eq!(script.to_string().parse::<Script>().unwrap(), script);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = text.parse::<Script>();
        }

        #[test]
        fn whatever_is_accepted_leaves_somebody(cues in prop::collection::vec(("join|kill|leave", 0..120_u8), 0..12)) {
            let text: Vec<_> = cues.iter().map(|(act, percent)| format!("{act}@{percent}%")).collect();
            if let Ok(script) = text.join(",").parse::<Script>() {
                let left = script.cues().iter().fold(1_i32, |left, cue| match cue.act {
                    Act::Join => left + 1,
                    Act::Kill | Act::Leave => left - 1,
                });
                prop_assert!(left > 0);
                prop_assert!(script.cues().is_sorted_by_key(|cue| cue.percent));
            }
        }
    }
}
