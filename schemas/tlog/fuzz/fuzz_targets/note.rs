//! A note that is read is written again byte for byte, and its verification answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{Note, VerifierKey};

const LOG: &str = "registry.example/log+29b1b744+AcN2lX/Tbyc5yEFLWyqkJnjsg2UZHcHowSFx5B483Res";
const WITNESS: &str = "witness.example/w1+21ff8308+BARQf7h6cKy2BgswUYQQtgFZsxtIDyVYJKFEEuBnUbCF";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let known: Vec<VerifierKey> = [LOG, WITNESS].iter().flat_map(|key| key.parse()).collect();
        assert_eq!(known.len(), 2);
        let _ = note.verify(&known);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(key) = VerifierKey::parse(text)
    {
        assert_eq!(key.to_string(), text);
    }
});
