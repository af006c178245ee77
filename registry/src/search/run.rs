//! Which hits does a query have, how many, and spread how?

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use serde::Serialize;

use super::compile::{Condition, LATE, REVISED, compile};
use super::cursor::{self, Place};
use super::options::{MAX_LIMIT, Options, Order};
use super::{Query, SearchError, watchdog};

/// Most values of a facet; the rarest are left out.
pub const MAX_FACET_VALUES: u32 = 100;
/// Most days of the histogram; the oldest are left out.
pub const MAX_DAYS: u32 = 4000;

const DAY_MICROSECONDS: i64 = 24 * 3600 * 1_000_000;

// Title before names before body.
const RELEVANCE: &str = "bm25(search_word, 4.0, 1.0, 2.0, 0.0)";

/// One page of hits and what is known of all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The query in its one spelling.
    pub query: String,
    /// The index has followed the log to this size: later leaves may hold more.
    pub complete_to: u64,
    /// Number of all hits.
    pub total: u64,
    /// Hits of this page.
    pub hits: Vec<Hit>,
    /// Cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Counts over all hits, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<Facets>,
}

/// One item in one version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// `revisions.id`.
    pub revision: i64,
    /// `items.id`.
    pub item: i64,
    /// System whose ids these are.
    pub platform: String,
    /// The record's `id`.
    pub id: String,
    /// What sort of thing it is.
    pub kind: String,
    /// As declared by the source, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Entry it was first seen under.
    pub source: String,
    /// Host it was seen through.
    pub vantage: String,
    /// False for a claim about somebody else's item.
    pub is_home: bool,
    /// What `after:` and the order look at.
    pub time: Timestamp,
    /// True if `time` is what the source says, false if it is when we saw it.
    pub time_is_claimed: bool,
    /// When this version was first seen.
    pub first_seen_at: Timestamp,
    /// The version the item has now.
    pub is_current: bool,
    /// The item was withdrawn.
    pub is_gone: bool,
    /// The item left a source that is published whole, and is not back.
    pub is_vanished: bool,
    /// The item is known in more than one version.
    pub is_revised: bool,
    /// This version was learned of after a later one.
    pub is_late: bool,
}

/// How hits spread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// Over platforms, most first; as the following, at most [`MAX_FACET_VALUES`].
    pub platform: Vec<Count>,
    /// Over entries.
    pub source: Vec<Count>,
    /// Over declared languages; empty for none.
    pub language: Vec<Count>,
    /// Over kinds.
    pub kind: Vec<Count>,
    /// Over UTC days of `time`, oldest first; days without a hit are left out. At most [`MAX_DAYS`], the newest.
    pub day: Vec<Count>,
}

/// How many hits have a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The value; `YYYY-MM-DD` for days.
    pub value: String,
    /// How many.
    pub count: u64,
}

/// Answers queries from the tables of [`super::index`] and the store's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search;

impl Search {
    /// How far search has followed the log.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn complete_to(connection: &Connection) -> Result<u64, SearchError> {
        let size: i64 = connection.query_row("SELECT size FROM followed", [], |row| row.get(0))?;
        Ok(size.unsigned_abs())
    }

    /// Answers a query. Page, counts and `complete_to` speak of one state of the tables.
    ///
    /// While it runs, the connection must have no other statement in use: all end with it when the time is over.
    ///
    /// # Errors
    ///
    /// [`SearchError::NotYet`] below `min_size`, [`SearchError::TooSlow`], [`SearchError::Limit`], [`SearchError::Cursor`]; the engine's.
    pub fn run(connection: &Connection, query: &Query, options: &Options) -> Result<Answer, SearchError> {
        if options.limit == 0 || options.limit > MAX_LIMIT {
            return Err(SearchError::Limit { limit: options.limit, most: MAX_LIMIT });
        }
        let place = match &options.cursor {
            Some(cursor) => Some(cursor::read(query, options, cursor)?),
            None => None,
        };
        watchdog::within(connection, options.time_limit, || {
            // A caller's transaction gives one state already.
            let snapshot = if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None };
            let answer = answer(connection, query, options, place);
            drop(snapshot);
            answer
        })
    }
}

fn answer(
    connection: &Connection,
    query: &Query,
    options: &Options,
    place: Option<Place>,
) -> Result<Answer, SearchError> {
    let complete_to = Search::complete_to(connection)?;
    if let Some(min_size) = options.min_size.filter(|min_size| *min_size > complete_to) {
        return Err(SearchError::NotYet { min_size, complete_to });
    }
    let condition = compile(query, options);
    let (total, facets) = if options.facets {
        let (total, facets) = facets(connection, &condition)?;
        (total, Some(facets))
    } else {
        let sql = format!("SELECT count(*) FROM {FROM} WHERE {}", condition.sql);
        (
            connection
                .prepare_cached(&sql)?
                .query_row(params_from_iter(&condition.values), |row| row.get::<_, i64>(0))?,
            None,
        )
    };
    let (hits, next) = page(connection, query, options, &condition, place)?;
    Ok(Answer { query: query.to_string(), complete_to, total: total.unsigned_abs(), hits, next, facets })
}

const FROM: &str = "search_doc d JOIN items i ON i.id = d.item";

