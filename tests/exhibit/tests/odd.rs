//! Are the odd newsrooms odd in the way they promise?

mod common;

use common::{ask, at, count, get, open};
use exhibit::Lang;

#[test]
fn the_fast_feed_loses_entries_between_rounds() {
    let exhibit = open(&["fast"]);
    at(&exhibit, 3);
    let truth = exhibit.truth_of("fast");
    assert_eq!(truth.entries.len(), 5 + 3 * 9);
    let lost = truth.entries.iter().filter(|entry| entry.visible_rounds.is_empty()).count();
    assert_eq!(lost, 3 * 4);
    assert_eq!(count(&get(&exhibit.feed_url("fast")).text(), "<entry "), 5);
}

#[test]
fn the_liar_lies_both_ways() {
    let exhibit = open(&["liar"]);
    let url = exhibit.feed_url("liar");
    let first = get(&url);
    exhibit.advance();
    let second = get(&url);
    assert_eq!(first.header("etag"), second.header("etag"));
    assert!(first.body != second.body);
    assert_eq!(ask("GET", &url, &[("if-none-match", first.header("etag"))]).status, 304);
    let twitchy = format!("{}/twitchy.atom", exhibit.url("liar"));
    let (first, second) = (get(&twitchy), get(&twitchy));
    assert_ne!(first.header("etag"), second.header("etag"));
    assert!(first.body == second.body);
    assert_eq!(ask("GET", &twitchy, &[("if-none-match", second.header("etag"))]).status, 200);
}

#[test]
fn what_moved_says_where_and_elsewhere_stays_unvisited() {
    let exhibit = open(&["moved", "elsewhere"]);
    let moved = get(&exhibit.feed_url("moved"));
    assert_eq!(moved.header("location"), format!("{}/feeds/current.atom", exhibit.url("moved")));
    assert!(get(moved.header("location")).text().contains("<entry "));
    let away = get(&format!("{}/away.atom", exhibit.url("moved")));
    assert_eq!((away.status, away.header("location")), (302, exhibit.feed_url("elsewhere").as_str()));
    assert_eq!((exhibit.connections("elsewhere"), exhibit.requests("elsewhere")), (0, 0));
}

#[test]
fn retry_after_comes_in_both_forms_before_the_feed() {
    let exhibit = open(&["slowdown"]);
    let url = exhibit.feed_url("slowdown");
    let (seconds, date, feed) = (get(&url), get(&url), get(&url));
    assert_eq!((seconds.status, seconds.header("retry-after")), (429, "2"));
    assert_eq!(date.status, 429);
    let parsed = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", date.header("retry-after")).unwrap();
    assert!(parsed.to_datetime().unwrap().year() >= 2024);
    assert_eq!(feed.status, 200);
    assert!(feed.text().contains("<entry "));
}

#[test]
fn walls_say_200_and_mean_no() {
    let exhibit = open(&["wall", "login", "forbidden"]);
    let wall = get(&exhibit.feed_url("wall"));
    assert_eq!((wall.status, wall.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(wall.text().contains("Checking your browser"));
    assert!(get(&exhibit.feed_url("login")).header("www-authenticate").starts_with("Basic"));
}

#[test]
fn the_torn_feed_has_good_items_around_its_faults() {
    let exhibit = open(&["malformed"]);
    at(&exhibit, 1);
    let feed = get(&exhibit.feed_url("malformed")).text();
    assert_eq!((count(&feed, "<item>"), count(&feed, "</item>")), (8, 8));
    assert!(feed.contains(" & sons") && feed.contains("32 Octember") && feed.contains("<description><b>"));
    assert!(feed.contains("the day before yesterday"));
    let cut = get(&format!("{}/cut.rss", exhibit.url("malformed"))).text();
    assert_eq!((count(&cut, "<item>"), count(&cut, "</item>"), count(&cut, "</rss>")), (8, 7, 0));
}

#[test]
fn the_wave_passes_through_three_outlets_and_three_languages() {
    let exhibit = open(&["mirror-a", "mirror-b", "mirror-c"]);
    at(&exhibit, 4);
    let mut posts = Vec::new();
    for truth in exhibit.truth() {
        let wave = truth.entries.iter().filter(|entry| entry.wave.as_deref() == Some("wave-1"));
        posts.extend(wave.map(|entry| (entry.published_round, truth.newsroom.clone(), entry.language)));
        let feed = get(&exhibit.feed_url(&truth.newsroom)).text();
        assert_eq!(count(&feed, "coast-facts.example.net/report/gate&lt;/a"), 3);
    }
    posts.sort();
    assert_eq!(posts.len(), 9);
    assert_eq!(posts[0], (2, "mirror-a".to_owned(), Lang::En));
    assert!(posts.iter().all(|(round, ..)| (2..=4).contains(round)));
}

#[test]
fn the_feed_ajar_is_well_formed_with_one_item_that_says_nothing() {
    let exhibit = open(&["malformed"]);
    let feed = get(&format!("{}/ajar.rss", exhibit.url("malformed"))).text();
    assert_eq!((count(&feed, "<item>"), count(&feed, "</item>"), count(&feed, "<guid ")), (6, 6, 5));
    assert!(feed.contains("32 Octember") && feed.contains("yesterday") && feed.ends_with("</rss>\n"));
}
