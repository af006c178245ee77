//! A bundle that is read is written again byte for byte, holds at most 256 entries, and any path is answered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{TileId, decode_bundle, encode_entry};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entries) = decode_bundle(bytes) {
        assert!(entries.len() <= 256);
        let again: Vec<u8> = entries
            .iter()
            .flat_map(|entry| encode_entry(entry))
            .flatten()
            .collect();
        assert_eq!(again, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(id) = text.parse::<TileId>()
    {
        assert_eq!(id.to_string(), text);
    }
});
