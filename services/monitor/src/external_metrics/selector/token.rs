//! A selector's text, token by token.

use super::SyntaxError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Not,
    Equal,
    NotEqual,
    Comma,
    Open,
    Close,
    /// A sign that has no meaning here.
    Other(char),
    End,
}

/// Signs that end a word. Kubernetes knows `<` and `>` in places where no labels are numbers; here they are errors.
const SIGNS: [char; 7] = ['!', '=', ',', '(', ')', '<', '>'];

/// Looks one token ahead.
pub(super) struct Tokens<'a> {
    text: &'a str,
    /// Where the next token begins and ends, in bytes.
    begin: usize,
    end: usize,
    next: Token<'a>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut tokens = Self { text, begin: 0, end: 0, next: Token::End };
        tokens.advance();
        tokens
    }

    pub(super) fn peek(&self) -> Token<'a> {
        self.next
    }

    pub(super) fn advance(&mut self) {
        let after = &self.text[self.end..];
        let rest = after.trim_start();
        let (token, length) = first(rest);
        self.begin = self.end + (after.len() - rest.len());
        self.end = self.begin + length;
        self.next = token;
    }

    /// Advances where `token` is next.
    pub(super) fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.next == token;
        if found {
            self.advance();
        }
        found
    }

    /// That the next token is not what was expected.
    pub(super) fn error(&self, expected: &'static str) -> SyntaxError {
        let found = match self.next {
            Token::End => "the end".to_owned(),
            Token::Word(_)
            | Token::Not
            | Token::Equal
            | Token::NotEqual
            | Token::Comma
            | Token::Open
            | Token::Close
            | Token::Other(_) => format!("'{}'", &self.text[self.begin..self.end]),
        };
        SyntaxError { position: self.text[..self.begin].chars().count() + 1, found, expected }
    }
}

/// The token that `rest` begins with, and its length in bytes.
fn first(rest: &str) -> (Token<'_>, usize) {
    for (sign, token) in [
        ("!=", Token::NotEqual),
        ("!", Token::Not),
        ("==", Token::Equal),
        ("=", Token::Equal),
        (",", Token::Comma),
        ("(", Token::Open),
        (")", Token::Close),
    ] {
        if rest.starts_with(sign) {
            return (token, sign.len());
        }
    }
    let word = rest.find(|c: char| c.is_whitespace() || SIGNS.contains(&c)).unwrap_or(rest.len());
    match rest.chars().next() {
        None => (Token::End, 0),
        Some(sign) if word == 0 => (Token::Other(sign), sign.len_utf8()),
        Some(_) => (Token::Word(&rest[..word]), word),
    }
}