fn page(
    connection: &Connection,
    query: &Query,
    options: &Options,
    condition: &Condition,
    place: Option<Place>,
) -> Result<(Vec<Hit>, Option<String>), SearchError> {
    let columns = format!(
        "d.row, d.item, d.platform, d.native, d.kind, d.language, d.entry, d.vantage, d.home, d.time, d.claimed, d.seen,
         d.row = i.current, i.gone, {REVISED}, {LATE}, i.vanished"
    );
    let filter = &condition.sql;
    let mut values = condition.values.clone();
    let mut put = |value: i64| {
        values.push(Value::Integer(value));
        format!("?{}", values.len())
    };
    let limit = put(i64::from(options.limit) + 1);
    let mut offset = 0_u32;
    let sql = match options.order {
        Order::Newest => {
            let behind = match place {
                Some(Place::Behind { time, row }) => {
                    format!("AND (d.time, d.row) < ({}, {})", put(time), put(row))
                }
                _ => String::new(),
            };
            format!(
                "SELECT {columns} FROM {FROM} WHERE {filter} {behind} ORDER BY d.time DESC, d.row DESC LIMIT {limit}"
            )
        }
        Order::Relevance => {
            if let Some(Place::Offset(found)) = place {
                offset = found;
            }
            let skip = put(i64::from(offset));
            match &condition.wanted {
                None => format!(
                    "SELECT {columns} FROM {FROM} WHERE {filter} ORDER BY d.time DESC, d.row DESC LIMIT {limit} OFFSET {skip}"
                ),
                Some(wanted) => {
                    values.push(Value::Text(wanted.clone()));
                    let wanted = values.len();
                    format!(
                        "WITH ranked AS MATERIALIZED (SELECT rowid AS row, {RELEVANCE} AS rank FROM search_word WHERE search_word MATCH ?{wanted})
                         SELECT {columns} FROM {FROM} LEFT JOIN ranked ON ranked.row = d.row WHERE {filter}
                         ORDER BY ifnull(ranked.rank, 0.0), d.time DESC, d.row DESC LIMIT {limit} OFFSET {skip}"
                    )
                }
            }
        }
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let mut hits = statement.query_map(params_from_iter(&values), hit)?.collect::<Result<Vec<_>, _>>()?;
    let wanted = usize::try_from(options.limit).unwrap_or(usize::MAX);
    if hits.len() <= wanted {
        return Ok((hits, None));
    }
    hits.truncate(wanted);
    let place = match (options.order, hits.last()) {
        (Order::Relevance, _) => Place::Offset(offset.saturating_add(options.limit)),
        (Order::Newest, Some(last)) => Place::Behind { time: last.time.as_microsecond(), row: last.revision },
        (Order::Newest, None) => return Ok((hits, None)),
    };
    Ok((hits, Some(cursor::write(query, options, place))))
}

fn hit(row: &Row<'_>) -> rusqlite::Result<Hit> {
    let moment = |column: usize| -> rusqlite::Result<Timestamp> {
        let value = row.get(column)?;
        Timestamp::from_microsecond(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
    };
    let language: String = row.get(5)?;
    Ok(Hit {
        revision: row.get(0)?,
        item: row.get(1)?,
        platform: row.get(2)?,
        id: row.get(3)?,
        kind: row.get(4)?,
        language: if language.is_empty() { None } else { Some(language) },
        source: row.get(6)?,
        vantage: row.get(7)?,
        is_home: row.get(8)?,
        time: moment(9)?,
        time_is_claimed: row.get(10)?,
        first_seen_at: moment(11)?,
        is_current: row.get(12)?,
        is_gone: row.get(13)?,
        is_vanished: row.get(16)?,
        is_revised: row.get(14)?,
        is_late: row.get(15)?,
    })
}

fn facets(connection: &Connection, condition: &Condition) -> Result<(i64, Facets), SearchError> {
    // Floor division, so that moments before 1970 fall on their own day.
    let day = format!(
        "(time - ((time % {DAY_MICROSECONDS}) + {DAY_MICROSECONDS}) % {DAY_MICROSECONDS}) / {DAY_MICROSECONDS}"
    );
    let top = |name: &str, column: &str| {
        format!(
            "SELECT * FROM (SELECT '{name}', {column} AS value, count(*) AS n FROM hit GROUP BY {column}
             ORDER BY n DESC, value LIMIT {MAX_FACET_VALUES})"
        )
    };
    let sql = format!(
        "WITH hit AS MATERIALIZED (SELECT d.platform, d.entry, d.language, d.kind, d.time FROM {FROM} WHERE {})
         SELECT 'total', '', count(*) FROM hit
         UNION ALL {} UNION ALL {} UNION ALL {} UNION ALL {}
         UNION ALL SELECT * FROM (SELECT 'day', {day} AS value, count(*) FROM hit GROUP BY value ORDER BY value DESC LIMIT {MAX_DAYS})",
        condition.sql,
        top("platform", "platform"),
        top("source", "entry"),
        top("language", "language"),
        top("kind", "kind"),
    );
    let mut total = 0;
    let mut facets = Facets::default();
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&condition.values))?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let found: i64 = row.get(2)?;
        let count = found.unsigned_abs();
        let list = match name.as_str() {
            "platform" => &mut facets.platform,
            "source" => &mut facets.source,
            "language" => &mut facets.language,
            "kind" => &mut facets.kind,
            "day" => {
                facets.day.extend(day_text(row.get(1)?).map(|value| Count { value, count }));
                continue;
            }
            _ => {
                total = found;
                continue;
            }
        };
        list.push(Count { value: row.get(1)?, count });
    }
    facets.day.reverse();
    Ok((total, facets))
}

fn day_text(day: i64) -> Option<String> {
    let at = Timestamp::from_microsecond(day.checked_mul(DAY_MICROSECONDS)?).ok()?;
    let date: Date = at.to_zoned(TimeZone::UTC).date();
    Some(date.to_string())
}
