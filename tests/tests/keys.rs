//! Keys come and go, permissions end, machines are copied: each ends in a clear state, and what was proved before stays proved.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use exhibit::{Exhibit, Options};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use schemas::{
    Digest,
    permission::Allowlist,
    policy::sign_statement,
    statement::Statement,
    trust::{Person, TrustRoot},
};
use tests::{Agent, World, get, long, put, skipped, until};
use tlog::{SigningKey, VerifierKey};

const NAMES: [&str; 2] = ["harbour", "mayak"];

struct Unit {
    exhibit: Exhibit,
    world: World,
    /// Of a record collected before anything was changed.
    bundle: PathBuf,
    found: usize,
}

impl Unit {
    /// What the registry keeps, once its tables have followed the log.
    fn kept(&self) -> Vec<(String, String, u64)> {
        let _ = self.world.settled();
        self.world.kept()
    }

    fn new() -> Self {
        let exhibit = Exhibit::start(Options::only(&NAMES)).unwrap();
        let world = World::of(&exhibit);
        world.agent().once().ok();
        let _ = world.settled();
        let hits = world.search("");
        let bundle = world.scratch().join("before.vigie-bundle");
        world.vigie(&["trace", hits[0]["id"].as_str().unwrap(), "--bundle", bundle.to_str().unwrap()]).ok();
        exhibit.advance();
        Self { exhibit, world, bundle, found: hits.len() }
    }

    fn key(&self, name: &str) -> SigningKey {
        SigningKey::parse(fs::read_to_string(self.world.key(name)).unwrap().trim_end()).unwrap()
    }

    fn root(&self) -> TrustRoot {
        TrustRoot::from_toml(&fs::read_to_string(self.world.trust()).unwrap(), "trust.toml").unwrap()
    }

    /// Hands in a statement signed by these people.
    fn submit(&self, statement: &Statement, by: &[&SigningKey]) -> tests::Output {
        let note = sign_statement(statement, by).unwrap();
        let file = self.world.scratch().join(format!("{}.note", Digest::of(note.as_bytes()).short()));
        fs::write(&file, note).unwrap();
        self.world.vigie(&["submit", file.to_str().unwrap()])
    }

    /// The agent asks for the newest policy, as it does every five minutes.
    fn refresh(&self) -> tests::Output {
        self.world.agent().plan()
    }

    /// Requests for anything but robots.txt that reached a newsroom.
    fn asked(&self, name: &str) -> usize {
        self.exhibit.log(name).iter().filter(|seen| seen.path != "/robots.txt").count()
    }

    fn old_proofs_stand(&self) {
        assert!(self.world.verify(&self.bundle).exits(7).out.contains("VALID"), "a proof made before does not stand");
        self.world.verify(&self.world.data()).exits(7);
        assert!(self.world.search("").len() >= self.found, "records collected before are gone");
    }
}

fn salt() -> Digest {
    Digest::of(Timestamp::now().to_string().as_bytes())
}

fn day(offset: i64) -> String {
    Timestamp::now().to_zoned(TimeZone::UTC).date().checked_add(offset.days()).unwrap().to_string()
}

#[test]
fn revoked_agent_is_refused_and_what_it_sent_before_stands() {
    let unit = Unit::new();
    let id = unit.key_of_agent().id_text();
    let [alice] = ["alice"].map(|name| unit.world.key(name).to_str().unwrap().to_owned());
    unit.world.vigie(&["agent", "revoke", &id, "--reason", "a drill", "--key", &alice]).ok();
    let kept = unit.kept();
    let said = unit.world.agent().once();
    println!(
        "revoked: {:?} {}",
        said.code(),
        said.err.lines().rfind(|line| line.contains("refuse") || line.contains("revoked")).unwrap_or_default()
    );
    assert!(said.said().contains("revoked"), "{}", said.said());
    assert_eq!(
        unit.world.agent().waiting(),
        0,
        "a refusal receipt lets the agent go: nothing refused fills a disk for ever"
    );
    assert!(unit.world.agent().refused() > 0);
    assert_eq!(unit.kept(), kept, "nothing new is kept");
    let listed = unit.world.vigie(&["agent", "list"]).ok().out;
    assert!(listed.contains("revoked"), "{listed}");
    unit.old_proofs_stand();
}

impl Unit {
    fn key_of_agent(&self) -> VerifierKey {
        SigningKey::parse(fs::read_to_string(self.world.agent().folder.join("agent.key")).unwrap().trim_end())
            .unwrap()
            .vkey()
    }

