//! Who signed, what is refused, and what each refusal says.
#![expect(clippy::unwrap_used, reason = "what fails here fails its test")]

use tlog::{
    Checkpoint, CheckpointError, EMPTY_ROOT, KeyError, LogProof, LogProofError, Note, NoteError, ProofError,
    SigningKey, VerifierKey, leaf_hash, verify_cosignatures,
};

/// The specification's own example (C2SP signed-note.md).
const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &leaf_hash(name.as_bytes()).0).unwrap()
}

fn signed(text: &str, names: &[&str]) -> String {
    let keys: Vec<SigningKey> = names.iter().map(|name| key(name)).collect();
    Note::sign(text, &keys.iter().collect::<Vec<_>>()).unwrap().to_string()
}

fn parse_error(text: &str) -> NoteError {
    Note::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn example_of_the_specification_verifies() {
    let known = VerifierKey::parse(SPEC_KEY).unwrap();
    assert_eq!(known.to_string(), SPEC_KEY);
    assert_eq!(known.id_text(), "example.com/foo+530d903a");
    let note = Note::parse(SPEC_NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), SPEC_NOTE);
    assert_eq!(note.verify(std::slice::from_ref(&known)).unwrap(), [known]);
}

#[test]
fn unknown_signers_are_ignored_but_one_known_key_must_have_signed() {
    let note = Note::parse(signed("text\n", &["a.example", "b.example"]).as_bytes()).unwrap();
    let (a, c) = (key("a.example").vkey(), key("c.example").vkey());
    assert_eq!(note.verify(&[c.clone(), a.clone()]).unwrap(), [a]);
    let refused = note.verify(&[c]).unwrap_err();
    assert!(refused.to_string().contains("signatures by: a.example+"), "{refused}");
    assert!(note.verify(&[]).is_err());
}

#[test]
fn failing_line_of_a_known_key_rejects_the_note_though_another_holds() {
    let mut note = Note::parse(signed("text\n", &["a.example", "b.example"]).as_bytes()).unwrap();
    note.signatures[1].bytes[7] ^= 1;
    let (a, b) = (key("a.example").vkey(), key("b.example").vkey());
    assert_eq!(note.verify(&[a.clone(), b.clone()]), Err(NoteError::BadSignature { key: b.id_text() }));
    assert_eq!(note.verify(std::slice::from_ref(&a)).unwrap(), [a]);
}

#[test]
fn same_id_under_another_name_is_another_key() {
    let mut note = Note::parse(signed("text\n", &["a.example"]).as_bytes()).unwrap();
    note.signatures[0].name = "other.example".into();
    assert!(matches!(note.verify(&[key("a.example").vkey()]), Err(NoteError::NoneVerified { .. })));
}

#[test]
fn repeated_line_counts_once_and_must_hold_each_time() {
    let mut note = Note::parse(signed("text\n", &["a.example", "a.example"]).as_bytes()).unwrap();
    let a = key("a.example").vkey();
    assert_eq!(note.verify(std::slice::from_ref(&a)).unwrap(), std::slice::from_ref(&a));
    note.signatures[1].bytes[0] ^= 1;
    assert!(note.verify(&[a]).is_err());
}

#[test]
fn a_hundred_signatures_are_read_and_one_more_is_not() {
    let line = signed("text\n", &["a.example"]).lines().last().unwrap().to_owned() + "\n";
    let note = Note::parse(format!("text\n\n{}", line.repeat(100)).as_bytes()).unwrap();
    assert_eq!(note.signatures.len(), 100);
    assert_eq!(note.verify(&[key("a.example").vkey()]).unwrap().len(), 1);
    assert_eq!(parse_error(&format!("text\n\n{}", line.repeat(101))), NoteError::TooManySignatures);
}

