//! What left a list that is published whole, and how long is that doubted?

mod rule;

use schemas::coverage::{
    Coverage,
    CoverageState::{Complete, Partial},
};

use super::{
    feed,
    world::{Reply, World},
};

const HOUR: i64 = 3_600;

/// Reads a list, and lets so many hours pass.
async fn look(world: &World, rows: impl IntoIterator<Item = u64>, hours: i64) -> Coverage {
    world.net.answers(register(rows.into_iter().collect()));
    let coverage = world.poll().await;
    world.clock.pass(hours * HOUR);
    coverage
}

/// Lets the agent be of another program from now on, once the thread that wrote its last segment has let go of it.
async fn update(world: &mut World, version: &str) {
    loop {
        if let Some(engine) = std::sync::Arc::get_mut(&mut world.engine) {
            version.clone_into(&mut engine.identity.reader.version);
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// These ids, told by one reading.
fn told(ids: impl IntoIterator<Item = u64>, places: [usize; 3]) -> Vec<(String, [usize; 3])> {
    ids.into_iter().map(|id| (id.to_string(), places)).collect()
}

fn register(ids: Vec<u64>) -> impl Fn(&str) -> Reply + Send + Sync {
    move |_: &str| Reply::Json(format!("{{\"snapshot\":{ids:?}}}"))
}

/// What the segments say has vanished: id, and the positions of the readings that lacked it and of the one that held it, counted from 0.
fn vanished(world: &World) -> Vec<(String, [usize; 3])> {
    let segments = world.segments();
    let views: Vec<_> = segments.iter().map(|segment| (segment, segment.view().unwrap())).collect();
    let mut answers = Vec::new();
    for (segment, view) in &views {
        assert_eq!(schemas::segment::contradictions(segment, view).iter().find(|found| found.code == "vanished"), None);
        for capture in &view.captures {
            let schemas::segment::CaptureKind::Exchange(exchange) = &capture.kind else { continue };
            answers.push((exchange.response.clone(), capture.date.clone()));
        }
    }
    let by_id = |id: &str| answers.iter().position(|(response, _)| response == id).unwrap();
    let by_date = |date: &str| answers.iter().position(|(_, at)| at == date).unwrap();
    let all = views.iter().flat_map(|(_, view)| &view.vanished);
    all.map(|(_, said)| {
        assert_eq!((&*said.scope, &*said.platform), ("all", "posts"));
        assert_eq!(answers[by_id(&said.before)].1, said.before_at);
        (said.id.clone(), [by_id(&said.response), by_id(&said.before), by_date(&said.stood_at)])
    })
    .collect()
}

#[tokio::test]
async fn half_a_register_is_doubted() {
    let (_dir, world) = feed();
    world.net.answers(register((0..40).collect()));
    assert_eq!(world.poll().await.state, Complete);
    world.net.answers(register((0..20).collect()));
    let coverage = world.poll().await;
    assert_eq!(coverage.state, Partial);
    assert!(coverage.why.unwrap().contains("held 40 items and lacks 20 of them"));
    // As many items, most of them others.
    world.net.answers(register((30..70).collect()));
    assert_eq!(world.poll().await.state, Partial);
    world.poll().await;
    assert!(vanished(&world).is_empty(), "what is doubted tells nothing");
}

#[tokio::test]
async fn row_missing_twice_is_told_once_and_again_when_it_came_back_and_left() {
    let (_dir, world) = feed();
    let (all, less): (Vec<u64>, Vec<u64>) = ((0..40).collect(), (0..39).collect());
    let look = async |rows: &Vec<u64>| {
        world.net.answers(register(rows.clone()));
        assert_eq!(world.poll().await.state, Complete);
        world.clock.pass(60);
        vanished(&world)
    };
    for rows in [&all, &all, &less] {
        assert_eq!(look(rows).await, [], "it stands, or is missing once");
    }
    let first = ("39".to_owned(), [3, 2, 1]);
    for _ in 0..3 {
        assert_eq!(look(&less).await, std::slice::from_ref(&first), "told once");
    }
    // Back, missing once and back: nothing is new.
    for rows in [&all, &less, &all, &less] {
        assert_eq!(look(rows).await, std::slice::from_ref(&first));
    }
    assert_eq!(look(&less).await, [first, ("39".to_owned(), [10, 9, 8])]);
}

/// An answer that leaves room for three items that vanished, where segments before hold the same list.
fn crowded(world: &World, rows: &[u64]) -> impl Fn(&str) -> Reply + Send + Sync + use<> {
    let segments = world.segments();
    let view = segments.last().unwrap().view().unwrap();
    let [capture] = &view.captures[..] else { panic!("{:?}", view.captures) };
    let lines: usize = capture.conversion.unwrap().lines.iter().map(|line| line.said.len() + 80).sum();
    let text = format!("{{\"snapshot\":{rows:?}}}");
    let rest = capture.request.unwrap().record.block.len() + capture.response.unwrap().record.block.len() - text.len();
    let rest = rest + lines + (8 << 10) + 4 * "https://news.example.org/list".len();
    let full = (63 << 20) - rest;
    let padded = text.clone() + &" ".repeat(full - text.len() - 3 * 1100);
    move |_| Reply::Json(padded.clone())
}

#[tokio::test]
async fn what_does_not_fit_into_a_segment_is_told_by_the_next_reading() {
    let (_dir, world) = feed();
    let (all, less): (Vec<u64>, Vec<u64>) = ((1000..1400).collect(), (1010..1400).collect());
    for rows in [&all, &less] {
        world.net.answers(register(rows.clone()));
        world.poll().await;
        world.clock.pass(60);
    }
    world.net.answers(crowded(&world, &less));
    world.poll().await;
    let told = vanished(&world);
    assert_eq!(told.iter().map(|(id, _)| &**id).collect::<Vec<_>>(), ["1000", "1001", "1002"]);
    world.clock.pass(60);
    world.net.answers(register(less));
    world.poll().await;
    let all: Vec<_> = vanished(&world).into_iter().map(|(id, [second, first, _])| (id, second, first)).collect();
    let later: Vec<_> = (1003..1010).map(|id| (id.to_string(), 3, 2)).collect();
    assert_eq!(all[3..], later[..], "the reading before is the one that had no room");
}

#[tokio::test]
async fn another_seed_is_another_list() {
    let (_dir, world) = feed();
    world.net.answers(register((0..40).collect()));
    world.poll().await;
    let mut order = world.order();
    order.facts.target.url = "https://news.example.org/other".to_owned();
    world.net.answers(register((40..50).collect()));
    for _ in 0..3 {
        world.clock.pass(60);
        let report = world.engine.run(order.clone()).await.unwrap().unwrap();
        assert!(!report.coverage.why.unwrap_or_default().contains("lost"), "it is not doubted");
    }
    assert_eq!(vanished(&world), []);
}

#[tokio::test]
async fn doubted_reading_between_two_is_neither_of_them() {
    let (_dir, world) = feed();
    for rows in [0..40, 0..39, 0..10] {
        world.net.answers(register(rows.collect()));
        world.poll().await;
        world.clock.pass(60);
    }
    assert_eq!(vanished(&world), []);
    world.net.answers(register((0..39).collect()));
    world.poll().await;
    assert_eq!(vanished(&world), [("39".to_owned(), [3, 1, 0])]);
}

#[tokio::test]
async fn loss_that_three_readings_over_a_day_agree_on_is_told_once() {
    let (_dir, world) = feed();
    assert_eq!(look(&world, 10..50, 1).await.state, Complete);
    for (hours, readings) in [(12, 1), (11, 2), (2, 3)] {
        let coverage = look(&world, 10..40, hours).await;
        assert_eq!(coverage.state, Partial);
        let why = coverage.why.unwrap();
        assert!(why.contains("held 40 items and lacks 10 of them: more lost at once than is believed"), "{why}");
        assert!(why.contains(&format!("doubted since 2026-11-22T11:00:00Z, readings so far: {readings};")), "{why}");
        assert!(why.contains("believed once 3 in a row over 24 h agree, from 2026-11-23T11:00:00Z on"), "{why}");
        assert_eq!(vanished(&world), []);
    }
    assert_eq!(look(&world, 10..40, 1).await.state, Complete);
    // By the reading that ended the doubt, and the first that it began with.
    let all = told(40..50, [4, 1, 0]);
    assert_eq!(vanished(&world), all);
    for _ in 0..2 {
        assert_eq!(look(&world, 10..40, 1).await.state, Complete);
    }
    assert_eq!(vanished(&world), all);
}

#[tokio::test]
async fn loss_that_comes_and_goes_is_never_told() {
    let (_dir, world) = feed();
    look(&world, 0..40, 9).await;
    for _ in 0..4 {
        assert_eq!(look(&world, 0..20, 9).await.state, Partial);
        assert_eq!(look(&world, 0..40, 9).await.state, Complete);
    }
    // Nor where other halves come.
    for rows in [0..20, 20..40, 10..30, 0..20, 20..40, 0..20] {
        assert_eq!(look(&world, rows, 30).await.state, Partial);
    }
    // Nor while it comes back piece by piece.
    for rows in [0..10, 0..20, 0..30, 0..10] {
        assert_eq!(look(&world, rows, 30).await.state, Partial);
    }
    assert_eq!(vanished(&world), []);
}

#[tokio::test]
async fn list_that_did_not_change_after_all_ends_the_doubt() {
    let (_dir, world) = feed();
    let whole = |_: &str| Reply::Tagged(format!("{{\"snapshot\":{:?}}}", (0..40).collect::<Vec<u64>>()), "whole");
    for _ in 0..3 {
        world.net.answers(whole);
        assert_eq!(world.poll().await.state, Complete);
        for _ in 0..2 {
            assert_eq!(look(&world, 0..20, 20).await.state, Partial);
        }
    }
    assert_eq!(vanished(&world), []);
    look(&world, 0..20, 20).await;
    assert_eq!(vanished(&world), told(20..40, [9, 7, 0]));
}

#[tokio::test]
async fn item_that_a_doubted_reading_held_is_not_told_with_the_others() {
    let (_dir, world) = feed();
    for rows in [100..200, 100..150, 100..151, 100..150] {
        look(&world, rows, 20).await;
    }
    assert_eq!(vanished(&world), told(151..200, [3, 1, 0]));
    look(&world, 100..150, 20).await;
    assert_eq!(vanished(&world).last().unwrap(), &("150".to_owned(), [4, 3, 2]));
}

#[tokio::test]
async fn list_that_grows_while_it_is_doubted_is_believed() {
    let (_dir, world) = feed();
    look(&world, 100..200, 20).await;
    for more in [10, 40, 90] {
        look(&world, (120..200).chain(1000..1000 + more), 20).await;
    }
    assert_eq!(vanished(&world), told(100..120, [3, 1, 0]));
}

#[tokio::test]
async fn ids_that_change_with_every_reading_are_never_told() {
    let (_dir, world) = feed();
    for (few, many) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)] {
        look(&world, (1000 * many)..(1000 * many + 40), 20).await;
        assert_eq!(vanished(&world), [], "{few}");
    }
}

#[tokio::test]
async fn short_list_of_which_less_than_half_stayed_is_doubted() {
    let (_dir, world) = feed();
    look(&world, 10..14, 20).await;
    // A third of three or half of four may leave at once.
    for _ in 0..2 {
        assert_eq!(look(&world, 10..12, 20).await.state, Complete);
    }
    let mut all = told(12..14, [2, 1, 0]);
    assert_eq!(vanished(&world), all);
    // All of two, too.
    for _ in 0..2 {
        let why = look(&world, [14, 15, 16], 20).await.why.unwrap_or_default();
        assert!(!why.contains("doubted"), "{why}");
    }
    all.extend(told(10..12, [4, 3, 2]));
    assert_eq!(vanished(&world), all);
    // Every id of three is another one.
    for _ in 0..2 {
        let coverage = look(&world, [24, 25, 26], 20).await;
        assert!(coverage.why.unwrap().contains("held 3 items and lacks 3"));
        assert_eq!(vanished(&world), all);
    }
    assert_eq!(look(&world, [24, 25, 26], 20).await.state, Complete);
    all.extend(told(14..17, [7, 5, 4]));
    assert_eq!(vanished(&world), all);
}

#[tokio::test]
async fn what_another_reader_lacks_is_doubted_however_little() {
    let (_dir, mut world) = feed();
    look(&world, 100..200, 20).await;
    look(&world, 101..200, 20).await;
    update(&mut world, "1").await;
    let coverage = look(&world, 102..200, 20).await;
    assert!(coverage.why.unwrap().contains("held 99 items and lacks 1 of them: another version of the reader"));
    // And what both lack is told by two of its own.
    assert_eq!(vanished(&world), []);
    // The one before reads the list as it did: nothing was lost.
    update(&mut world, "0").await;
    assert_eq!(look(&world, 101..200, 20).await.state, Complete);
    let mut all = told([100], [3, 1, 0]);
    assert_eq!(vanished(&world), all);
    for version in ["1", "1", "2", "2"] {
        update(&mut world, version).await;
        assert_eq!(look(&world, 102..200, 20).await.state, Partial);
    }
    assert_eq!(look(&world, 102..200, 20).await.state, Complete);
    all.extend(told([101], [8, 6, 3]));
    assert_eq!(vanished(&world), all);
}

#[tokio::test]
async fn another_reader_that_lacks_nothing_more_tells_nothing_by_the_last_one() {
    let (_dir, mut world) = feed();
    for rows in [100..200, 101..200] {
        look(&world, rows, 20).await;
    }
    update(&mut world, "1").await;
    assert_eq!(look(&world, 101..200, 20).await.state, Complete);
    assert_eq!(vanished(&world), []);
    look(&world, 101..200, 20).await;
    assert_eq!(vanished(&world), told([100], [3, 2, 0]));
}

#[tokio::test]
async fn doubt_begins_anew_where_the_clock_was_set_back() {
    let (_dir, world) = feed();
    look(&world, 0..40, 1_000).await;
    look(&world, 0..20, -900).await;
    for _ in 0..2 {
        look(&world, 0..20, 13).await;
        assert_eq!(vanished(&world), []);
    }
    look(&world, 0..20, 13).await;
    assert_eq!(vanished(&world).len(), 20);
    assert_eq!(vanished(&world)[0].1, [4, 2, 0]);
}

/// What a doubt leaves untold is missing from the reading that ended it.
#[tokio::test]
async fn loss_that_does_not_fit_into_a_segment_is_told_over_several_readings() {
    let (_dir, world) = feed();
    let less: Vec<u64> = (1010..1100).collect();
    look(&world, 1000..1100, 20).await;
    for _ in 0..2 {
        look(&world, less.clone(), 20).await;
    }
    world.net.answers(crowded(&world, &less));
    world.poll().await;
    world.clock.pass(HOUR);
    let mut all = told(1000..1003, [3, 1, 0]);
    assert_eq!(vanished(&world), all);
    for _ in 0..2 {
        look(&world, less.clone(), 1).await;
    }
    all.extend(told(1003..1010, [4, 3, 0]));
    assert_eq!(vanished(&world), all);
}

#[tokio::test]
async fn list_that_is_read_twice_in_a_run_is_compared_twice() {
    let (_dir, world) = feed();
    let twice = |first: Vec<u64>, second: Vec<u64>| {
        move |url: &str| {
            let (word, rows) = if url.ends_with("again") { ("snapshot", &second) } else { ("snapshot_twice", &first) };
            Reply::Json(format!("{{\"{word}\":{rows:?}}}"))
        }
    };
    let (all, less): (Vec<u64>, Vec<u64>) = ((100..140).collect(), (100..139).collect());
    look(&world, all.clone(), 1).await;
    world.net.answers(twice(less.clone(), all.clone()));
    assert_eq!(world.poll().await.state, Complete);
    world.clock.pass(HOUR);
    assert_eq!(vanished(&world), [], "it is back");
    world.net.answers(twice(less.clone(), less));
    world.poll().await;
    assert_eq!(
        vanished(&world).into_iter().map(|(id, [second, first, _])| (id, second, first)).collect::<Vec<_>>(),
        [("139".to_owned(), 4, 3)]
    );
}
