//! What can be wrong with a query, as data: the interface says it in English, the pages in the language of the page.

use super::field;

/// One mistake. Texts are as the person wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The query has more bytes than are allowed.
    TooLong {
        /// Bytes it has.
        bytes: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// A closing bracket that closes nothing.
    StrayBracket,
    /// A word is missing, as behind `OR`.
    NoWord,
    /// Brackets and minus signs nest too deep.
    TooDeep {
        /// Levels allowed.
        most: usize,
    },
    /// A minus with nothing behind it.
    LoneMinus,
    /// A bracket that is not closed.
    OpenBracket,
    /// `NOT` in place of a minus.
    Not,
    /// A star that is not at the end of its word.
    StarInside {
        /// The word.
        word: String,
    },
    /// Nothing but punctuation.
    NoLetter {
        /// The text.
        text: String,
    },
    /// A field without a value.
    NoValue {
        /// The field.
        name: String,
    },
    /// More words and fields than are allowed.
    TooMany {
        /// Terms allowed.
        most: usize,
    },
    /// A quote that is not closed.
    OpenQuote,
    /// A field that there is not.
    NoField {
        /// As written.
        name: String,
        /// The field that was probably meant.
        meant: Option<&'static str>,
    },
    /// A value that a closed list does not have.
    NotOneOf {
        /// The field.
        name: String,
        /// As written.
        value: String,
        /// The values there are.
        known: Vec<&'static str>,
    },
    /// Neither a day nor a moment.
    NoMoment {
        /// The field.
        name: String,
        /// As written.
        value: String,
    },
    /// Neither a span of time nor a day.
    NoSpan {
        /// As written.
        value: String,
    },
    /// The last day lies before the first.
    DaysTurned {
        /// First day, as written.
        first: String,
        /// Last day, as written.
        last: String,
    },
    /// Neither a host nor an address.
    NoHost {
        /// As written.
        value: String,
    },
}

impl Fault {
    /// A stable name of the mistake.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            Self::StrayBracket => "stray-bracket",
            Self::NoWord => "no-word",
            Self::TooDeep { .. } => "too-deep",
            Self::LoneMinus => "lone-minus",
            Self::OpenBracket => "open-bracket",
            Self::Not => "not",
            Self::StarInside { .. } => "star-inside",
            Self::NoLetter { .. } => "no-letter",
            Self::NoValue { .. } => "no-value",
            Self::TooMany { .. } => "too-many",
            Self::OpenQuote => "open-quote",
            Self::NoField { meant: Some(_), .. } => "other-field",
            Self::NoField { meant: None, .. } => "no-field",
            Self::NotOneOf { .. } => "not-one-of",
            Self::NoMoment { .. } => "no-moment",
            Self::NoSpan { .. } => "no-span",
            Self::DaysTurned { .. } => "days-turned",
            Self::NoHost { .. } => "no-host",
        }
    }

    /// What a sentence about it names, by the names that messages use.
    #[must_use]
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooLong { bytes, most } => vec![("bytes", bytes.to_string()), ("most", most.to_string())],
            Self::TooDeep { most } | Self::TooMany { most } => vec![("most", most.to_string())],
            Self::StarInside { word } => vec![("value", word.clone())],
            Self::NoLetter { text } => vec![("value", text.clone())],
            Self::NoValue { name } => vec![("name", name.clone())],
            Self::NoField { name, meant } => vec![
                ("name", name.clone()),
                ("meant", meant.unwrap_or_default().to_owned()),
                ("known", field::NAMES.join(", ")),
            ],
            Self::NotOneOf { name, value, known } => {
                vec![("name", name.clone()), ("value", value.clone()), ("known", known.join(", "))]
            }
            Self::NoMoment { name, value } => vec![("name", name.clone()), ("value", value.clone())],
            Self::NoSpan { value } | Self::NoHost { value } => vec![("value", value.clone())],
            Self::DaysTurned { first, last } => vec![("first", first.clone()), ("last", last.clone())],
            Self::StrayBracket | Self::NoWord | Self::LoneMinus | Self::OpenBracket | Self::Not | Self::OpenQuote => {
                Vec::new()
            }
        }
    }

    /// What is wrong, in English.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::TooLong { bytes, most } => format!("the query has {bytes} bytes; {most} are allowed"),
            Self::StrayBracket => "this bracket closes nothing".to_owned(),
            Self::NoWord => "a word is missing here".to_owned(),
            Self::TooDeep { most } => format!("brackets and minus signs nest deeper than {most}"),
            Self::LoneMinus => "this minus excludes nothing".to_owned(),
            Self::OpenBracket => "this bracket is not closed".to_owned(),
            Self::Not => "`NOT` is written as a minus".to_owned(),
            Self::StarInside { word } => format!("the star in `{word}` is not at the end"),
            Self::NoLetter { text } => format!("`{text}` holds no letter and no digit"),
            Self::NoValue { name } => format!("`{name}:` has no value"),
            Self::TooMany { most } => format!("more than {most} words and fields"),
            Self::OpenQuote => "this quote is not closed".to_owned(),
            Self::NoField { name, .. } => format!("there is no field `{name}`"),
            Self::NotOneOf { name, value, .. } => format!("`{name}:` does not know `{value}`"),
            Self::NoMoment { value, .. } => format!("`{value}` is no day and no moment"),
            Self::NoSpan { value } => format!("`{value}` is no span of time and no day"),
            Self::DaysTurned { first, last } => format!("`{last}` lies before `{first}`"),
            Self::NoHost { value } => format!("`{value}` is no host and no address"),
        }
    }

    /// What to write instead, in English.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::TooLong { .. } | Self::TooMany { .. } => "ask for less at once".to_owned(),
            Self::StrayBracket => "remove it, or put it in quotes".to_owned(),
            Self::NoWord => "write a word, or put `OR`, `AND` or brackets in quotes to search for them".to_owned(),
            Self::TooDeep { .. } => "ask in a flatter way".to_owned(),
            Self::LoneMinus => {
                "write it directly before a word: `-ferry`; inside text it needs no space: `ice-free`".to_owned()
            }
            Self::OpenBracket => "add `)`, or put it in quotes".to_owned(),
            Self::Not => "write `-word`, or `\"NOT\"` to search for it".to_owned(),
            Self::StarInside { .. } => "only beginnings of words can be searched: `harb*`".to_owned(),
            Self::NoLetter { .. } => "punctuation can't be searched for; remove it".to_owned(),
            Self::NoValue { name } => format!("write it without a space: `{name}:…`"),
            Self::OpenQuote => "add `\"` at the end of the exact words".to_owned(),
            Self::NoField { meant: Some(known), .. } => {
                format!("did you mean `{known}:`? To search for the text itself, put it in quotes")
            }
            Self::NoField { meant: None, .. } => {
                format!("known are {}; to search for the text itself, put it in quotes", field::NAMES.join(", "))
            }
            Self::NotOneOf { known, .. } => format!("write one of {}", known.join(", ")),
            Self::NoMoment { name, .. } => {
                format!("write `{name}:2026-10-01`, `{name}:2026-10`, `{name}:2026` or `{name}:2026-10-01T09:00:00Z`")
            }
            Self::NoSpan { .. } => {
                "write `seen:24h`, `seen:7d`, `seen:2w`, `seen:2026-10-01` or `seen:2026-10-01..2026-10-05`".to_owned()
            }
            Self::DaysTurned { .. } => "write the earlier day first".to_owned(),
            Self::NoHost { .. } => "write `link:example.org` or `link:example.org/news/*`".to_owned(),
        }
    }
}
