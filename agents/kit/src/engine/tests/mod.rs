//! Runs of invented collectors against an invented network.

pub(crate) mod collectors;
mod crashes;
mod deaths;
mod lists;
pub(crate) mod world;

use schemas::coverage::CoverageState::{Blocked, Complete, Empty, Failed, Partial, RateLimited};

use collectors::{Feed, Listing, Particular, article_url, page_url};
use world::{Reply, START, World};

fn json(text: &str) -> Reply {
    Reply::Json(text.to_owned())
}

/// Three pages of four articles each, newest first.
pub(crate) fn listing(url: &str) -> Reply {
    for page in 1..=3_u64 {
        if url == page_url(page) {
            let ids: Vec<u64> = (0..4).map(|n| 12 - (page - 1) * 4 - n).collect();
            let next = if page < 3 { format!(",\"next\":{}", page + 1) } else { String::new() };
            let newest = if page == 1 { ",\"newest\":12" } else { "" };
            return Reply::Json(format!("{{\"articles\":{ids:?}{next}{newest}}}"));
        }
    }
    let id = url.rsplit('/').next().unwrap();
    Reply::Json(format!("{{\"id\":{id},\"title\":\"Notice {id}\"}}"))
}

fn at(dir: &tempfile::TempDir, hours: i64) -> String {
    let _ = dir;
    let start: jiff::Timestamp = START.parse().unwrap();
    start.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap().to_string()
}

fn feed() -> (tempfile::TempDir, World) {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), Feed, START, 500);
    (dir, world)
}

fn walk() -> (tempfile::TempDir, World) {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), Listing, START, 500);
    world.net.answers(listing);
    (dir, world)
}

#[tokio::test]
async fn walk_collects_all_pages_and_follow_ups_and_moves_the_cursor() {
    let (_dir, world) = walk();
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.records, coverage.new, coverage.requests), (Complete, 12, 12, 15));
    assert_eq!(world.cursor(), Some(12.into()));
    let segments = world.segments();
    assert_eq!(segments.len(), 1);
    let view = segments[0].view().unwrap();
    assert_eq!(view.captures.len(), 15);
    assert!(view.captures.iter().all(|capture| capture.conversion.is_some()), "every answer was read");
    assert!(view.commit.unwrap().1.complete);
}

#[tokio::test]
async fn seed_that_means_nothing_is_told_and_nothing_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), Particular, START, 500);
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.requests), (Failed, 0));
    assert_eq!(coverage.why.unwrap(), "collector `posts`: plan: seed: is no timeline");
}

#[tokio::test]
async fn second_run_asks_one_page_when_nothing_is_new() {
    let (_dir, world) = walk();
    world.poll().await;
    world.net.take_asked();
    let coverage = world.poll().await;
    assert_eq!(world.net.take_asked(), [page_url(1)]);
    assert_eq!((coverage.state, coverage.new), (Complete, 0));
}

#[tokio::test]
async fn broken_page_holds_the_cursor_back_until_a_run_is_whole() {
    let (_dir, world) = walk();
    world.net.answers(|url| if url == page_url(2) { json("{}") } else { listing(url) });
    let coverage = world.poll().await;
    assert_eq!((coverage.state, world.cursor()), (Partial, None));
    assert!(coverage.why.unwrap().contains("unreadable"));
    world.net.answers(listing);
    world.net.take_asked();
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.new), (Complete, 8), "articles of the first page are not asked again");
    assert_eq!(world.cursor(), Some(12.into()));
    assert_eq!(world.net.take_asked().len(), 3 + 8);
}

#[tokio::test]
async fn failed_follow_up_is_tried_after_an_hour_and_the_cursor_does_not_wait() {
    let (_dir, world) = walk();
    world.net.answers(|url| if url == article_url(5) { Reply::Failed } else { listing(url) });
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.records), (Partial, 11));
    assert_eq!(world.cursor(), Some(12.into()));
    world.net.answers(listing);
    world.net.take_asked();
    world.poll().await;
    assert_eq!(world.net.take_asked(), [page_url(1)], "its pause is not over");
    world.clock.pass(3_601);
    let coverage = world.poll().await;
    assert_eq!(coverage.records, 1);
    assert_eq!(world.net.take_asked(), [page_url(1), article_url(5)]);
}

