//! How is the text of a query read? By descent, one function for each binding strength, never past the limits.

use super::field::{self, Field};
use super::{Expr, MAX_DEPTH, MAX_QUERY_BYTES, MAX_TERMS, QueryError, Text};
use crate::search::analyser;

pub(super) fn parse(text: &str) -> Result<Option<Expr>, QueryError> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(QueryError {
            column: 1,
            message: format!(
                "the query has {} bytes; {MAX_QUERY_BYTES} are allowed",
                text.len()
            ),
            hint: "ask for less at once".to_owned(),
        });
    }
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        terms: 0,
    };
    parser.skip_spaces();
    if parser.peek().is_none() {
        return Ok(None);
    }
    let expr = parser.any(0)?;
    match parser.peek() {
        None => Ok(Some(expr)),
        Some(_) => Err(parser.wrong(
            parser.at,
            "this bracket closes nothing",
            "remove it, or put it in quotes",
        )),
    }
}

/// True if the text, written as it is, is read as one word again.
pub(super) fn is_bare_word(text: &str) -> bool {
    is_bare_value(text)
        && !text.starts_with('-')
        && !matches!(text, "OR" | "AND" | "NOT")
        && field_name(text).is_none()
}

/// True if the text may stand behind a colon as it is.
pub(super) fn is_bare_value(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with("//")
        && !text.chars().any(|c| ends_word(c) || c == '*' || c == '\\')
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}