#[test]
fn last_empty_line_parts_text_from_signatures() {
    let text = "first\n\n\u{2014} not.a.signer AAAAAAAA\n\n\nlast\n";
    let note = Note::parse(signed(text, &["a.example"]).as_bytes()).unwrap();
    assert_eq!(note.text, text);
    assert_eq!(note.signatures.len(), 1);
}

#[test]
fn what_is_no_note_is_refused_with_its_reason() {
    let line = signed("text\n", &["a.example"]).lines().last().unwrap().to_owned();
    assert_eq!(parse_error(""), NoteError::NoSignatures);
    assert_eq!(parse_error("text\n"), NoteError::NoSignatures);
    assert_eq!(parse_error("text\n\n"), NoteError::NoSignatures);
    assert_eq!(parse_error(&format!("text\n\n{line}")), NoteError::NoSignatures);
    assert_eq!(parse_error(&format!("text\n{line}\n")), NoteError::NoSignatures);
    assert_eq!(parse_error(&format!("te\txt\n\n{line}\n")), NoteError::Control { code: 9, at: 2 });
    assert_eq!(parse_error(&format!("text\r\n\n{line}\n")), NoteError::Control { code: 13, at: 4 });
    let bad = [b"text\n\n\xff".as_slice(), line.as_bytes(), b"\n"].concat();
    assert_eq!(Note::parse(&bad), Err(NoteError::NotUtf8 { at: 6 }));
    assert_eq!(
        parse_error(&format!("{}\n\n{line}\n", "x".repeat(1 << 20))),
        NoteError::TooLarge { bytes: (1 << 20) + 3 + line.len() }
    );
    for damaged in [
        line.replace('\u{2014}', "-"),
        line.replace("a.example", "a+example"),
        line.replace("a.example", ""),
        line.replace("a.example", "a\u{a0}example"),
        "\u{2014} a.example AAAAAA==".to_owned(),
        "\u{2014} a.example not-base64".to_owned(),
        "\u{2014} a.example".to_owned(),
        format!("{line} more"),
    ] {
        let refused = parse_error(&format!("text\n\n{line}\n{damaged}\n"));
        assert!(matches!(refused, NoteError::SignatureLine { line: 2, .. }), "{damaged}: {refused}");
    }
}

#[test]
fn what_cannot_be_a_note_is_not_signed() {
    let a = key("a.example");
    assert_eq!(Note::sign("no newline", &[&a]), Err(NoteError::NoFinalNewline));
    assert_eq!(Note::sign("tab\t\n", &[&a]), Err(NoteError::Control { code: 9, at: 3 }));
    assert_eq!(Note::sign("text\n", &[]), Err(NoteError::NoSignatures));
    assert_eq!(Note::sign("cosignature/v1\ntime 1\nx\n", &[&a]), Err(NoteError::LooksCosigned));
}

#[test]
fn private_key_text_comes_back_and_debug_hides_it() {
    let a = SigningKey::generate("a.example").unwrap();
    let text = a.private_text();
    assert!(text.starts_with("PRIVATE+KEY+a.example+"));
    let back = SigningKey::parse(&format!("{}\n", text.as_str())).unwrap();
    assert_eq!(back.vkey(), a.vkey());
    let secret = text.rsplit_once('+').unwrap().1;
    let shown = format!("{a:?}");
    assert!(!shown.contains(secret) && shown.contains(&a.vkey().id_text()), "{shown}");
    assert_ne!(a.vkey(), SigningKey::generate("a.example").unwrap().vkey());
}

#[test]
fn private_key_made_by_go_is_read() {
    // Example key of golang.org/x/mod/sumdb/note, published in its documentation.
    let text = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let key = SigningKey::parse(text).unwrap();
    assert_eq!(key.vkey().to_string(), public);
    assert_eq!(key.private_text().as_str(), text);
}

