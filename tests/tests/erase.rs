//! The canary drill: one record is erased; a scanner that opens everything finds it before and nothing of it after, in both places.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use exhibit::FileSite;
use tests::{Source, World, occurrences};

/// Words that stand in one entry only; the last one in its later wording only.
const CANARY: [&str; 4] = ["zyxcanary", "quorvelline", "tag:canary.example.org,2026:7", "murlowisp"];

/// Where `vigie erase` may be killed; see the registry's module `core::crash`.
const POINTS: [&str; 4] = ["erase_after_leaf", "erase_after_file", "erase_after_rows", "erase_after_scrub"];

fn entry(id: &str, title: &str, text: &str, updated: &str) -> String {
    format!(
        "<entry><id>{id}</id><title>{title}</title><updated>{updated}</updated><published>2026-10-01T06:00:00Z</published>\
         <link href=\"https://canary.example.org/{}\"/><content type=\"text\">{text}</content></entry>",
        id.rsplit(':').next().unwrap()
    )
}

/// Other entries, and the canary's if `said` has one.
fn feed(said: Option<&str>, others: &[u32]) -> String {
    let mut entries: String = others
        .iter()
        .map(|number| {
            entry(
                &format!("tag:canary.example.org,2026:other-{number}"),
                &format!("Ferry {number}"),
                "The ferry sails at noon.",
                "2026-10-01T06:00:00Z",
            )
        })
        .collect();
    if let Some(text) = said {
        entries.push_str(&entry(CANARY[2], "A Zyxcanary sings", text, "2026-10-02T06:00:00Z"));
    }
    format!(
        "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:canary.example.org,2026:feed</id><title>Ferries</title>\
         <updated>2026-10-02T06:00:00Z</updated>{entries}</feed>"
    )
}

struct Drill {
    world: World,
    /// Kept alive; closed with the drill.
    _site: FileSite,
    site_folder: tempfile::TempDir,
    bundles: Vec<PathBuf>,
}

impl Drill {
    /// A feed in three wordings, collected each time; then bundles of the canary and of its neighbour.
    fn new() -> Self {
        let site_folder = tempfile::tempdir().unwrap();
        let site = FileSite::start(site_folder.path(), BTreeMap::new()).unwrap();
        let world = World::with(&[Source::new("ferries", site.base_url(), "/news.atom")]);
        let mut drill = Self { world, _site: site, site_folder, bundles: Vec::new() };
        drill.publish(&feed(Some("Quorvelline, it sings"), &[1, 2]));
        drill.publish(&feed(Some("Quorvelline, it sings of murlowisp"), &[1, 2, 3]));
        drill.publish(&feed(None, &[1, 2, 3, 4]));
        drill.world.holds("before erasing");
        for (name, query) in [("canary", "zyxcanary"), ("neighbour", "\"Ferry 1\"")] {
            let bundle = drill.world.scratch().join(format!("{name}.vigie-bundle"));
            let id = drill.one(query);
            drill.world.vigie(&["trace", &id, "--bundle", bundle.to_str().unwrap()]).ok();
            drill.bundles.push(bundle);
        }
        drill.world.stop();
        drill
    }

    fn publish(&self, feed: &str) {
        fs::write(self.site_folder.path().join("news.atom"), feed).unwrap();
        self.world.agent().once().ok();
        let _ = self.world.settled();
    }

    fn one(&self, query: &str) -> String {
        let hits = self.world.search(query);
        assert_eq!(hits.len(), 1, "`{query}` finds {hits:?}");
        hits[0]["id"].as_str().unwrap().to_owned()
    }

    fn erase(&self, id: &str, point: Option<&str>) -> tests::Output {
        let [alice, bob] = ["alice", "bob"].map(|name| self.world.key(name).to_str().unwrap().to_owned());
        let arguments =
            ["erase", id, "--yes", "--authority", "file-7", "--reason", "request", "--key", &alice, "--key", &bob];
        self.world.vigie_crashing(&arguments, point)
    }

