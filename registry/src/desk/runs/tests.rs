//! What a due time comes to, from tables written by hand.

use schemas::{permission::Entry, policy::History};

use super::*;

const ENTRY: &str = r#"{"id":"harbour","collector":"feed","seeds":["https://news.example.org/a","https://news.example.org/b"],
    "match":[{"host":"news.example.org"}],"purpose":"p","program":"p","legal_basis":{"code":"no-personal-information","reason":"r"},
    "question":"q","pia":"none: none","requested_by":"ana","schedule":"0 * * * *","zone":"UTC","daily":100,"retain_days":30,
    "tlp":"clear","domestic":"allow: none","expires_on":"2027-06-30"}"#;

struct World {
    db: Connection,
    entry: Entry,
    seq: i64,
}

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}Z").parse().unwrap()
}

impl World {
    fn new() -> Self {
        let db = Connection::open_in_memory().unwrap();
        // Both files as they are today, seen through one connection as readers see them.
        for sql in [
            include_str!("../../core/store/schema_1.sql"),
            include_str!("../../core/store/schema_2.sql"),
            include_str!("../../core/store/index.sql"),
        ] {
            db.execute_batch(sql).unwrap();
        }
        let mut entry: Entry = serde_json::from_str(ENTRY).unwrap();
        entry.jitter_secs = 0;
        Self { db, entry, seq: 0 }
    }

    /// One segment of agent `a`, with coverage.
    fn heard(
        &mut self,
        target: &str,
        due: Option<&str>,
        from: &str,
        state: &str,
        complete: bool,
        skipped: Option<&str>,
    ) {
        self.seq += 1;
        self.heard_as(self.seq, target, due, from, state, complete, skipped);
    }

    #[expect(clippy::too_many_arguments, reason = "a row has many columns")]
    fn heard_as(
        &self,
        seq: i64,
        target: &str,
        due: Option<&str>,
        from: &str,
        state: &str,
        complete: bool,
        skipped: Option<&str>,
    ) {
        let due = due.map(|due| at(due).to_string());
        let from = at(from).to_string();
        let run = format!("{target} {}", due.as_ref().unwrap_or(&from));
        self.db
            .execute(
                "INSERT INTO leaves (idx, bytes, kind, digest, agent, seq) VALUES (?1, x'', 'manifest', ?1, 'a', ?1)",
                [seq],
            )
            .unwrap();
        self.db
            .execute(
                "INSERT INTO segments (idx, manifest, agent, seq, units, closed_at, checkpoint) VALUES (?1, ?1, 'a', ?1, 1, ?2, 0)",
                (seq, &from),
            )
            .unwrap();
        self.db
            .execute(
                "INSERT INTO coverage VALUES (?1, ?1, 'a', ?2, 'harbour', ?3, ?4, ?5, ?6, ?6, ?7, NULL, 1, 0, 0, 2, 1, 0, 9, ?8)",
                rusqlite::params![seq, run, target, complete, due, from, state, skipped],
            )
            .unwrap();
    }

    fn states(&self, from: &str, to: &str, now: &str) -> Vec<String> {
        let plan = Plan::of_entry(&self.entry, at(from), at(to));
        let found = coverage_by(&self.db, &plan, at(from), at(to), at(now)).unwrap();
        found
            .iter()
            .filter(|line| line.target == "harbour")
            .map(|line| {
                let hour = line.due.as_ref().unwrap_or(&line.from);
                format!("{} {} {}", &hour[11..16], line.state, line.why.clone().unwrap_or_default())
            })
            .collect()
    }
}

#[test]
fn due_runs_nobody_was_heard_about_are_not_heard_yet_until_the_truth_comes() {
    let mut world = World::new();
    let (from, to) = ("09:30:00", "12:30:00");
    let unheard = world.states(from, to, "12:30:00");
    assert_eq!(unheard[0], "10:00 not_heard_yet no run of this target was ever heard of");
    world.heard("harbour", Some("10:00:00"), "10:00:02", "complete", true, None);
    assert_eq!(
        world.states(from, to, "12:30:00"),
        [
            "10:00 complete ",
            "11:00 not_heard_yet agent a was last heard of at 2026-11-22T10:00:02Z",
            "12:00 not_heard_yet agent a was last heard of at 2026-11-22T10:00:02Z",
        ]
    );
    // A late push: what comes first does not make of 11:00 what it was not, what comes second is the truth.
    world.heard("harbour", Some("11:00:00"), "11:00:02", "partial", true, None);
    world.heard("harbour", Some("12:00:00"), "12:00:02", "empty", true, None);
    assert_eq!(world.states(from, to, "12:30:00"), ["10:00 complete ", "11:00 partial ", "12:00 empty "]);
    // One that is not ten minutes late is not missed.
    assert_eq!(world.states("12:30:00", "13:30:00", "13:09:00"), Vec::<String>::new());
    assert_eq!(world.states("12:30:00", "13:30:00", "13:11:00").len(), 1);
}