    /// The allowlist as it lies in the unit's folder.
    fn allowlist(&self) -> Allowlist {
        toml::from_str(&fs::read_to_string(self.world.unit().join("allowlist.toml")).unwrap()).unwrap()
    }

    fn permission(&self, allowlist: Allowlist) -> Statement {
        Statement::Permission {
            v: 1,
            allowlist,
            recipes: std::collections::BTreeMap::new(),
            made_at: Timestamp::now(),
            salt: salt(),
        }
    }
}

#[test]
fn narrowed_permission_ends_collecting() {
    let unit = Unit::new();
    let mut list = unit.allowlist();
    list.entries.retain(|entry| entry.id != "mayak");
    unit.submit(&unit.permission(list), &[&unit.key("alice")]).ok();
    unit.refresh();
    let (before, harbour) = (unit.asked("mayak"), unit.asked("harbour"));
    let said = unit.world.agent().once();
    assert_eq!(unit.asked("mayak"), before, "an entry that is gone was asked");
    assert!(unit.asked("harbour") > harbour, "the other entry goes on: {}", said.said());
    unit.world.holds("after narrowing");
    unit.old_proofs_stand();
}

#[test]
fn what_came_before_the_agent_could_know_of_a_narrowing_is_kept_and_flagged() {
    if !long() {
        // Acts are dated to the minute, and what was captured in the minute of a narrowing counts as before it.
        println!("left to VIGIE_LONG=1, as it takes a minute: captures after a narrowing the agent could not know of");
        return;
    }
    let unit = Unit::new();
    let mut list = unit.allowlist();
    list.entries.retain(|entry| entry.id != "mayak");
    unit.submit(&unit.permission(list), &[&unit.key("alice")]).ok();
    let minute = Timestamp::now().as_second() / 60;
    until("the next minute", || (Timestamp::now().as_second() / 60 > minute).then_some(()));
    // No refresh: the agent's copy is younger than five minutes.
    unit.world.agent().once().ok();
    let _ = unit.world.settled();
    let shown: Vec<bool> = unit
        .world
        .search("source:mayak")
        .iter()
        .map(|hit| unit.world.show(hit["id"].as_str().unwrap())["capture"]["late"].as_bool().unwrap())
        .collect();
    let late = shown.iter().filter(|late| **late).count();
    println!("narrowed while the agent held an older copy: {late} of {} records flagged late", shown.len());
    assert!(late > 0 && late < shown.len(), "{shown:?}");
    unit.world.holds("after a narrowing the agent could not know of");
    unit.old_proofs_stand();
}

#[test]
fn approval_that_ended_is_none() {
    let unit = Unit::new();
    let mut list = unit.allowlist();
    for entry in &mut list.entries {
        entry.question = "has the answer changed?".to_owned();
    }
    let entries = list.entries.iter().map(|entry| (entry.id.clone(), entry.digest())).collect();
    unit.submit(&unit.permission(list), &[&unit.key("alice")]).ok();
    let yesterday = Statement::Approval { v: 1, entries, until: day(-1), made_at: Timestamp::now(), salt: salt() };
    unit.submit(&yesterday, &[&unit.key("bob")]);
    let said = unit.refresh();
    let before: Vec<usize> = NAMES.map(|name| unit.asked(name)).to_vec();
    let once = unit.world.agent().once();
    assert_eq!(
        NAMES.map(|name| unit.asked(name)).to_vec(),
        before,
        "collected on an approval that ended: {}",
        once.said()
    );
    println!("approval ended: {}", said.out.trim());
    assert!(said.out.contains("not collected") && said.out.contains("approv"), "{}", said.said());
    unit.old_proofs_stand();
}

#[test]
fn requester_alone_permits_nothing() {
    let unit = Unit::new();
    let mut list = unit.allowlist();
    list.entries[0].daily += 1;
    let id = list.entries[0].id.clone();
    let entries = list.entries.iter().map(|entry| (entry.id.clone(), entry.digest())).collect();
    unit.submit(&unit.permission(list), &[&unit.key("alice")]).ok();
    let by_herself = Statement::Approval { v: 1, entries, until: day(30), made_at: Timestamp::now(), salt: salt() };
    unit.submit(&by_herself, &[&unit.key("alice")]);
    unit.refresh();
    let before = unit.asked(&id);
    let said = unit.world.agent().once();
    assert_eq!(unit.asked(&id), before, "the requester's own approval counted: {}", said.said());
    unit.old_proofs_stand();
}

