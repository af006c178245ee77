//! Collectors of four shapes over made-up sources. Not examples of good parsing, only of the contract.

pub mod listing;
pub mod paged;
pub mod register;
pub mod stream;
