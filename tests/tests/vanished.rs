//! An ad library that is published whole, through the whole spine: what leaves it is told, once, by the readings that lack it; never as a deletion.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{collections::BTreeMap, fs};

use exhibit::FileSite;
use jiff::Timestamp;
use schemas::segment::Segment;
use serde_json::Value;
use tests::{Source, World, archive, get, occurrences, program, segments, skipped};

const COLUMNS: &str = "AD ID,CreativeURL,Spend,Impressions,Currency Code,Start Date,End Date,Organization Name,BillingAddress,PayingAdvertiserName,\
    CandidateBallotInformation,Gender,AgeBracket,CountryCode";
/// The ad that leaves.
const CANARY: &str = "zyxcanary";

struct Library {
    folder: tempfile::TempDir,
    site: FileSite,
}

impl Library {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("political/2026")).unwrap();
        let site = FileSite::start(folder.path(), BTreeMap::new()).unwrap();
        Self { folder, site }
    }

    /// Publishes thirty ads, and the canary's if it is to stand there.
    fn publish(&self, canary: bool) {
        self.publish_with(canary, "");
    }

    fn publish_with(&self, canary: bool, further: &str) {
        self.publish_ads(30, canary, further);
    }

    fn publish_ads(&self, ads: u32, canary: bool, further: &str) {
        let mut rows = vec![COLUMNS.to_owned()];
        let numbers = (0..ads).map(|number| format!("ad-{number:04}")).chain(canary.then(|| CANARY.to_owned()));
        rows.extend(numbers.map(|id| {
            format!(
                "{id},https://ads.example.com/asset/{id},412,98211,CAD,2026/09/01 04:00:00Z,2026/09/14 03:59:59Z,Example Agency,\
                 \"1 Example Street\",Example Civic Group,,,18+,canada"
            )
        }));
        let file = self.folder.path().join("political/2026/PoliticalAds.zip");
        fs::write(file, archive("PoliticalAds.csv", &(rows.join("\n") + further))).unwrap();
    }
}

fn unit() -> (World, Library) {
    let library = Library::start();
    let source = Source::new("ads", library.site.base_url(), "/political/2026/PoliticalAds.zip").read_by("snapads");
    (World::with(&[source]), library)
}

/// Collects once.
fn look(world: &World, library: &Library, canary: bool) {
    library.publish(canary);
    world.agent_of("snapads").once().ok();
    let _ = world.settled();
}

/// Ids that the kept segments say have vanished, in their order.
fn claims(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for file in segments(&world.data()) {
        let segment = Segment::read(&fs::read(file).unwrap()).unwrap();
        all.extend(segment.view().unwrap().vanished.into_iter().map(|(_, said)| said.id));
    }
    all
}

fn canary(world: &World) -> Value {
    let hits = world.search(&format!("id:{CANARY}"));
    assert_eq!(hits.len(), 1, "{hits:?}");
    world.show(hits[0]["id"].as_str().unwrap())
}

/// Of each vanishing, whether it is back; and nothing else became of the item.
fn back(world: &World) -> Vec<bool> {
    let item = canary(world);
    assert_eq!((&item["gone"], item["revisions"].as_array().unwrap().len()), (&Value::Bool(false), 1), "{item}");
    let all = item["vanished"].as_array().unwrap();
    let back: Vec<bool> = all.iter().map(|gone| !gone["back_at"].is_null()).collect();
    assert_eq!(world.search("is:vanished").len(), usize::from(back.contains(&false)), "{item}");
    assert!(world.search("is:gone").is_empty());
    back
}

#[test]
fn ad_missing_twice_is_told_once_whatever_kills_the_agent_and_again_when_it_came_back_and_left() {
    let (mut world, library) = unit();
    look(&world, &library, true);
    look(&world, &library, false);
    assert_eq!((back(&world), claims(&world).len()), (vec![], 0), "missing once");

    // The second reading without it is made again until it is durable.
    for point in ["agent_after_exchange", "agent_after_write", "agent_after_segment", "agent_before_commit"] {
        world.agent_of("snapads").once_crashing(Some(point));
        let _ = world.settled();
        assert_eq!(claims(&world).len(), 0, "{point}");
    }
    look(&world, &library, false);
    assert_eq!((back(&world), claims(&world)), (vec![false], vec![CANARY.to_owned()]), "missing twice");
    look(&world, &library, false);
    world.agent_of("snapads").once_crashing(Some("agent_after_commit"));
    look(&world, &library, false);
    assert_eq!((back(&world), claims(&world).len()), (vec![false], 1), "told once");
    shown(&world);

    look(&world, &library, true);
    assert_eq!((back(&world), claims(&world).len()), (vec![true], 1), "back");
    look(&world, &library, false);
    // One row cannot be read: it may be the one that is missing.
    library.publish_with(false, "\nad-broken,one cell too few");
    world.agent_of("snapads").once().ok();
    let _ = world.settled();
    assert_eq!((back(&world), claims(&world).len()), (vec![true, false], 2), "and gone again");
    let item = canary(&world);
    let unreadable: Vec<_> = item["vanished"].as_array().unwrap().iter().map(|gone| &gone["unreadable"]).collect();
    assert_eq!(unreadable, [0, 1]);
    let id = item["asked"].as_str().unwrap();
    for (lang, words) in [("en", "could not be read"), ("fr", "n’a pu être lue")] {
        let page = get(world.listen(), &format!("/record/{id}?lang={lang}")).unwrap().text();
        assert!(page.contains(words), "{page}");
    }
    assert!(world.vigie(&["show", id]).ok().out.contains("one row of the second could not be read"));
    let states = world.states("ads");
    assert!(states.iter().all(|state| state == "complete"), "{states:?}");
    world.holds("after all of it");

    let item = canary(&world);
    world.stop();
    world.vigie(&["doctor"]).ok();
    world.vigie(&["rebuild"]).ok();
    assert_eq!(canary(&world), item, "made again from the segments alone");
    world.vigie(&["agent", "program", program("vigie-snapads").to_str().unwrap()]).ok();
    let derived = world.vigie(&["--json", "rederive", "--all"]).ok().json();
    assert_eq!((&derived["segments_that_differ"], &derived["lines"]), (&0.into(), &derived["equal"]), "{derived}");
    assert!(derived["lines"].as_u64().unwrap() > 200, "{derived}");
}

