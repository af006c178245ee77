//! A query at GDELT through the whole spine: time without gaps, a full list halved, what cannot be halved told as partial, the throttle and an error in a
//! 200 as what they are.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use exhibit::Clippings;
use jiff::{SignedDuration, Timestamp};
use tests::{Source, World, skipped};

/// How many articles are held.
fn held(world: &World) -> usize {
    world.search("source:harbour").len()
}

/// State of the newest coverage, and why.
fn coverage(world: &World) -> (String, String) {
    let _ = world.settled();
    let (_, state, why) = world.coverage().into_iter().find(|(entry, ..)| entry == "harbour").unwrap();
    (state, why)
}

/// A unit that watches a query.
fn unit() -> (World, Clippings) {
    let index = Clippings::start().unwrap();
    let source =
        Source::new("harbour", index.url(), "/api/v2/doc/doc?query=harbour%20sourcelang:english").read_by("gdelt");
    (World::with(&[source]), index)
}

/// So many articles, seen at one time.
fn put(index: &Clippings, name: &str, count: usize, seen: Timestamp) {
    (0..count).for_each(|n| index.put(&format!("{name}-{n}"), seen));
}

#[test]
fn time_is_asked_for_without_gaps_and_in_halves_where_a_list_is_full() {
    let (world, index) = unit();
    let agent = world.agent_of("gdelt");
    let ago = |minutes: i64| Timestamp::now() - SignedDuration::from_mins(minutes);
    put(&index, "old", 200, ago(20 * 60));
    put(&index, "new", 200, ago(3 * 60));
    agent.once().ok();
    assert_eq!((coverage(&world), held(&world)), (("complete".to_owned(), String::new()), 400));
    let asked = index.asked();
    let [all, older, younger] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((&all[0], &all[1]), (&older[0], &younger[1]), "halves are the whole");
    assert_eq!(older[1], younger[0], "without a gap between them");

    // Seen before the first run, and listed after it.
    index.put("late", ago(30));
    put(&index, "crowd", 260, ago(0));
    world.agent_of("gdelt").once().ok();
    let hour_ago = ago(61).strftime("%Y%m%d%H%M%S").to_string();
    assert!(index.asked()[0][0] > hour_ago, "what is complete is not asked for again, but for the last hour");
    let (state, why) = coverage(&world);
    assert!(state == "partial" && why.contains("GDELT lists 250 of the articles it saw from"), "{state}: {why}");
    let hits = world.search("source:harbour late");
    assert_eq!((hits.len(), held(&world)), (1, 651), "what was cut is told, and nothing else is missing");
    let article = world.show(hits[0]["id"].as_str().unwrap());
    let record = &article["revisions"][0]["record"];
    assert_eq!(
        (&record["author"]["id"], &record["extra"]["outlet_country"]),
        (&"news.example.org".into(), &"Canada".into())
    );
    assert!(record["published_at"].is_null() && record["extra"]["volatile_seen_by_gdelt_at"].is_string(), "{record}");
    world.holds("after two rounds");
}

#[test]
fn throttle_in_a_200_is_waited_out_and_a_query_error_is_told_in_words() {
    if !World::can_shift() {
        return skipped("throttle_in_a_200_is_waited_out_and_a_query_error_is_told_in_words", "faketime");
    }
    let (mut world, index) = unit();
    index.put("one", Timestamp::now() - SignedDuration::from_hours(2));
    let look = |world: &World| world.agent_of("gdelt").once();

    index.say(Some("The specified phrase is too short.\n"));
    look(&world);
    let (state, why) = coverage(&world);
    assert!(state == "failed" && why.contains("GDELT says: The specified phrase is too short."), "{state}: {why}");

    index.say(Some("Please limit requests to one every 5 seconds or contact somebody for larger queries.\n"));
    look(&world);
    let (state, why) = coverage(&world);
    assert!(state == "rate_limited" && why.contains("the source asks for a pause until"), "{state}: {why}");
    let asked = index.asked();
    index.say(None);
    look(&world);
    assert_eq!((index.asked().len(), held(&world)), (0, 0), "nobody is asked during the pause");

    world.stop();
    world.shift(90);
    world.start();
    look(&world).ok();
    assert_eq!((coverage(&world).0.as_str(), held(&world)), ("complete", 1));
    assert_eq!(index.asked().first(), asked.last(), "the time that was not measured is asked for again");
    world.holds("after the pause");
}