#[test]
fn signer_removed_by_a_new_root_counts_no_more_and_a_rotated_key_does() {
    let unit = Unit::new();
    let [alice, bob] = ["alice", "bob"].map(|name| unit.key(name));
    let carol = SigningKey::generate("carol.demo").unwrap();
    let old = unit.root();
    let mut new = old.clone();
    new.version = 2;
    new.previous = Some(old.digest());
    // Bob's key is taken out; Carol's is put in its place.
    let roles = new.people.iter().find(|person| person.key == bob.vkey().to_string()).unwrap().roles.clone();
    new.people.retain(|person| person.key != bob.vkey().to_string());
    new.people.push(Person { key: carol.vkey().to_string(), roles });
    let statement = Statement::Root { v: 1, root: new, salt: salt() };
    let alone = unit.submit(&statement, &[&alice]);
    assert_eq!(alone.code(), Some(1), "one person replaced the root: {}", alone.said());
    unit.submit(&statement, &[&alice, &carol]).exits(1);
    unit.submit(&statement, &[&alice, &bob]).ok();
    let resting = unit.refresh();
    let before = unit.asked("harbour");
    let said = unit.world.agent().once();
    assert_eq!(
        unit.asked("harbour"),
        before,
        "collected on the approval of somebody who left: {}\n{}",
        resting.said(),
        said.said()
    );
    println!("signer removed: {}", resting.out.trim());
    unit.old_proofs_stand();

    let list = unit.allowlist();
    let entries: std::collections::BTreeMap<_, _> =
        list.entries.iter().map(|entry| (entry.id.clone(), entry.digest())).collect();
    let approval =
        |made_at| Statement::Approval { v: 1, entries: entries.clone(), until: day(30), made_at, salt: salt() };
    unit.submit(&approval(Timestamp::now()), &[&bob]).exits(1);
    unit.submit(&approval(Timestamp::now()), &[&carol]).ok();
    unit.refresh();
    unit.world.agent().once();
    assert!(unit.asked("harbour") > before, "the new key's approval counts");
    unit.world.holds("after the root was replaced");
    unit.old_proofs_stand();
}

#[test]
fn agent_key_on_two_machines_shows_as_a_fork() {
    let unit = Unit::new();
    let copy = Agent::at(unit.world.scratch().join("copy"), "feed");
    copy_folder(&unit.world.agent().folder, &copy.folder);
    unit.world.agent().once().ok();
    let kept = unit.kept();
    unit.exhibit.advance();
    let said = copy.once();
    println!("second machine: {}", said.err.lines().rfind(|line| line.contains("refuse")).unwrap_or_default());
    assert!(copy.refused() > 0 && copy.waiting() == 0, "{}", said.said());
    assert!(said.said().to_lowercase().contains("fork"), "the agent is not told why: {}", said.said());
    assert_eq!(unit.kept(), kept, "a second segment with one number is not kept");
    let doctor = unit.world.vigie(&["denials"]).ok().out;
    assert!(doctor.contains("fork"), "{doctor}");
    unit.world.agent().once().ok();
    unit.world.holds("after the fork");
    unit.old_proofs_stand();
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    for file in tests::files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}