/// Two thirds of the library go at once. That is doubted for a day, and then told.
#[test]
fn mass_removal_is_told_once_three_readings_over_a_day_agree() {
    const HOUR: i64 = 3_600;
    if !World::can_shift() {
        return skipped("mass_removal_is_told_once_three_readings_over_a_day_agree", "faketime");
    }
    let (mut world, library) = unit();
    let at = |world: &mut World, hours: i64| {
        world.stop();
        world.shift(hours * HOUR);
        world.start();
    };
    let says = |world: &World| {
        let _ = world.settled();
        let (_, state, why) = world.coverage().into_iter().find(|(entry, ..)| entry == "ads").unwrap();
        (state, why)
    };
    look(&world, &library, true);
    library.publish_ads(12, false, "");
    for hours in [1, 13] {
        at(&mut world, hours);
        world.agent_of("snapads").once().ok();
        let (state, why) = says(&world);
        assert_eq!((&*state, claims(&world).len()), ("partial", 0), "{why}");
        assert!(why.contains("held 31 items and lacks 19") && why.contains("doubted since"), "{why}");
    }
    at(&mut world, 26);
    for point in ["agent_after_exchange", "agent_after_segment", "agent_before_commit"] {
        world.agent_of("snapads").once_crashing(Some(point));
        let _ = world.settled();
        assert_eq!(claims(&world).len(), 0, "{point}");
    }
    for _ in 0..2 {
        world.agent_of("snapads").once().ok();
        assert_eq!((says(&world).0.as_str(), claims(&world).len()), ("complete", 19));
    }
    assert_eq!(world.search("is:vanished").len(), 19);
    let gone = &canary(&world)["vanished"][0];
    let since = |name: &str| gone[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(since("at").duration_since(since("before_at")).as_hours() >= 24, "{gone}");
    shown(&world);
    world.holds("after a mass removal");
}

/// Pages in both languages, search, command line and proofs say the same.
fn shown(world: &World) {
    let item = canary(world);
    let gone = &item["vanished"][0];
    let (id, claim) = (item["asked"].as_str().unwrap(), gone["id"].as_str().unwrap());
    assert_eq!(
        (&gone["scope"], &gone["unreadable"]),
        (&"/political/2026/PoliticalAds.zip, any country".into(), &0.into())
    );
    let said = |lang: &str, path: &str| get(world.listen(), &format!("{path}lang={lang}")).unwrap().text();
    for (lang, mark, heading) in [
        ("en", "no longer listed by the source", "Missing from"),
        ("fr", "n’est plus répertorié par la source", "Absent de"),
    ] {
        let found = said(lang, "/?q=is:vanished&");
        assert!(found.contains(mark) && found.contains(id), "{found}");
        for asked in [id, claim] {
            let page = said(lang, &format!("/record/{asked}?"));
            assert!(page.contains(mark) && page.contains(heading) && page.contains(claim), "{page}");
        }
    }
    let api = get(world.listen(), &format!("/v1/records/{id}")).unwrap().text();
    assert_eq!(serde_json::from_str::<Value>(&api).unwrap()["vanished"], item["vanished"]);
    let text = world.vigie(&["show", id]).ok().out;
    assert!(text.contains("missing from `/political") && text.contains(claim), "{text}");
    assert!(world.vigie(&["search", "is:vanished"]).ok().out.contains("no longer listed by the source"));
    let bundle = world.scratch().join("gone.vigie-bundle");
    let trace = world.vigie(&["trace", claim, "--bundle", bundle.to_str().unwrap()]).ok().out;
    let words = trace.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("snap-ads: {CANARY} vanished from `/political")), "{words}");
    assert!(world.verify(&bundle).exits(7).out.contains("VALID"));
}

#[test]
fn erasing_the_ad_erases_its_id_where_it_is_said_to_have_vanished() {
    let (mut world, library) = unit();
    for canary in [true, true, false, false] {
        look(&world, &library, canary);
    }
    assert_eq!(claims(&world), [CANARY]);
    let item = canary(&world);
    world.stop();
    let [alice, bob] = ["alice", "bob"].map(|name| world.key(name).to_str().unwrap().to_owned());
    let id = item["asked"].as_str().unwrap();
    world
        .vigie(&["erase", id, "--yes", "--authority", "file-7", "--reason", "request", "--key", &alice, "--key", &bob])
        .ok();
    for folder in [world.data(), world.second()] {
        let found = occurrences(&folder, CANARY);
        assert!(found.is_empty(), "{found:?}");
    }
    assert_eq!(claims(&world), [""; 0]);
    assert!(world.verify(&world.data()).exits(7).out.contains("VALID"));
    world.vigie(&["doctor"]).ok();
}