#[tokio::test]
async fn follow_up_is_given_up_after_its_three_pauses() {
    let (_dir, world) = walk();
    world.net.answers(|url| if url == article_url(5) { Reply::Failed } else { listing(url) });
    for pause in [3_601, 21_601, 86_401] {
        world.poll().await;
        world.clock.pass(pause);
    }
    assert!(world.poll().await.why.unwrap().contains("given up"));
    world.clock.pass(10 * 86_400);
    world.net.take_asked();
    assert_eq!(world.poll().await.state, Complete);
    assert_eq!(world.net.take_asked(), [page_url(1)]);
}

#[tokio::test]
async fn refused_follow_up_is_settled_and_refused_page_is_a_failed_one() {
    let (_dir, world) = walk();
    world.net.answers(|url| if url == article_url(5) { Reply::Refused } else { listing(url) });
    world.poll().await;
    assert_eq!(world.cursor(), Some(12.into()));
    world.clock.pass(100_000);
    world.net.take_asked();
    world.poll().await;
    assert_eq!(world.net.take_asked(), [page_url(1)]);

    let (_dir, world) = walk();
    world.net.answers(|url| if url == page_url(3) { Reply::Refused } else { listing(url) });
    assert_eq!((world.poll().await.state, world.cursor()), (Partial, None));
}

#[tokio::test]
async fn budget_that_is_spent_leaves_the_frontier_for_the_next_run() {
    let (_dir, world) = walk();
    world.net.answers(|url| if url == page_url(2) { Reply::Budget } else { listing(url) });
    assert_eq!(world.poll().await.state, RateLimited);
    world.net.answers(listing);
    world.net.take_asked();
    assert_eq!(world.poll().await.state, Complete);
    assert_eq!(world.net.take_asked()[0], page_url(2), "the walk goes on, it does not begin again");
    assert_eq!(world.cursor(), Some(12.into()));
}

#[tokio::test]
async fn short_pause_is_waited_out_and_a_long_one_ends_the_run() {
    let (_dir, world) = feed();
    let first = std::sync::atomic::AtomicBool::new(true);
    world.net.answers(move |_| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            Reply::Limited(30)
        } else {
            json("{\"posts\":[1]}")
        }
    });
    assert_eq!(world.poll().await.state, Complete);
    world.net.answers(|_| Reply::Limited(3_600));
    let coverage = world.poll().await;
    assert_eq!(coverage.state, RateLimited);
}

#[tokio::test]
async fn blocked_target_stops_and_says_so() {
    let (_dir, world) = feed();
    world.net.answers(|_| Reply::Blocked);
    assert_eq!(world.poll().await.state, Blocked);
    assert_eq!(world.engine.state.blocked("harbour-news").unwrap().unwrap().what, "403 Forbidden");
    assert_eq!(world.segments().len(), 1, "what was met is kept");
}

#[tokio::test]
async fn host_that_is_down_is_failed_and_a_segment_says_so() {
    let (_dir, world) = feed();
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.failed), (Failed, 1));
    assert_eq!(world.segments()[0].view().unwrap().captures.len(), 1);
}

#[tokio::test]
async fn feed_that_joins_the_last_one_is_complete_and_one_that_does_not_is_partial() {
    let (_dir, world) = feed();
    world.net.answers(|_| json("{\"posts\":[1,2,3]}"));
    assert_eq!(world.poll().await.state, Complete, "nothing came before it");
    world.net.answers(|_| json("{\"posts\":[3,4,5]}"));
    assert_eq!(world.poll().await.state, Complete);
    world.net.answers(|_| json("{\"posts\":[8,9]}"));
    let coverage = world.poll().await;
    assert_eq!(coverage.state, Partial);
    assert!(coverage.why.unwrap().contains("seen before"));
    world.net.answers(|_| json("\"empty\""));
    assert_eq!(world.poll().await.state, Empty);
}

#[tokio::test]
async fn unchanged_answer_is_complete_and_validators_come_only_of_what_was_read() {
    let (_dir, world) = feed();
    world.net.answers(|_| Reply::Tagged("\"what is this\"".into(), "\"a\""));
    assert_eq!(world.poll().await.state, Failed);
    world.net.answers(|_| Reply::Tagged("{\"posts\":[1]}".into(), "\"a\""));
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.records), (Complete, 1), "an unreadable body is asked for again");
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.records, coverage.requests), (Complete, 0, 1));
}

