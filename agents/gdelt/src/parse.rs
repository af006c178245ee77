//! What does an article list say?

use jiff::Timestamp;
use kit::{Answer, Halt, Json as _, Scope, Unreadable};
use schemas::record::{Author, Kind, Media, Record};
use serde_json::Value;

/// An article. GDELT writes every field always, and empty where it knows nothing.
pub fn record(article: &Value) -> Result<Record, Unreadable> {
    let said = |at| article.need::<String>(at).map(|words| Some(words).filter(|words| !words.trim().is_empty()));
    let url = said("/url")?.ok_or_else(|| Unreadable::missing("/url"))?;
    let seen: &str = article.need("/seendate")?;
    let seen: Timestamp = seen.parse().map_err(|_| Unreadable::unknown_value("/seendate", seen))?;

    let mut record = Record::new(Kind::Article, "gdelt", &url);
    record.url = Some(url);
    record.title = said("/title")?;
    record.author = said("/domain")?.map(|domain| Author { id: Some(domain), ..Author::default() });
    record.media = said("/socialimage")?.map(|url| Media { url, alt: None, media_type: None }).into_iter().collect();
    record.set_extra("language", said("/language")?);
    record.set_extra("outlet_country", said("/sourcecountry")?);
    record.set_extra("volatile_seen_by_gdelt_at", seen.to_string());
    Ok(record)
}

/// Whether GDELT says, as prose in a 200, that the time asked for is shorter than it lists. Which times are is not documented.
pub fn is_too_short<S>(answer: &Answer<'_, S>) -> bool {
    let whole = answer.status() == 200 && answer.truncated().is_none();
    whole && answer.raw_text().is_ok_and(|words| words.trim_start().to_lowercase().starts_with("timespan is too short"))
}

/// What an answer that is no JSON means: GDELT puts its throttle and its opinion of a query into a 200, as prose.
pub fn prose<S>(answer: &Answer<'_, S>, halt: Halt<S>) -> Halt<S> {
    match (&halt, answer.raw_text()) {
        (Halt::Unreadable { .. }, Ok(words)) if !words.trim_start().starts_with('{') => {
            if words.to_lowercase().contains("limit requests") {
                return Halt::SlowDown { until: answer.retry_after(60), scope: Scope::Host };
            }
            answer.unreadable("query", format!("GDELT says: {}", words.trim().chars().take(300).collect::<String>()))
        }
        _ => halt,
    }
}