#[test]
fn later_run_says_that_one_before_was_not_attempted_and_skips_say_why() {
    let mut world = World::new();
    world.heard("harbour", Some("09:00:00"), "09:00:01", "complete", true, None);
    let told = r#"[{"first":"2026-11-22T11:00:00Z","last":"2026-11-22T12:00:00Z","runs":2,"why":"asleep"}]"#;
    world.heard("harbour", Some("13:00:00"), "13:00:01", "complete", true, Some(told));
    assert_eq!(
        world.states("09:30:00", "13:30:00", "13:30:00"),
        [
            "10:00 not_attempted the agent has reported later runs and none for this time",
            "11:00 not_attempted the machine slept",
            "12:00 not_attempted the machine slept",
            "13:00 complete ",
        ]
    );
}

#[test]
fn hole_in_the_chain_may_hold_the_run() {
    let mut world = World::new();
    world.heard("harbour", Some("09:00:00"), "09:00:01", "complete", true, None);
    world.seq = 3;
    world.heard("harbour", Some("11:00:00"), "11:00:01", "complete", true, None);
    let told = world.states("09:30:00", "11:30:00", "11:30:00");
    assert_eq!(told[0], "10:00 not_heard_yet 2 of agent a's segments 2 to 4 are not in the log");
}

#[test]
fn run_begun_and_not_ended_is_partial_and_made_late_it_counts_where_it_was_due() {
    let mut world = World::new();
    world.heard("harbour", Some("10:00:00"), "10:00:01", "partial", false, None);
    assert_eq!(world.states("09:30:00", "10:30:00", "10:30:00"), ["10:00 partial the run is under way"]);
    world.heard("harbour", Some("11:00:00"), "15:20:00", "complete", true, None);
    let told = world.states("09:30:00", "11:30:00", "16:00:00");
    assert_eq!(told, ["10:00 partial the agent ended before the run did", "11:00 complete "]);
    // It is not told of again where it began.
    let told = world.states("14:30:00", "15:45:00", "16:00:00");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("15:00 not_attempted") || told[0].starts_with("15:00 not_heard_yet"), "{told:?}");
}

#[test]
fn blocked_target_waits_while_its_agent_is_heard() {
    let mut world = World::new();
    world.heard("harbour", Some("10:00:00"), "10:00:01", "blocked", true, None);
    let told = world.states("10:30:00", "11:30:00", "11:30:00");
    assert!(told[0].starts_with("11:00 not_heard_yet"), "{told:?}");
    world.heard("harbour#2", Some("11:00:00"), "11:00:01", "complete", true, None);
    let told = world.states("10:30:00", "11:30:00", "11:30:00");
    assert_eq!(told, ["11:00 not_attempted blocked since 2026-11-22T10:00:01Z; it waits for a person"]);
}

#[test]
fn days_count_every_due_run_once_in_one_state() {
    let mut world = World::new();
    world.heard("harbour", Some("00:00:00"), "00:00:01", "complete", true, None);
    world.heard("harbour", None, "00:20:00", "complete", true, None);
    world.heard("harbour", Some("02:00:00"), "02:00:01", "failed", true, None);
    // The same run, taken up again.
    world.heard("harbour", Some("02:00:00"), "02:00:03", "complete", true, None);
    let plan = Plan::of_entry(&world.entry, at("00:00:00"), at("23:59:59"));
    let days = calendar(&world.db, &plan, at("00:00:00"), at("23:59:59"), at("05:30:00")).unwrap();
    assert_eq!(days.len(), 2, "{days:?}");
    let first = &days[0];
    assert_eq!((first.target.as_str(), first.day.to_string().as_str()), ("harbour", "2026-11-22"));
    assert_eq!((first.expected, first.made, first.by_hand), (6, 2, 1), "{first:?}");
    assert_eq!(first.states.values().sum::<u64>(), first.expected);
    assert_eq!((first.states["not_attempted"], first.states["not_heard_yet"]), (1, 3), "{first:?}");
    assert_eq!((days[1].made, days[1].states["not_heard_yet"]), (0, 6));
}

#[test]
fn nothing_is_due_where_nothing_was_in_force() {
    let world = World::new();
    let plan = Plan::of(&History::new(), "harbour", at("00:00:00"), at("12:00:00"));
    assert!(calendar(&world.db, &plan, at("00:00:00"), at("12:00:00"), at("12:00:00")).unwrap().is_empty());
    assert!(!plan.is_long());
    let seconds = Entry { schedule: "every 10s".to_owned(), ..world.entry.clone() };
    let later = at("00:00:00").checked_add(SignedDuration::from_hours(24 * 10)).unwrap();
    assert!(Plan::of_entry(&seconds, at("00:00:00"), later).is_long());
}
