//! When do hits lie, and was anybody looking then? Bars as SVG, and the same as a table.
//!
//! Under the bars runs a strip of coverage: where nobody looked, an absence of bars is a gap of ours and not silence at the source.

use std::collections::BTreeMap;

use jiff::{ToSpan as _, civil::Date};

use super::frame::Frame;
use crate::{desk::Looks, search::Count};

/// Most bars; more days are joined to months, more months to years.
const MOST: usize = 92;
/// Width and height of the drawing's plane.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 120;

/// Bars and rows.
pub struct Timeline {
    /// What it shows, in a sentence.
    pub caption: String,
    /// Bars in the plane of 960 × 140.
    pub bars: Vec<Bar>,
    /// First and last day, and the tallest count.
    pub from: String,
    pub to: String,
    pub highest: String,
    /// Rows of the table: bars with hits or gaps.
    pub rows: Vec<Row>,
}

/// One bar with its piece of the strip.
pub struct Bar {
    pub x: String,
    pub width: String,
    pub y: String,
    pub height: String,
    pub has_hits: bool,
    /// `looked`, `gaps` or `none`.
    pub coverage: &'static str,
    pub title: String,
}

/// The same in words.
pub struct Row {
    pub label: String,
    pub count: String,
    pub link: String,
    pub words: String,
}

struct Bucket {
    first: Date,
    end: Date,
    count: u64,
    looks: Looks,
}

/// How buckets are cut.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Day,
    Month,
    Year,
}

/// The timeline of the days' counts; none where no day can be read.
pub fn of(
    f: &Frame,
    days: &[Count],
    looks: &dyn Fn(Date, Date) -> BTreeMap<Date, Looks>,
    link: &dyn Fn(&str, &str) -> String,
) -> Option<Timeline> {
    let counts: BTreeMap<Date, u64> =
        days.iter().filter_map(|day| Some((day.value.parse().ok()?, day.count))).collect();
    let (first, last) = (*counts.keys().next()?, *counts.keys().next_back()?);
    let span = usize::try_from((last - first).get_days()).unwrap_or_default();
    let cut = match span {
        0..MOST => Cut::Day,
        days if days < MOST * 30 => Cut::Month,
        _ => Cut::Year,
    };
    // Two weeks at least, so that one day does not fill the page.
    let first = if cut == Cut::Day { first.min(last.checked_sub(13.days()).ok()?) } else { first };
    let mut buckets: Vec<Bucket> = Vec::new();
    let mut at = start(first, cut)?;
    while at <= last && buckets.len() < 400 {
        let end = after(at, cut)?;
        let count = counts.range(at..end).map(|(_, count)| count).sum();
        buckets.push(Bucket { first: at, end, count, looks: Looks::default() });
        at = end;
    }
    let (from, to) = (buckets.first()?.first, buckets.last()?.end.yesterday().ok()?);
    for (day, looks) in looks(from, to) {
        let place = buckets.partition_point(|bucket| bucket.end <= day);
        if let Some(bucket) = buckets.get_mut(place).filter(|bucket| bucket.first <= day) {
            bucket.looks.due += looks.due;
            bucket.looks.whole += looks.whole;
            bucket.looks.made += looks.made;
        }
    }
    let highest = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(1).max(1);
    let step = f64::from(WIDTH) / buckets.len() as f64;
    let gap = (step * 0.18).clamp(0.5, 4.0);
    let mut timeline = Timeline {
        caption: f.t(match cut {
            Cut::Day => "timeline-by-day",
            Cut::Month => "timeline-by-month",
            Cut::Year => "timeline-by-year",
        }),
        bars: Vec::new(),
        from: f.lang.day(from),
        to: f.lang.day(to),
        highest: f.number(&highest),
        rows: Vec::new(),
    };
    for (at, bucket) in buckets.iter().enumerate() {
        let coverage = match bucket.looks {
            Looks { made: 0, .. } => "none",
            Looks { due, whole, .. } if due == whole => "looked",
            _ => "gaps",
        };
        let height = if bucket.count == 0 {
            0.0
        } else {
            (f64::from(HEIGHT - 4) * bucket.count as f64 / highest as f64).max(3.0)
        };
        let label = match cut {
            Cut::Day => f.lang.day(bucket.first),
            Cut::Month => {
                f.lang.day(bucket.first).split_once('\u{a0}').map(|(_, month)| month.to_owned()).unwrap_or_default()
            }
            Cut::Year => bucket.first.year().to_string(),
        };
        let words = f.t(&format!("timeline-{coverage}"));
        let count = f.n("timeline-count", &bucket.count);
        timeline.bars.push(Bar {
            x: format!("{:.2}", at as f64 * step + gap / 2.0),
            width: format!("{:.2}", step - gap),
            y: format!("{:.2}", f64::from(HEIGHT) - height),
            height: format!("{height:.2}"),
            has_hits: bucket.count > 0,
            coverage,
            title: format!("{label} – {count} – {words}"),
        });
        if bucket.count > 0 {
            let link = link(&bucket.first.to_string(), &bucket.end.to_string());
            timeline.rows.push(Row { label, count: f.number(&bucket.count), link, words });
        }
    }
    timeline.rows.reverse();
    Some(timeline)
}

fn start(day: Date, cut: Cut) -> Option<Date> {
    match cut {
        Cut::Day => Some(day),
        Cut::Month => Some(day.first_of_month()),
        Cut::Year => Some(day.first_of_year()),
    }
}

fn after(day: Date, cut: Cut) -> Option<Date> {
    match cut {
        Cut::Day => day.tomorrow().ok(),
        Cut::Month => day.checked_add(1.month()).ok(),
        Cut::Year => day.checked_add(1.year()).ok(),
    }
}