#[test]
fn damaged_keys_are_refused_without_repeating_a_secret() {
    let text = key("a.example").private_text();
    let secret = text.rsplit_once('+').unwrap().1;
    for damaged in [
        text.replace("a.example", "b.example"),
        text.replace("PRIVATE+", ""),
        text[..text.len() - 4].to_owned(),
        format!("{} ", text.as_str()),
    ] {
        let refused = format!("{0} {0:?}", SigningKey::parse(&damaged).unwrap_err());
        assert!(!refused.contains(&secret[..8]), "{refused}");
    }
    let renamed = SPEC_KEY.replace("foo", "bar");
    assert!(matches!(VerifierKey::parse(&renamed), Err(KeyError::Id { .. })));
    assert!(matches!(VerifierKey::parse("a.example+00000000+BgAA"), Err(KeyError::Type { found: 6, .. })));
    for damaged in
        ["", "a", "a+b", "a+00000000", "+00000000+AQ==", "a b+00000000+AQ==", "a+0000000G+AQ==", "a+00000000+"]
    {
        assert!(matches!(VerifierKey::parse(damaged), Err(KeyError::Malformed { .. })), "{damaged}");
    }
    assert!(matches!(SigningKey::from_seed("a b", &[1; 32]), Err(KeyError::Name { .. })));
    // The neutral point: any signature could be made to hold under it.
    let weak = "a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(VerifierKey::parse(weak), Err(KeyError::Point { name: "a".into() }));
}

#[test]
fn checkpoint_text_is_read_strictly() {
    let root = "N8kSCSHCmWntWoC++m+ZXB8FSwiaeClL0ShxgzhnACA=";
    let good = format!("log.example\n600\n{root}\n");
    assert_eq!(Checkpoint::parse(&good).unwrap().to_string(), good);
    let extended = format!("{good}one\ntwo\n");
    let read = Checkpoint::parse(&extended).unwrap();
    assert_eq!((read.extensions.len(), read.to_string()), (2, extended));

    for bad in ["", "\n", "log.example\n600\n", &good[..good.len() - 1]] {
        assert!(Checkpoint::parse(bad).is_err(), "{bad}");
    }
    for size in ["", "0600", "+600", "-1", "6e2", " 600", "18446744073709551616"] {
        let refused = Checkpoint::parse(&format!("log.example\n{size}\n{root}\n")).unwrap_err();
        assert_eq!(refused, CheckpointError::Size { found: size.into() });
    }
    assert_eq!(Checkpoint::parse(&format!("\n600\n{root}\n")), Err(CheckpointError::NoOrigin));
    assert_eq!(Checkpoint::parse(&format!("log.example\n0\n{root}\n")), Err(CheckpointError::EmptyRoot));
    assert_eq!(Checkpoint::parse(&format!("{good}one\n\n")), Err(CheckpointError::EmptyExtension { line: 5 }));
    assert!(matches!(Checkpoint::parse("log.example\n600\nN8kS\n"), Err(CheckpointError::Root(_))));
}

#[test]
fn checkpoint_of_another_origin_does_not_open() {
    let text = Checkpoint::new("b.example", 0, EMPTY_ROOT).to_string();
    let bytes = signed(&text, &["a.example"]);
    let refused = Checkpoint::open(bytes.as_bytes(), &key("a.example").vkey()).unwrap_err();
    assert_eq!(refused.to_string(), "the checkpoint is of `b.example`, not of `a.example`");
    let cosigner = key("b.example").cosigner_vkey();
    assert!(matches!(Checkpoint::open(bytes.as_bytes(), &cosigner), Err(CheckpointError::NotALogKey { .. })));
}

#[test]
fn log_signs_only_what_reads_back_under_its_own_name() {
    let log = key("log.example");
    let good = Checkpoint::new("log.example", 0, EMPTY_ROOT);
    let note = good.sign(&log).unwrap().to_string();
    assert_eq!(Checkpoint::open(note.as_bytes(), &log.vkey()).unwrap().0, good);
    assert!(matches!(good.sign(&key("b.example")), Err(CheckpointError::Origin { .. })));
    let broken = Checkpoint { extensions: vec!["one\ntwo".into()], ..good.clone() };
    assert_eq!(broken.sign(&log), Err(CheckpointError::Lines));
    let empty = Checkpoint { extensions: vec![String::new()], ..good };
    assert_eq!(empty.sign(&log), Err(CheckpointError::EmptyExtension { line: 4 }));
}

