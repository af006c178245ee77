//! Stub.

pub mod canonical;