#[test]
fn unknown_agent_keeps_what_it_has() {
    let unit = Unit::new();
    let stranger = Agent::at(unit.world.scratch().join("stranger"), "feed");
    fs::create_dir_all(&stranger.folder).unwrap();
    for file in ["agent.toml", "trust.toml"] {
        fs::copy(unit.world.agent().folder.join(file), stranger.folder.join(file)).unwrap();
    }
    let key = SigningKey::generate("feed-demo").unwrap();
    let file = stranger.folder.join("agent.key");
    fs::write(&file, &*key.private_text()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let kept = unit.kept();
    let said = stranger.once();
    println!("unknown agent: {}", said.err.lines().last().unwrap_or_default());
    assert!(said.err.contains("is enrolled"), "{}", said.said());
    assert!(stranger.waiting() > 0 && stranger.refused() == 0, "nothing was decided about what it holds");
    assert_eq!(unit.kept(), kept);
    // Enrolled after all, it sends what it kept.
    let alice = unit.world.key("alice");
    unit.world
        .vigie(&["agent", "enrol", &key.vkey().to_string(), "--collector", "feed", "--key", alice.to_str().unwrap()])
        .ok();
    stranger.once();
    assert_eq!(stranger.waiting(), 0);
}

#[test]
fn replayed_segment_gets_its_receipt_again_and_an_altered_one_none() {
    let unit = Unit::new();
    let world = &unit.world;
    let segment = tests::segments(&world.data()).remove(0);
    let digest = segment.file_name().unwrap().to_str().unwrap().strip_suffix(".warc.gz").unwrap().to_owned();
    let bytes = fs::read(&segment).unwrap();
    let size = world.settled();
    let path = format!("/v1/segments/{digest}?from=0");
    let [first, again] = [(); 2].map(|()| put(world.listen(), &path, &bytes).unwrap());
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.json()["receipt"], again.json()["receipt"], "the same again is answered the same");
    let mut altered = bytes.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 4;
    let answer = put(world.listen(), &path, &altered).unwrap();
    assert_eq!(answer.json()["receipt"], first.json()["receipt"], "a name that has an answer keeps it");
    assert_eq!(fs::read(&segment).unwrap(), bytes, "the altered body was not kept");
    let other = put(world.listen(), &format!("/v1/segments/{}?from=0", Digest::of(b"another")), &bytes).unwrap();
    assert_eq!((other.status, other.json()["code"].as_str()), (400, Some("not_a_segment")), "{}", other.text());
    let ahead = put(world.listen(), &format!("/v1/segments/{digest}?from={}", size + 1), &bytes).unwrap();
    assert_eq!((ahead.status, ahead.json()["code"].as_str()), (409, Some("rolled_back")), "{}", ahead.text());
    assert_eq!(world.settled(), size, "none of this made a leaf");
    let unknown = get(world.listen(), "/v1/search?q=&colour=red").unwrap();
    assert_eq!(unknown.status, 400, "unknown parameters are refused: {}", unknown.text());
    unit.world.holds("after replays");
    unit.old_proofs_stand();
}

#[test]
fn segment_altered_on_its_way_is_refused_by_name() {
    let mut unit = Unit::new();
    unit.world.stop();
    unit.world.agent().once();
    let waiting = unit.world.agent().files().into_iter().next_back().unwrap();
    let bytes = fs::read(&waiting).unwrap();
    let name = waiting.file_name().unwrap().to_str().unwrap();
    let digest = name.strip_suffix(".warc.gz").unwrap().rsplit('-').next().unwrap().to_owned();
    unit.world.start();
    let mut altered = bytes;
    let middle = altered.len() / 3;
    altered[middle] ^= 1;
    let answer = put(unit.world.listen(), &format!("/v1/segments/{digest}?from=0"), &altered).unwrap();
    println!("altered segment: {} {}", answer.status, answer.text().chars().take(300).collect::<String>());
    let refused =
        answer.status == 400 || (answer.status == 200 && answer.text().contains("\\\"code\\\":\\\"broken\\\""));
    assert!(refused, "{} {}", answer.status, answer.text());
    unit.world.agent().once();
    assert_eq!(unit.world.agent().waiting(), 0);
    unit.old_proofs_stand();
}

#[test]
fn clock_set_back_or_far_ahead_is_noticed() {
    // The agent's clock is the machine's: a process cannot be given another one from outside without libfaketime.
    let there = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("faketime").exists()));
    if !there {
        return skipped("clock_set_back_or_far_ahead_is_noticed", "faketime");
    }
    let unit = Unit::new();
    // Further off than a policy may be old, or before it was issued: nothing is collected.
    let asked = unit.asked("harbour");
    for (shift, what) in [("-3d", "set back"), ("+40d", "far ahead")] {
        let said = unit.world.agent().once_at("harbour", shift).exits(1);
        println!("clock {what}: {}", said.err.lines().last().unwrap_or_default());
        assert!(said.err.contains("the policy was issued at"), "{what}: {}", said.said());
        assert_eq!(unit.asked("harbour"), asked, "{what}");
    }
    // Hours ahead: it collects, and the registry keeps nothing that was captured in the future.
    let kept = unit.kept();
    let said = unit.world.agent().once_at("harbour", "+3h");
    println!("clock hours ahead: {}", said.err.lines().rfind(|line| line.contains("refuses")).unwrap_or_default());
    assert!(said.err.contains("Clock") && unit.world.agent().refused() > 0, "{}", said.said());
    assert_eq!((unit.world.agent().waiting(), unit.kept()), (0, kept));
    // Set right again, it goes on.
    unit.world.agent().once().ok();
    unit.world.holds("after the clock was set right");
    unit.old_proofs_stand();
}
