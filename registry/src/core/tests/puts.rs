//! What is answered to a segment.

use jiff::SignedDuration;
use schemas::Digest;
use schemas::leaf::RefusalCode;
use schemas::receipt::Receipt;

use crate::core::chains::ChainFinding;
use crate::core::ingest::PutProblem;
use crate::core::log::LogError;
use crate::core::store::Store as _;
use crate::core::testing::{Agent, Page, World, open, receipt_of};
use crate::core::{Registry, RegistryError};

struct Case {
    world: World,
    folder: tempfile::TempDir,
    registry: Registry,
    agent: Agent,
}

fn case() -> Case {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let registry = open(&world, folder.path()).unwrap();
    let agent = world.found(&registry);
    Case { world, folder, registry, agent }
}

impl Case {
    fn collect(&mut self, texts: &[(&str, &str)]) -> crate::core::testing::Made {
        self.agent.collect(&self.world, &self.registry, &[Page::of(texts)])
    }

    fn code(&self, made: &crate::core::testing::Made) -> RefusalCode {
        let answer = self.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
        match receipt_of(&answer) {
            Receipt::RefusalReceipt { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }
}

fn ready(registry: &Registry) {
    assert!(
        registry.wait_followed(registry.checkpoint().size, std::time::Duration::from_secs(30)),
        "{:?}",
        registry.trouble()
    );
}

#[test]
fn a_segment_gets_a_receipt_and_its_records_are_found() {
    let mut case = case();
    let made = case.collect(&[("1", "Harbour opens"), ("2", "Night ferry")]);
    let answer = case.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    let receipt = receipt_of(&answer);
    assert_eq!(receipt.index(), 4);
    assert!(matches!(receipt, Receipt::Receipt { refused, late, .. } if refused.is_empty() && late.is_empty()));
    ready(&case.registry);
    let count: i64 = case
        .registry
        .store()
        .read(|db| db.query_row("SELECT count(*) FROM revisions WHERE current", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(count, 2);
    let home: i64 =
        case.registry.store().read(|db| db.query_row("SELECT min(home) FROM items", [], |row| row.get(0))).unwrap();
    assert_eq!(home, 1);
    case.registry.evidence().segment(&made.name).unwrap();
    case.registry.inner.log.check().unwrap();
}

#[test]
fn the_same_segment_again_gets_the_same_receipt() {
    let mut case = case();
    let made = case.collect(&[("1", "Harbour opens")]);
    let first = case.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    case.world.pass(SignedDuration::from_hours(3));
    let size = case.registry.checkpoint().size;
    let again = case.registry.put_segment(&made.name, &made.bytes, 3).unwrap();
    assert_eq!(first.receipt, again.receipt);
    assert_eq!(case.registry.checkpoint().size, size, "nothing is logged twice");
    let (old, new) = (case.registry.inner.log.root_at(3).unwrap(), case.registry.checkpoint());
    tlog::verify_consistency(3, new.size, &again.consistency, &old, &new.root).unwrap();
}

#[test]
fn a_receipt_outlives_the_process() {
    let mut case = case();
    let made = case.collect(&[("1", "Harbour opens")]);
    let first = case.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    drop(case.registry);
    case.registry = open(&case.world, case.folder.path()).unwrap();
    assert_eq!(case.registry.put_segment(&made.name, &made.bytes, 0).unwrap(), first);
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let case = case();
    assert!(matches!(open(&case.world, case.folder.path()), Err(RegistryError::InUse { .. })));
}

#[test]
fn two_segments_with_one_number_are_a_fork() {
    let mut case = case();
    let twin = case.agent.clone();
    let made = case.collect(&[("1", "Harbour opens")]);
    case.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    let mut twin = twin;
    let other = twin.collect(&case.world, &case.registry, &[Page::of(&[("1", "Something else")])]);
    assert_eq!(case.code(&other), RefusalCode::Fork);
    assert!(case.registry.evidence().segment_bytes(&other.name).is_err());
    assert_eq!(case.registry.chain_findings().unwrap(), [ChainFinding::Fork { manifest: other.name, leaf: 5 }]);
    assert_eq!(case.registry.store().alarms().unwrap()[0].code, "fork");
}

#[test]
fn a_gap_in_a_chain_is_a_finding_until_it_closes() {
    let mut case = case();
    let made: Vec<_> = (0..3).map(|n| case.collect(&[("1", &format!("text {n}"))])).collect();
    case.registry.put_segment(&made[0].name, &made[0].bytes, 0).unwrap();
    case.registry.put_segment(&made[2].name, &made[2].bytes, 0).unwrap();
    let agent = case.agent.key.vkey().id_text();
    assert_eq!(case.registry.chain_findings().unwrap(), [ChainFinding::Gap { agent, from: 2, to: 2 }]);
    case.registry.put_segment(&made[1].name, &made[1].bytes, 0).unwrap();
    assert_eq!(case.registry.chain_findings().unwrap(), []);
}

#[test]
fn segments_refused_in_a_row_are_told_with_their_leaves() {
    let mut case = case();
    let mut made: Vec<_> = (0..5).map(|n| case.collect(&[("1", &format!("text {n}"))])).collect();
    let agent = case.agent.key.vkey().id_text();
    case.registry.put_segment(&made[0].name, &made[0].bytes, 0).unwrap();
    for n in [1, 2] {
        made[n].bytes[200] ^= 1;
        assert_eq!(case.code(&made[n]), RefusalCode::Broken);
    }
    case.registry.put_segment(&made[4].name, &made[4].bytes, 0).unwrap();
    let gap = ChainFinding::Gap { agent: agent.clone(), from: 2, to: 4 };
    assert_eq!(case.registry.chain_findings().unwrap(), [gap], "nothing in the log links the refused ones");
    case.registry.put_segment(&made[3].name, &made[3].bytes, 0).unwrap();
    let refused = ChainFinding::Refused { agent, from: 2, to: 3, leaf: 6, others: vec![5] };
    assert_eq!(case.registry.chain_findings().unwrap(), [refused]);
}

#[test]
fn an_unknown_agent_gets_no_leaf() {
    let case = case();
    let mut stranger = Agent::new("stranger");
    let made = stranger.collect(&case.world, &case.registry, &[Page::of(&[("1", "x")])]);
    let problem = case.registry.put_segment(&made.name, &made.bytes, 0).unwrap_err();
    assert_eq!(problem.code(), ("unknown_agent", 403));
    assert_eq!(case.registry.checkpoint().size, 4);
}

#[test]
fn a_swapped_signature_gets_no_leaf() {
    let case = case();
    // A key of the same name, hence another id; and a manifest that claims the enrolled id is signed by it.
    let mut thief = case.agent.clone();
    thief.key = tlog::SigningKey::from_seed("agent-1", &[9; 32]).unwrap();
    let made = thief.collect(&case.world, &case.registry, &[Page::of(&[("1", "x")])]);
    assert!(matches!(case.registry.put_segment(&made.name, &made.bytes, 0), Err(PutProblem::UnknownAgent { .. })));
    assert_eq!(case.registry.checkpoint().size, 4);
}

#[test]
fn a_revoked_agent_is_refused_in_writing() {
    let mut case = case();
    let made = case.collect(&[("1", "Harbour opens")]);
    case.registry.add_statement(&case.world.revocation(&case.agent)).unwrap();
    assert_eq!(case.code(&made), RefusalCode::Revoked);
    assert_eq!(case.code(&made), RefusalCode::Revoked, "the same answer again");
    assert_eq!(case.registry.checkpoint().size, 6);
}

#[test]
fn a_broken_segment_of_a_known_agent_is_refused_in_writing() {
    let mut case = case();
    let mut made = case.collect(&[("1", "Harbour opens")]);
    made.bytes[200] ^= 1;
    assert_eq!(case.code(&made), RefusalCode::Broken);
    assert!(case.registry.evidence().segment_bytes(&made.name).is_err());
}

#[test]
fn a_body_damaged_on_its_way_gets_no_leaf_and_is_taken_when_it_comes_whole() {
    let mut case = case();
    let made = case.collect(&[("1", "Harbour opens"), ("2", "Night ferry")]);
    let sent = Some(Digest::of(&made.bytes));
    let mut arrived: Vec<Vec<u8>> = (0..made.bytes.len()).step_by(7).map(|at| flipped(&made.bytes, at)).collect();
    arrived.push(made.bytes[..made.bytes.len() - 1].to_vec());
    arrived.push(made.bytes[100..].to_vec());
    arrived.push([&made.bytes[..], b"\n"].concat());
    // What gzip's headers say of time and system is nobody's evidence.
    arrived.retain(|body| schemas::segment::Segment::read(body).is_err());
    let mut codes = std::collections::BTreeMap::new();
    for body in arrived {
        let problem = case.registry.put_sent(&made.name, &body, 0, sent).unwrap_err();
        *codes.entry(problem.code()).or_insert(0) += 1;
    }
    assert!(codes[&("damaged", 400)] > 100, "{codes:?}");
    codes.remove(&("damaged", 400));
    // Without its manifest nobody can say whose it is.
    assert_eq!(codes.into_keys().collect::<Vec<_>>(), [("not_a_segment", 400)]);
    assert_eq!(case.registry.checkpoint().size, 4, "no leaf");
    let answer = case.registry.put_sent(&made.name, &made.bytes, 0, sent).unwrap();
    assert!(matches!(receipt_of(&answer), Receipt::Receipt { .. }));

    // What was broken before it was sent never will be whole.
    let made = case.collect(&[("3", "Harbour closes")]);
    let broken = flipped(&made.bytes, 200);
    let answer = case.registry.put_sent(&made.name, &broken, 0, Some(Digest::of(&broken))).unwrap();
    assert!(matches!(receipt_of(&answer), Receipt::RefusalReceipt { code: RefusalCode::Broken, .. }));
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 4;
    bytes
}

#[test]
fn a_body_of_another_name_or_of_noise_gets_no_leaf() {
    let mut case = case();
    let made = case.collect(&[("1", "Harbour opens")]);
    let other = Digest::of(b"another name");
    for (name, body) in [(other, &made.bytes[..]), (made.name, b"noise"), (made.name, b"")] {
        assert!(matches!(case.registry.put_segment(&name, body, 0), Err(PutProblem::NotASegment { .. })));
    }
    assert_eq!(case.registry.checkpoint().size, 4);
}

#[test]
fn captures_from_the_future_and_from_before_the_checkpoint_are_refused() {
    let mut case = case();
    case.world.pass(SignedDuration::from_hours(2));
    case.agent.clock_error = SignedDuration::from_mins(30);
    let ahead = case.collect(&[("1", "a")]);
    assert_eq!(case.code(&ahead), RefusalCode::Clock);
    case.agent.clock_error = SignedDuration::ZERO;
    let fine = case.collect(&[("1", "b")]);
    let answer = case.registry.put_segment(&fine.name, &fine.bytes, 0).unwrap();
    case.agent.heard(&answer);
    case.agent.issue = Some(case.registry.policy_bundle().unwrap().issue);
    case.world.pass(SignedDuration::from_hours(1));
    case.agent.clock_error = SignedDuration::from_mins(-75);
    let behind = case.collect(&[("1", "c")]);
    assert_eq!(case.code(&behind), RefusalCode::Clock);
}

#[test]
fn an_agent_that_knows_more_than_the_log_raises_an_alarm() {
    let mut case = case();
    let made = case.collect(&[("1", "Harbour opens")]);
    let problem = case.registry.put_segment(&made.name, &made.bytes, 99).unwrap_err();
    assert_eq!(problem.code(), ("rolled_back", 409));
    assert_eq!(case.registry.store().alarms().unwrap()[0].code, "rolled_back");
    case.agent.checkpoint.size = 3;
    let made = case.collect(&[("1", "x")]);
    assert!(matches!(case.registry.put_segment(&made.name, &made.bytes, 0), Err(PutProblem::RolledBack { .. })));
    assert_eq!(case.registry.checkpoint().size, 4);
}

#[test]
fn the_days_budget_is_counted_over_segments() {
    let mut case = case();
    let page = Page::of(&[("1", "Harbour opens")]);
    let many = vec![page; 60];
    let first = case.agent.collect(&case.world, &case.registry, &many);
    let second = case.agent.collect(&case.world, &case.registry, &many);
    case.registry.put_segment(&first.name, &first.bytes, 0).unwrap();
    // Opened again with an index that has everything to follow: what was spent is known all the same.
    let registry = std::mem::replace(&mut case.registry, {
        let elsewhere = tempfile::tempdir().unwrap();
        open(&World::default(), elsewhere.path()).unwrap()
    });
    drop(registry);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(case.folder.path().join(format!("data/index.sqlite{end}")));
    }
    case.registry = open(&case.world, case.folder.path()).unwrap();
    let answer = case.registry.put_segment(&second.name, &second.bytes, 0).unwrap();
    let Receipt::Receipt { refused, index, .. } = receipt_of(&answer) else { panic!("a receipt is expected") };
    let units: u64 = refused.iter().map(|[from, to]| to - from + 1).sum();
    // Request, response, decision, header, one record, end: six units for each of the 20 captures beyond 100.
    assert_eq!(units, 20 * 6);
    let kept = case.registry.evidence().segment(&second.name).unwrap();
    let gone = schemas::segment::tombstoned_units(&kept);
    assert_eq!(gone.len() as u64, units);
    assert!(gone.iter().all(|(_, leaf)| *leaf == index + 1));
    ready(&case.registry);
    assert_eq!(case.registry.store().spent("news", "2026-11-21").unwrap(), 100);
    // The next day has its own.
    case.world.pass(SignedDuration::from_hours(24));
    let third = case.collect(&[("1", "Harbour opens")]);
    let answer = case.registry.put_segment(&third.name, &third.bytes, 0).unwrap();
    assert!(matches!(receipt_of(&answer), Receipt::Receipt { refused, .. } if refused.is_empty()));
}

#[test]
fn what_was_narrowed_meanwhile_is_flagged_and_after_it_refused() {
    let mut case = case();
    case.agent.issue = Some(case.registry.policy_bundle().unwrap().issue);
    case.world.pass(SignedDuration::from_hours(1));
    let mut narrow = case.world.entry.clone();
    narrow.matches[0].path = "/other".to_owned();
    case.world.permit(&case.registry, &narrow);
    case.world.pass(SignedDuration::from_hours(1));
    let made = case.collect(&[("1", "Harbour opens")]);
    let answer = case.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    assert!(
        matches!(receipt_of(&answer), Receipt::Receipt { refused, late, .. } if refused.is_empty() && late == [[2, 7]])
    );
    // A day later the agent's copy is stale, and it collects all the same.
    case.world.pass(SignedDuration::from_hours(30));
    let made = case.collect(&[("1", "Harbour opens again")]);
    let answer = case.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    assert!(
        matches!(receipt_of(&answer), Receipt::Receipt { refused, late, .. } if refused == [[2, 7]] && late.is_empty())
    );
    let bytes = case.registry.evidence().segment_bytes(&made.name).unwrap();
    let plain: Vec<u8> = warc::Reader::strict(&*bytes).any_encoder().flat_map(|entry| entry.unwrap().raw).collect();
    assert!(!String::from_utf8_lossy(&plain).contains("opens again"));
    ready(&case.registry);
}

#[test]
fn many_at_once_share_checkpoints_and_all_are_proven() {
    let case = case();
    let agents: Vec<Agent> = (0..8).map(|n| Agent::new(&format!("crowd-{n}"))).collect();
    for agent in &agents {
        case.world.enrol(&case.registry, agent);
    }
    let before = case.registry.checkpoint().size;
    std::thread::scope(|scope| {
        for agent in &agents {
            let (world, registry) = (&case.world, &case.registry);
            let mut agent = agent.clone();
            scope.spawn(move || {
                for n in 0..5 {
                    let made = agent.collect(world, registry, &[Page::of(&[("1", &format!("text {n}"))])]);
                    let answer = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
                    assert!(matches!(receipt_of(&answer), Receipt::Receipt { .. }));
                }
            });
        }
    });
    assert_eq!(case.registry.checkpoint().size, before + 40);
    let signed: i64 = case
        .registry
        .store()
        .read(|db| db.query_row("SELECT count(*) FROM checkpoints WHERE size > ?", [before as i64], |row| row.get(0)))
        .unwrap();
    assert!(signed < 40, "{signed} checkpoints for 40 segments: none was shared");
    case.registry.inner.log.check().unwrap();
    ready(&case.registry);
}

#[test]
fn statements_are_logged_once_and_only_when_they_stand() {
    let case = case();
    let erasure = case.world.erasure(Digest::of(b"none"), &[1], &["eve"]);
    assert!(case.registry.add_statement(&erasure).is_err(), "one signature");
    let revocation = case.world.revocation(&case.agent);
    let index = case.registry.add_statement(&revocation).unwrap();
    assert_eq!(case.registry.add_statement(&revocation).unwrap(), index);
    assert!(case.registry.add_statement(&case.world.revocation(&case.agent)).is_err(), "revoked already");
    assert_eq!(case.registry.checkpoint().size, index + 1);
    let bundle = case.registry.policy_bundle().unwrap();
    schemas::policy::Policy::open(&bundle, &case.world.root()).unwrap();
}

#[test]
fn a_log_with_another_key_or_a_stale_disk_does_not_open() {
    let mut case = case();
    let (data, old) = (case.folder.path().join("data"), case.folder.path().join("old"));
    drop(case.registry);
    copy(&data, &old);
    let mut config = case.world.config(case.folder.path(), std::sync::Arc::new(crate::core::storage::RealDisk));
    config.key = tlog::SigningKey::generate("vigie.example.org/log").unwrap();
    assert!(Registry::open(config).is_err());
    case.registry = open(&case.world, case.folder.path()).unwrap();
    let made = case.agent.collect(&case.world, &case.registry, &[Page::of(&[("1", "x")])]);
    case.registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    drop(case.registry);
    std::fs::remove_dir_all(&data).unwrap();
    copy(&old, &data);
    match open(&case.world, case.folder.path()) {
        Err(RegistryError::Log(LogError::RolledBack { local: 4, highest: 5 })) => {}
        other => panic!("{:?}", other.map(|_| ())),
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
