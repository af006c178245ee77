//! How is the text of a query read? By descent, one function for each binding strength, never past the limits.

use super::bare::{ends_word, field_name};
use super::field::{self, Field};
use super::{Expr, Fault, MAX_DEPTH, MAX_QUERY_BYTES, MAX_TERMS, QueryError, Text};
use crate::search::analyser;

pub(super) fn parse(text: &str) -> Result<Option<Expr>, QueryError> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(QueryError::at(1, Fault::TooLong { bytes: text.len(), most: MAX_QUERY_BYTES }));
    }
    let mut parser = Parser { chars: text.chars().collect(), at: 0, terms: 0 };
    parser.skip_spaces();
    if parser.peek().is_none() {
        return Ok(None);
    }
    let expr = parser.any(0)?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some(_) => Err(parser.wrong(parser.at, Fault::StrayBracket)),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    terms: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn wrong(&self, at: usize, fault: Fault) -> QueryError {
        QueryError::at(at + 1, fault)
    }

    /// What stands here up to a space, bracket or quote.
    fn bare(&self) -> String {
        self.chars.iter().skip(self.at).take_while(|c| !ends_word(**c)).collect()
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        let word = self.bare();
        // `OR"x"` is no word of its own, `OR(` is.
        let behind = self.chars.get(self.at + word.chars().count());
        word == keyword && behind != Some(&'"')
    }

    fn any(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut parts = vec![self.all(depth)?];
        while self.is_keyword("OR") {
            self.at += 2;
            parts.push(self.all(depth)?);
        }
        Expr::any(parts).ok_or_else(|| self.nothing())
    }

    fn all(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut parts = Vec::new();
        let mut owed = false;
        loop {
            self.skip_spaces();
            if matches!(self.peek(), None | Some(')')) || self.is_keyword("OR") {
                break;
            }
            if self.is_keyword("AND") && !parts.is_empty() && !owed {
                self.at += 3;
                owed = true;
                continue;
            }
            parts.push(self.one(depth)?);
            owed = false;
        }
        if owed {
            return Err(self.nothing());
        }
        Expr::all(parts).ok_or_else(|| self.nothing())
    }

    fn nothing(&self) -> QueryError {
        self.wrong(self.at, Fault::NoWord)
    }

    fn one(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let begin = self.at;
        if depth > MAX_DEPTH {
            return Err(self.wrong(begin, Fault::TooDeep { most: MAX_DEPTH }));
        }
        match self.peek() {
            Some('-') => {
                self.at += 1;
                if self.peek().is_none_or(|c| c.is_whitespace() || c == ')') {
                    return Err(self.wrong(begin, Fault::LoneMinus));
                }
                Ok(Expr::not(self.one(depth + 1)?))
            }
            Some('(') => {
                self.at += 1;
                let inner = self.any(depth + 1)?;
                if self.peek() != Some(')') {
                    return Err(self.wrong(begin, Fault::OpenBracket));
                }
                self.at += 1;
                Ok(inner)
            }
            Some('"') => {
                let words = self.quoted()?;
                self.text(begin, words, false)
            }
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Expr, QueryError> {
        let begin = self.at;
        let word = self.bare();
        if let Some(name) = field_name(&word) {
            let name = name.to_ascii_lowercase();
            self.at += name.chars().count() + 1;
            return self.field(begin, &name);
        }
        if word == "NOT" {
            return Err(self.wrong(begin, Fault::Not));
        }
        self.at += word.chars().count();
        self.starred(begin, word, false)
    }

    /// A bare word, whose last character may be a star.
    fn starred(&mut self, begin: usize, mut word: String, in_title: bool) -> Result<Expr, QueryError> {
        let is_prefix = word.ends_with('*');
        if is_prefix {
            word.pop();
        }
        if word.contains('*') {
            return Err(self.wrong(begin, Fault::StarInside { word }));
        }
        self.term(begin, Text { words: word, is_prefix, in_title })
    }

    /// Behind a closing quote: perhaps a star.
    fn text(&mut self, begin: usize, words: String, in_title: bool) -> Result<Expr, QueryError> {
        let is_prefix = self.peek() == Some('*');
        if is_prefix {
            self.at += 1;
        }
        self.term(begin, Text { words, is_prefix, in_title })
    }

    fn term(&mut self, begin: usize, text: Text) -> Result<Expr, QueryError> {
        self.count(begin)?;
        if analyser::atoms(&text.words).is_empty() {
            return Err(self.wrong(begin, Fault::NoLetter { text: text.words }));
        }
        Ok(Expr::Text(text))
    }

    fn field(&mut self, begin: usize, name: &str) -> Result<Expr, QueryError> {
        if !field::NAMES.contains(&name) {
            return Err(self.wrong(begin, field::unknown(name)));
        }
        let is_quoted = self.peek() == Some('"');
        let value = if is_quoted { self.quoted()? } else { self.bare() };
        if !is_quoted {
            self.at += value.chars().count();
        }
        if value.is_empty() {
            return Err(self.wrong(begin, Fault::NoValue { name: name.to_owned() }));
        }
        match (name, is_quoted) {
            ("title", true) => self.text(begin, value, true),
            ("title", false) => self.starred(begin, value, true),
            _ => {
                self.count(begin)?;
                let field = Field::parse(name, &value).map_err(|fault| self.wrong(begin, fault))?;
                Ok(Expr::Field(field))
            }
        }
    }

    fn count(&mut self, begin: usize) -> Result<(), QueryError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.wrong(begin, Fault::TooMany { most: MAX_TERMS }));
        }
        Ok(())
    }

    /// What stands between quotes; a backslash keeps a quote or backslash.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let begin = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match (c, self.peek()) {
                ('"', _) => return Ok(text),
                ('\\', Some(kept @ ('"' | '\\'))) => {
                    text.push(kept);
                    self.at += 1;
                }
                _ => text.push(c),
            }
        }
        Err(self.wrong(begin, Fault::OpenQuote))
    }
}

#[cfg(test)]
mod tests;