    fn places(&self) -> [(&'static str, PathBuf); 2] {
        [("data", self.world.data()), ("second place", self.world.second())]
    }

    fn assert_gone(&self, when: &str) {
        for (place, folder) in self.places() {
            for word in CANARY {
                let found = occurrences(&folder, word);
                assert!(found.is_empty(), "{when}: `{word}` is still in the {place}: {found:?}");
            }
        }
    }

    fn assert_others_stand(&mut self) {
        for bundle in &self.bundles {
            assert!(self.world.verify(bundle).exits(7).out.contains("VALID"), "a proof made before does not stand");
        }
        let folder = self.world.verify(&self.world.data()).exits(7);
        assert!(
            folder.out.contains("VALID")
                && folder.out.contains("units erased")
                && !folder.out.contains(" 0 units erased"),
            "{}",
            folder.said()
        );
        assert!(self.world.search("zyxcanary").is_empty());
        assert_eq!(self.world.search("ferry").len(), 4, "the neighbours stand");
        // Collecting goes on, and the neighbour's evidence says what happened to it.
        self.world.start();
        self.publish(&feed(None, &[1, 2, 3, 4, 5]));
        assert_eq!(self.world.search("ferry").len(), 5);
        let after = self.world.scratch().join("after.vigie-bundle");
        let told = self.world.vigie(&["trace", &self.one("\"Ferry 1\""), "--bundle", after.to_str().unwrap()]).ok().out;
        assert!(told.to_lowercase().contains("lawfully erased"), "{told}");
        assert!(self.world.verify(&after).exits(7).out.contains("LAWFULLY ERASED"));
        self.world.stop();
    }
}

#[test]
fn erased_record_is_nowhere_and_all_other_proofs_stand() {
    let mut drill = Drill::new();
    let mut before = 0;
    for word in CANARY {
        let found = occurrences(&drill.world.data(), word);
        assert!(found.iter().any(|place| place.contains("gzip member")), "`{word}` is in no segment: {found:?}");
        assert!(found.iter().any(|place| place.contains("table")), "`{word}` is in no table: {found:?}");
        before += found.len();
    }
    for word in ["zyxcanary", "quorvelline", "murlowisp"] {
        let found = occurrences(&drill.world.data(), word);
        assert!(found.iter().any(|place| place.contains("term")), "`{word}` is no index term: {found:?}");
    }
    let id = drill.one("zyxcanary");
    drill.erase(&id, None).ok();
    drill.assert_gone("after erasing");
    drill.assert_others_stand();
    drill.assert_gone("after collecting on");
    println!("erase: the canary's words stood in {before} places and stand in none");
}

#[test]
fn erasing_cut_short_is_finished_at_the_next_start() {
    for point in POINTS {
        let mut drill = Drill::new();
        let id = drill.one("zyxcanary");
        let said = drill.erase(&id, Some(point));
        assert!(said.aborted(), "`{point}` was not passed:\n{}", said.said());
        drill.world.start();
        let _ = drill.world.settled();
        drill.world.stop();
        drill.assert_gone(point);
        drill.assert_others_stand();
    }
    println!("erase: cut at {} points, finished each time", POINTS.len());
}

#[test]
fn statements_about_two_records_of_one_segment_lie_side_by_side() {
    let drill = Drill::new();
    let [alice, bob] = ["alice", "bob"].map(|name| drill.world.key(name).to_str().unwrap().to_owned());
    let signed = |query: &str, folder: &str| {
        let folder = drill.world.scratch().join(folder);
        let id = drill.one(query);
        let signing =
            ["erase", &id, "--yes", "--authority", "file-7", "--reason", "request", "--key", &alice, "--key", &bob];
        drill.world.vigie(&[&signing[..], &["--out", folder.to_str().unwrap()]].concat()).ok();
        fs::read_dir(folder).unwrap().count()
    };
    let of_each = signed("zyxcanary", "one") + signed("\"Ferry 1\"", "other");
    signed("zyxcanary", "both");
    assert_eq!(signed("\"Ferry 1\"", "both"), of_each);
    assert_eq!(signed("zyxcanary", "both"), of_each, "once more is the same");
}

/// Whoever asked for an erasure is done with it while the registry that was started meanwhile looks through what waits.
#[test]
fn registry_starts_although_an_erasure_that_waited_is_done_just_then() {
    let exhibit = exhibit::Exhibit::start(exhibit::Options::default()).unwrap();
    let mut world = World::of(&exhibit);
    world.stop();
    let waiting = world.data().with_file_name("erasures");
    fs::create_dir_all(&waiting).unwrap();
    // Listed, and not there when it is read.
    std::os::unix::fs::symlink("gone", waiting.join("erasure-gone.note")).unwrap();
    world.start();
}

#[test]
fn erasing_alone_is_refused() {
    let drill = Drill::new();
    let id = drill.one("zyxcanary");
    let alice = drill.world.key("alice");
    let said = drill
        .world
        .vigie(&[
            "erase",
            &id,
            "--yes",
            "--authority",
            "file-7",
            "--reason",
            "request",
            "--key",
            alice.to_str().unwrap(),
        ])
        .exits(1);
    assert!(said.err.contains("2 people"), "{}", said.said());
    let twice = [
        "erase",
        &id,
        "--yes",
        "--authority",
        "file-7",
        "--reason",
        "request",
        "--key",
        alice.to_str().unwrap(),
        "--key",
        alice.to_str().unwrap(),
    ];
    drill.world.vigie(&twice).exits(1);
    assert_eq!(drill.world.search("zyxcanary").len(), 1);
    assert!(!occurrences(&drill.world.data(), CANARY[0]).is_empty());
}

#[test]
fn backup_made_before_brings_back_nothing_that_was_erased() {
    let mut drill = Drill::new();
    let backup = drill.world.scratch().join("backup");
    drill.world.vigie(&["backup", backup.to_str().unwrap()]).ok();
    let id = drill.one("zyxcanary");
    drill.erase(&id, None).ok();
    fs::rename(drill.world.data(), drill.world.scratch().join("lost")).unwrap();
    drill.world.vigie(&["restore", backup.to_str().unwrap()]).ok();
    drill.assert_gone("after restoring a backup made before");
    drill.assert_others_stand();
    assert!(Path::new(&backup).exists());
}