#[test]
fn witness_counts_once_with_its_latest_time_and_not_at_all_with_a_bad_line() {
    let text = Checkpoint::new("log.example", 0, EMPTY_ROOT).to_string();
    let mut note = Note::sign(&text, &[&key("log.example")]).unwrap();
    let (one, two) = (key("w1.example"), key("w2.example"));
    note.signatures.push(one.cosign(&text, 10));
    note.signatures.push(one.cosign(&text, 20));
    note.signatures.push(two.cosign(&text, 15));
    let known = [one.cosigner_vkey(), two.cosigner_vkey(), one.cosigner_vkey(), one.vkey()];
    assert_eq!(verify_cosignatures(&note, &known), [(one.cosigner_vkey(), 20), (two.cosigner_vkey(), 15)]);
    // The stated time is signed too.
    note.signatures[1].bytes[7] ^= 1;
    assert_eq!(verify_cosignatures(&note, &known), [(two.cosigner_vkey(), 15)]);
    // A cosignature of something else than a checkpoint states nothing.
    let mut other = Note::sign("text\n", &[&key("log.example")]).unwrap();
    other.signatures.push(one.cosign("text\n", 10));
    assert_eq!(verify_cosignatures(&other, &known), []);
}

#[test]
fn cosignature_does_not_pass_as_a_signature_or_the_other_way_round() {
    let a = key("a.example");
    let text = Checkpoint::new("a.example", 0, EMPTY_ROOT).to_string();
    let (mut plain, mut cosigned) = (a.sign(&text), a.cosign(&text, 5));
    assert!(a.vkey().verifies(&text, &plain) && a.cosigner_vkey().verifies(&text, &cosigned));
    assert!(!a.vkey().verifies(&text, &cosigned) && !a.cosigner_vkey().verifies(&text, &plain));
    std::mem::swap(&mut plain.id, &mut cosigned.id);
    assert!(!a.vkey().verifies(&text, &cosigned) && !a.cosigner_vkey().verifies(&text, &plain));
}

#[test]
fn proof_file_of_a_one_leaf_log_with_extra_data() {
    let leaf = leaf_hash(b"only");
    let checkpoint = signed(&Checkpoint::new("log.example", 1, leaf).to_string(), &["log.example"]);
    let proof = LogProof { index: 0, proof: vec![], checkpoint, extra: Some(b"x".to_vec()) };
    let text = proof.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\nlog.example\n1\n"));
    assert_eq!(text.parse(), Ok(proof.clone()));
    proof.verify(b"only", &key("log.example").vkey()).unwrap();
    let refused = proof.verify(b"other", &key("log.example").vkey()).unwrap_err();
    assert!(matches!(refused, LogProofError::Proof(ProofError::RootMismatch { .. })));
    for (line, damaged) in [
        (1, text.replace("@v1", "@v2")),
        (2, text.replace("eA==", "eA")),
        (3, text.replace("index 0", "index 00")),
        (2, "c2sp.org/tlog-proof@v1\n\n".to_owned()),
        (1, "c2sp.org/tlog-proof@v1\nindex 0\n".to_owned()),
    ] {
        let refused = LogProof::parse(damaged.as_bytes()).unwrap_err();
        assert!(matches!(refused, LogProofError::Line { line: found, .. } if found == line), "{refused}");
    }
    let refused = LogProof::parse(text.replace("index 0\n", "index 0\nAAAA\n").as_bytes());
    assert!(matches!(refused, Err(LogProofError::Hash { line: 4, .. })));
}