/// The name of `name:value`; an address is none.
fn field_name(text: &str) -> Option<&str> {
    let (name, value) = text.split_once(':')?;
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    (is_name && !value.starts_with("//")).then_some(name)
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

    fn wrong(&self, at: usize, message: impl Into<String>, hint: impl Into<String>) -> QueryError {
        QueryError {
            column: at + 1,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// What stands here up to a space, bracket or quote.
    fn bare(&self) -> String {
        self.chars
            .iter()
            .skip(self.at)
            .take_while(|c| !ends_word(**c))
            .collect()
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
        self.wrong(
            self.at,
            "a word is missing here",
            "write a word, or put `OR`, `AND` or brackets in quotes to search for them",
        )
    }

    fn one(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let begin = self.at;
        if depth > MAX_DEPTH {
            return Err(self.wrong(
                begin,
                format!("brackets and minus signs nest deeper than {MAX_DEPTH}"),
                "ask in a flatter way",
            ));
        }
        match self.peek() {
            Some('-') => {
                self.at += 1;
                if self.peek().is_none_or(|c| c.is_whitespace() || c == ')') {
                    let hint = "write it directly before a word: `-ferry`; inside text it needs no space: `ice-free`";
                    return Err(self.wrong(begin, "this minus excludes nothing", hint));
                }
                Ok(Expr::not(self.one(depth + 1)?))
            }
            Some('(') => {
                self.at += 1;
                let inner = self.any(depth + 1)?;
                if self.peek() != Some(')') {
                    return Err(self.wrong(
                        begin,
                        "this bracket is not closed",
                        "add `)`, or put it in quotes",
                    ));
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
            return Err(self.wrong(
                begin,
                "`NOT` is written as a minus",
                "write `-word`, or `\"NOT\"` to search for it",
            ));
        }
        self.at += word.chars().count();
        self.starred(begin, word, false)
    }

    /// A bare word, whose last character may be a star.
    fn starred(
        &mut self,
        begin: usize,
        mut word: String,
        in_title: bool,
    ) -> Result<Expr, QueryError> {
        let is_prefix = word.ends_with('*');
        if is_prefix {
            word.pop();
        }
        if word.contains('*') {
            return Err(self.wrong(
                begin,
                format!("the star in `{word}` is not at the end"),
                "only beginnings of words can be searched: `harb*`",
            ));
        }
        self.term(
            begin,
            Text {
                words: word,
                is_prefix,
                in_title,
            },
        )
    }

    /// Behind a closing quote: perhaps a star.
    fn text(&mut self, begin: usize, words: String, in_title: bool) -> Result<Expr, QueryError> {
        let is_prefix = self.peek() == Some('*');
        if is_prefix {
            self.at += 1;
        }
        self.term(
            begin,
            Text {
                words,
                is_prefix,
                in_title,
            },
        )
    }

    fn term(&mut self, begin: usize, text: Text) -> Result<Expr, QueryError> {
        self.count(begin)?;
        if analyser::atoms(&text.words).is_empty() {
            let message = format!("`{}` holds no letter and no digit", text.words);
            return Err(self.wrong(
                begin,
                message,
                "punctuation can't be searched for; remove it",
            ));
        }
        Ok(Expr::Text(text))
    }

    fn field(&mut self, begin: usize, name: &str) -> Result<Expr, QueryError> {
        if !field::NAMES.contains(&name) {
            let (message, hint) = field::unknown(name);
            return Err(self.wrong(begin, message, hint));
        }
        let is_quoted = self.peek() == Some('"');
        let value = if is_quoted {
            self.quoted()?
        } else {
            self.bare()
        };
        if !is_quoted {
            self.at += value.chars().count();
        }
        if value.is_empty() {
            return Err(self.wrong(
                begin,
                format!("`{name}:` has no value"),
                format!("write it without a space: `{name}:…`"),
            ));
        }
        match (name, is_quoted) {
            ("title", true) => self.text(begin, value, true),
            ("title", false) => self.starred(begin, value, true),
            _ => {
                self.count(begin)?;
                let field = Field::parse(name, &value)
                    .map_err(|(message, hint)| self.wrong(begin, message, hint))?;
                Ok(Expr::Field(field))
            }
        }
    }

    fn count(&mut self, begin: usize) -> Result<(), QueryError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.wrong(
                begin,
                format!("more than {MAX_TERMS} words and fields"),
                "ask for less at once",
            ));
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
        Err(self.wrong(
            begin,
            "this quote is not closed",
            "add `\"` at the end of the exact words",
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::record::{Kind, Record};

    use crate::search::query::generator::Generator;
    use crate::search::query::{Expr, MAX_DEPTH, MAX_TERMS, Query};

    /// The tree with a bracket around every part.
    fn shape(expr: &Expr) -> String {
        let list = |parts: &[Expr]| parts.iter().map(shape).collect::<Vec<_>>().join(" ");
        match expr {
            Expr::And(parts) => format!("(and {})", list(parts)),
            Expr::Or(parts) => format!("(or {})", list(parts)),
            Expr::Not(part) => format!("(not {})", shape(part)),
            leaf => leaf.to_string(),
        }
    }

    fn check(text: &str, expected: &str) {
        let query = Query::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(
            query.expr().map(shape).unwrap_or_default(),
            expected,
            "{text}"
        );
        assert_eq!(
            Query::parse(&query.to_string()).as_ref(),
            Ok(&query),
            "{text}"
        );
    }

    #[test]
    fn everything_has_one_reading() {
        for (text, expected) in [
            ("", ""),
            ("  \t ", ""),
            ("harbour", "harbour"),
            (
                "\"exact words\" word -not",
                "(and \"exact words\" word (not not))",
            ),
            ("a b OR c d", "(or (and a b) (and c d))"),
            ("a (b OR c) d", "(and a (or b c) d)"),
            ("a AND b AND c", "(and a b c)"),
            ("((a)) OR ((b OR c))", "(or a b c)"),
            ("-(a b) --c -(-d)", "(and (not (and a b)) c d)"),
            (
                "ice-free l'eau @desk #ice 12:30 3.14",
                "(and ice-free l'eau @desk #ice 12:30 3.14)",
            ),
            ("harb* \"ice fr\"*", "(and harb* \"ice fr\"*)"),
            ("https://news.example.org/a", "https://news.example.org/a"),
            (
                "\"OR\" \"lang:ru\" \"-x\"",
                "(and \"OR\" \"lang:ru\" \"-x\")",
            ),
            (r#""say \"yes\" \\""#, r#""say \"yes\" \\""#),
            (
                "title:port title:\"ice free\" title:por*",
                "(and title:port title:\"ice free\" title:por*)",
            ),
            (
                "platform:Mastodon LANG:RU-by kind:Article",
                "(and platform:mastodon lang:ru-by kind:article)",
            ),
            (
                "author:@desk@news.example.org",
                "author:@desk@news.example.org",
            ),
            ("link:https://www.Example.ORG/", "link:example.org"),
            (
                "link:http://example.org/a/?b=1#c link:example.org/a/*",
                "(and link:example.org/a?b=1 link:example.org/a/*)",
            ),
            ("link:пример.example.org", "link:xn--e1afmkfd.example.org"),
            (
                "after:2026-10-01 before:2026-11 after:2026",
                "(and after:2026-10-01 before:2026-11-01 after:2026-01-01)",
            ),
            (
                "after:2026-10-01T09:00:00+02:00",
                "after:2026-10-01T07:00:00Z",
            ),
            (
                "seen:7d seen:2026-10-01 seen:2026-10-01..2026-10-05",
                "(and seen:7d seen:2026-10-01 seen:2026-10-01..2026-10-05)",
            ),
            (
                "has:media is:gone -is:late",
                "(and has:media is:gone (not is:late))",
            ),
            (
                "id:\"tag:news.example.org,2026:7\" source:harbour-news",
                "(and id:tag:news.example.org,2026:7 source:harbour-news)",
            ),
            ("tag:\"two words\"", "tag:\"two words\""),
            ("中国 OR (한국 -국)", "(or 中国 (and 한국 (not 국)))"),
        ] {
            check(text, expected);
        }
    }

    fn wrong(text: &str, expected: &str) {
        let why = Query::parse(text).expect_err(text);
        assert_eq!(
            format!("{}: {}; {}", why.column, why.message, why.hint),
            expected,
            "{text}"
        );
    }

    #[test]
    fn mistakes_say_where_and_what_to_write() {
        wrong(
            "a langg:ru",
            "3: there is no field `langg`; did you mean `lang:`? To search for the text itself, put it in quotes",
        );
        wrong(
            "site:example.org",
            "1: there is no field `site`; did you mean `link:`? To search for the text itself, put it in quotes",
        );
        wrong(
            "é frobnicate:1",
            "3: there is no field `frobnicate`; known are platform, lang, author, link, after, before, seen, source, kind, tag, title, id, has, is; to search for the text itself, put it in quotes",
        );
        wrong(
            "lang: ru",
            "1: `lang:` has no value; write it without a space: `lang:…`",
        );
        wrong(
            "a \"b c",
            "3: this quote is not closed; add `\"` at the end of the exact words",
        );
        wrong(
            "a (b",
            "3: this bracket is not closed; add `)`, or put it in quotes",
        );
        wrong(
            "a) b",
            "2: this bracket closes nothing; remove it, or put it in quotes",
        );
        let missing = "a word is missing here; write a word, or put `OR`, `AND` or brackets in quotes to search for them";
        for (text, column) in [
            ("a OR", 5),
            ("OR a", 1),
            ("a ()", 4),
            ("a AND", 6),
            ("a OR OR b", 6),
        ] {
            wrong(text, &format!("{column}: {missing}"));
        }
        wrong(
            "a - b",
            "3: this minus excludes nothing; write it directly before a word: `-ferry`; inside text it needs no space: `ice-free`",
        );
        wrong(
            "a NOT b",
            "3: `NOT` is written as a minus; write `-word`, or `\"NOT\"` to search for it",
        );
        wrong(
            "wo*rd",
            "1: the star in `wo*rd` is not at the end; only beginnings of words can be searched: `harb*`",
        );
        wrong(
            "—",
            "1: `—` holds no letter and no digit; punctuation can't be searched for; remove it",
        );
        wrong(
            "kind:poem",
            "1: `kind:` does not know `poem`; write one of post, comment, article, page, video, audio, account, ad, registration, event",
        );
        for text in [
            "after:yesterday",
            "before:2026-13",
            "after:20261001",
            "seen:7",
            "seen:0d",
            "seen:d",
            "seen:2026-10-05..2026-10-01",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        for text in [
            "link:",
            "link:ftp://example.org/x",
            "link:exam*",
            "link:a@b c:d",
            "is:here",
            "has:",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn limits_hold() {
        let many = "a ".repeat(MAX_TERMS);
        assert!(Query::parse(&many).is_ok());
        assert!(
            Query::parse(&format!("{many}a"))
                .unwrap_err()
                .message
                .contains("100 words")
        );
        let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Query::parse(&deep(MAX_DEPTH)).is_ok());
        assert!(
            Query::parse(&deep(MAX_DEPTH + 1))
                .unwrap_err()
                .message
                .contains("deeper")
        );
        assert!(Query::parse(&deep(2000)).is_err());
        assert!(Query::parse(&"-".repeat(4000)).is_err());
        assert!(
            Query::parse(&"x".repeat(5000))
                .unwrap_err()
                .message
                .contains("5000 bytes")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn any_text_is_read_or_refused_and_reads_the_same_again(text in "[a-c中é\"\\\\*():\\- .ORANDNTlangtikes:0-9]{0,30}|\\PC{0,30}") {
            if let Ok(query) = Query::parse(&text) {
                let again = Query::parse(&query.to_string());
                prop_assert_eq!(again.as_ref(), Ok(&query), "{}", query);
            }
        }

        #[test]
        fn drawn_queries_read_as_they_are_written(text in "\\PC{0,60}", value in "\\PC{1,12}", seed: u64) {
            let mut record = Record::new(Kind::Post, "web", value.clone());
            record.text = Some(text);
            record.tags = vec![value];
            record.links = vec!["https://news.example.org/a(b)?c=\"d\"".into()];
            let mut draw = Generator::of([(&record, "harbour-news")], seed);
            for _ in 0..10 {
                let query = draw.query();
                let again = Query::parse(&query.to_string());
                prop_assert_eq!(again.as_ref(), Ok(&query), "{}", query);
            }
        }
    }
}
