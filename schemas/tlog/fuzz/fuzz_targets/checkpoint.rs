//! A checkpoint that is read is written again byte for byte; opening a note and counting witnesses answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{Checkpoint, Note, VerifierKey, verify_cosignatures};

const LOG: &str = "registry.example/log+29b1b744+AcN2lX/Tbyc5yEFLWyqkJnjsg2UZHcHowSFx5B483Res";
const WITNESS: &str = "witness.example/w1+21ff8308+BARQf7h6cKy2BgswUYQQtgFZsxtIDyVYJKFEEuBnUbCF";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(checkpoint) = Checkpoint::parse(text)
    {
        assert_eq!(checkpoint.to_string(), text);
    }
    let known: Vec<VerifierKey> = [LOG, WITNESS].iter().flat_map(|key| key.parse()).collect();
    let _ = Checkpoint::open(bytes, &known[0]);
    if let Ok(note) = Note::parse(bytes) {
        let _ = verify_cosignatures(&note, &known);
    }
});
