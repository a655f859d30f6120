//! Label selectors, as Kubernetes writes them: `group=a,topic in (b, c),!stale`.

mod token;

use std::collections::{BTreeMap, BTreeSet};

use token::{Token, Tokens};

/// Which series are asked for: those that meet every requirement. What a word may consist of is left open, since
/// a group's name may hold more than a Kubernetes label.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector(Vec<Requirement>);

#[derive(Debug, PartialEq, Eq)]
struct Requirement {
    label: String,
    rule: Rule,
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    Exists,
    Absent,
    In(BTreeSet<String>),
    /// Also met where there is no such label.
    NotIn(BTreeSet<String>),
}

/// A selector that cannot be read: where, and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: found {found}, expected {expected}")]
pub(super) struct SyntaxError {
    /// From 1.
    position: usize,
    found: String,
    expected: &'static str,
}

impl Selector {
    /// Reads a selector; an empty one selects everything.
    pub(super) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut tokens = Tokens::new(text);
        let mut requirements = Vec::new();
        if tokens.peek() == Token::End {
            return Ok(Self(requirements));
        }
        loop {
            requirements.push(requirement(&mut tokens)?);
            match tokens.peek() {
                Token::End => return Ok(Self(requirements)),
                Token::Comma => tokens.advance(),
                Token::Word(_)
                | Token::Not
                | Token::Equal
                | Token::NotEqual
                | Token::Open
                | Token::Close
                | Token::Other(_) => return Err(tokens.error("',' or the end")),
            }
        }
    }

    pub(super) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.label);
            match &requirement.rule {
                Rule::Exists => value.is_some(),
                Rule::Absent => value.is_none(),
                Rule::In(values) => value.is_some_and(|value| values.contains(value)),
                Rule::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            }
        })
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, SyntaxError> {
    let absent = tokens.take(Token::Not);
    let Token::Word(label) = tokens.peek() else {
        return Err(tokens.error(if absent { "a label" } else { "a label or '!'" }));
    };
    tokens.advance();
    let rule = if absent { Rule::Absent } else { rule(tokens)? };
    Ok(Requirement { label: label.to_owned(), rule })
}

/// What follows a label.
fn rule(tokens: &mut Tokens<'_>) -> Result<Rule, SyntaxError> {
    match tokens.peek() {
        Token::End | Token::Comma => Ok(Rule::Exists),
        Token::Equal => {
            tokens.advance();
            Ok(Rule::In(BTreeSet::from([value(tokens)])))
        }
        Token::NotEqual => {
            tokens.advance();
            Ok(Rule::NotIn(BTreeSet::from([value(tokens)])))
        }
        Token::Word("in") => {
            tokens.advance();
            Ok(Rule::In(values(tokens)?))
        }
        Token::Word("notin") => {
            tokens.advance();
            Ok(Rule::NotIn(values(tokens)?))
        }
        Token::Word(_) | Token::Not | Token::Open | Token::Close | Token::Other(_) => {
            Err(tokens.error("'=', '==', '!=', 'in', 'notin', ',' or the end"))
        }
    }
}

/// A set in brackets, of at least one value, which may be empty.
fn values(tokens: &mut Tokens<'_>) -> Result<BTreeSet<String>, SyntaxError> {
    if !tokens.take(Token::Open) {
        return Err(tokens.error("'('"));
    }
    let mut values = BTreeSet::new();
    loop {
        values.insert(value(tokens));
        if tokens.take(Token::Close) {
            return Ok(values);
        }
        if !tokens.take(Token::Comma) {
            return Err(tokens.error("',' or ')'"));
        }
    }
}

/// A value, empty where none stands.
fn value(tokens: &mut Tokens<'_>) -> String {
    match tokens.peek() {
        Token::Word(word) => {
            tokens.advance();
            word.to_owned()
        }
        Token::Not
        | Token::Equal
        | Token::NotEqual
        | Token::Comma
        | Token::Open
        | Token::Close
        | Token::Other(_)
        | Token::End => String::new(),
    }
}

#[cfg(test)]
mod tests;