#[tokio::test]
async fn source_that_is_not_ready_is_asked_again_and_then_asked_otherwise() {
    let (_dir, world) = feed();
    world.net.answers(|url| if url.ends_with("/other") { json("{\"posts\":[1]}") } else { json("{\"not_yet\":3}") });
    assert_eq!(world.poll().await.state, Complete);
    let list = "https://news.example.org/list".to_owned();
    assert_eq!(world.net.take_asked(), [list.clone(), list.clone(), list, "https://news.example.org/other".to_owned()]);
}

#[tokio::test]
async fn eight_replacements_are_followed_and_the_ninth_fails() {
    let (_dir, world) = feed();
    let turn = std::sync::atomic::AtomicU32::new(0);
    world
        .net
        .answers(move |_| json(&format!("{{\"smaller\":{}}}", turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst))));
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.requests), (Failed, 9));
    assert!(coverage.why.unwrap().contains("8 times"));
}

#[tokio::test]
async fn pause_asked_for_by_a_reading_reaches_the_network() {
    let (_dir, world) = feed();
    world.net.answers(|_| json("{\"slow_down\":7200}"));
    assert_eq!(world.poll().await.state, RateLimited);
    assert_eq!(world.net.rests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn refusal_that_is_read_is_a_pause_or_else_a_block() {
    let (_dir, world) = feed();
    world.net.answers(|_| Reply::Refusal("{\"slow_down\":7200}"));
    assert_eq!(world.poll().await.state, RateLimited);
    assert_eq!(world.net.rests.lock().unwrap().len(), 1);
    // Read otherwise, not understood, and too long to be kept.
    for text in ["{\"posts\":[1]}", "\"gone\"", "{\"not_yet\":3}", "<html>", "{\"long\":25}"] {
        let (_dir, world) = feed();
        world.net.answers(move |_| Reply::Refusal(text));
        let coverage = world.poll().await;
        assert_eq!((coverage.state, coverage.requests, coverage.records), (Blocked, 1, 0), "{text}");
        assert!(world.engine.state.blocked("harbour-news").unwrap().is_some(), "{text}");
    }
}

#[tokio::test]
async fn source_that_repeats_itself_is_cut() {
    let (_dir, world) = feed();
    world.net.answers(|_| json("\"loop\""));
    let coverage = world.poll().await;
    assert_eq!((coverage.state, coverage.requests), (Partial, 1));
    assert!(coverage.why.unwrap().contains("repeats itself"));
}

#[tokio::test]
async fn fewer_items_than_the_source_counts_is_partial() {
    let (_dir, world) = feed();
    world.net.answers(|_| json("{\"promise\":3}"));
    let coverage = world.poll().await;
    assert_eq!(coverage.state, Partial);
    assert!(coverage.why.unwrap().contains("3 items"));
}

#[tokio::test]
async fn wanted_items_are_described_once_answered_or_not() {
    let (_dir, world) = feed();
    world.net.answers(|url| match url.rsplit('/').next() {
        Some("list") => json("{\"want\":[7,8]}"),
        Some("8") => json("\"empty\""),
        _ => json("{\"posts\":[7]}"),
    });
    let found = world.poll_and_items().await;
    assert_eq!(found.len(), 2);
    assert!(found[1].why.as_deref().unwrap().contains("1 items were asked for and not answered"));
    world.net.take_asked();
    assert_eq!(world.poll_and_items().await.len(), 1, "item 8 stays settled although nothing came");
    assert_eq!(world.net.take_asked().len(), 1);
}

#[tokio::test]
async fn check_that_comes_to_nothing_is_made_again_later_and_given_up_after_its_three_pauses() {
    let (_dir, mut world) = feed();
    std::sync::Arc::get_mut(&mut world.engine).unwrap().recheck_after_secs = Some(vec![3_600, 30 * 86_400]);
    world.net.answers(|_| json("{\"posts\":[7]}"));
    world.poll_and_items().await;
    let list = ["https://news.example.org/list".to_owned()];
    let both = [list[0].clone(), "https://news.example.org/post/7".to_owned()];
    world.net.answers(|url| if url.ends_with("list") { json("{\"posts\":[7]}") } else { json("torn") });
    for pause in [3_601, 3_601, 21_601, 86_401] {
        world.net.take_asked();
        world.poll_and_items().await;
        assert_eq!(world.net.take_asked(), list, "nothing is due");
        world.clock.pass(pause);
        let found = world.poll_and_items().await;
        assert!(found[1].why.as_deref().unwrap().contains("asked for and not answered"), "{found:?}");
        assert_eq!(world.net.take_asked(), both, "once in a run");
    }
    world.clock.pass(29 * 86_400);
    world.poll_and_items().await;
    assert_eq!(world.net.take_asked(), list, "given up until the next check");
    world.clock.pass(86_401);
    world.net.answers(|_| json("{\"posts\":[7]}"));
    world.poll_and_items().await;
    assert_eq!(world.net.take_asked(), both);
    world.clock.pass(40 * 86_400);
    world.poll_and_items().await;
    assert_eq!(world.net.take_asked(), list, "that was the last one");
}

#[tokio::test]
async fn item_asked_for_by_the_id_of_one_that_is_gone_is_neither_gone_nor_answered() {
    let (_dir, mut world) = feed();
    std::sync::Arc::get_mut(&mut world.engine).unwrap().recheck_after_secs = Some(vec![3_600, 30 * 86_400]);
    for said in ["{\"posts\":[7]}", "{\"reposts\":[7]}"] {
        world.net.answers(|_| json(said));
        world.poll().await;
    }
    world.net.answers(|url| if url.ends_with("list") { json("{\"reposts\":[7]}") } else { json("{\"withdrawn\":7}") });
    world.clock.pass(3_601);
    let found = world.poll_and_items().await;
    assert!(found[1].why.as_deref().unwrap().contains("1 items were asked for and not answered"), "{found:?}");
    let due = |world: &World| {
        let far = START.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_hours(24 * 365);
        world.engine.state.recheck_due("harbour-news", far, 9).unwrap()
    };
    let left: Vec<_> = due(&world).into_iter().map(|known| known.id).collect();
    assert_eq!(left, ["repost-7"]);
}

#[tokio::test]
async fn item_described_again_after_it_was_gone_is_checked_again() {
    let (_dir, mut world) = feed();
    std::sync::Arc::get_mut(&mut world.engine).unwrap().recheck_after_secs = Some(vec![3_600]);
    let list = ["https://news.example.org/list".to_owned()];
    let both = [list[0].clone(), "https://news.example.org/post/7".to_owned()];
    for (said, asked) in [("posts", &list[..]), ("empty", &both), ("empty", &list), ("posts", &list), ("posts", &both)]
    {
        world.net.answers(move |url| match (url.ends_with("list"), said) {
            (true, "posts") => json("{\"posts\":[7]}"),
            (true, _) => json("\"empty\""),
            (false, _) => json("{\"withdrawn\":7}"),
        });
        world.net.take_asked();
        world.poll_and_items().await;
        assert_eq!(world.net.take_asked(), asked);
        world.clock.pass(3_601);
    }
}

#[tokio::test]
async fn target_counts_as_gone_after_three_answers_in_a_row() {
    let (_dir, world) = feed();
    world.net.answers(|_| json("\"gone\""));
    for expected in ["1 of 3", "2 of 3", "the target is gone"] {
        let why = world.poll().await.why.unwrap();
        assert!(why.contains(expected), "{why}");
    }
    world.net.answers(|_| json("{\"posts\":[1]}"));
    world.poll().await;
    assert_eq!(world.engine.state.gone("harbour-news").unwrap(), 0);
}

#[tokio::test]
async fn old_walk_is_planned_anew() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), Listing, START, 500);
    world.net.answers(|url| if url == page_url(2) { Reply::Budget } else { listing(url) });
    world.poll().await;
    drop(world);
    let world = World::open(dir.path(), Listing, &at(&dir, 25), 500);
    world.net.answers(listing);
    assert_eq!(world.poll().await.state, Complete);
    assert_eq!(world.net.take_asked()[0], page_url(1));
    assert_eq!(world.cursor(), Some(12.into()));
}

#[tokio::test]
async fn stopped_run_goes_on_where_it_was() {
    let (_dir, world) = walk();
    let mut order = world.order();
    order.stop = tokio_util::sync::CancellationToken::new();
    order.stop.cancel();
    let report = world.engine.run(order).await.unwrap().unwrap();
    assert_eq!(report.coverage.state, schemas::coverage::CoverageState::NotAttempted);
    assert_eq!(world.poll().await.records, 12);
}

#[tokio::test]
async fn low_disk_stops_fetching_before_it_stops_writing() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), Listing, START, 500);
    world.net.answers(listing);
    std::sync::Arc::get_mut(&mut world.engine).unwrap().bounds.min_free_bytes = u64::MAX;
    let coverage = world.poll().await;
    assert!(coverage.why.unwrap().contains("disk"));
    assert!(world.net.take_asked().is_empty());
    assert_eq!(world.segments().len(), 1);
}
