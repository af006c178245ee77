//! A proof file that is read is written again byte for byte, and its verification answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{LogProof, VerifierKey};

const LOG: &str = "registry.example/log+29b1b744+AcN2lX/Tbyc5yEFLWyqkJnjsg2UZHcHowSFx5B483Res";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = LogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
        if let Ok(log) = VerifierKey::parse(LOG) {
            let _ = proof.verify(b"leaf/300", &log);
        }
    }
});
