//! Which words do agents, registry and verifier share?
//!
//! The formats of everything stored or signed, as Rust types, and the pure functions that both sides must compute alike. Knows nobody:
//! no sockets, no clocks, no files. `README.md` beside this crate says how the bytes lie; [`segment`] writes and reads them.

pub mod address;
pub mod canonical;
pub mod capture;
pub mod coverage;
pub mod digest;
pub mod gate;
pub mod jsonschema;
pub mod judge;
pub mod leaf;
pub mod manifest;
pub mod minimise;
pub mod permission;
pub mod policy;
pub mod problem;
pub mod pseudonym;
pub mod receipt;
pub mod record;
pub mod reservation;
pub mod robots;
pub mod schedule;
pub mod segment;
pub mod statement;
pub mod trust;
pub mod urlform;

pub use digest::{Digest, Salt};
