//! What does the registry do with what agents push? Ingest, log, store, search, HTTP interface, pages, and `vigie`, the operators' command.
//!
//! [`core`] is the heart and knows nothing of HTTP or terminals; [`search`] and [`desk`] read its tables; [`prove`] and [`rederive`] read its
//! evidence; [`api`], [`pages`] and [`cli`] are the three ways in, the first two behind one [`listener`].

pub mod api;
pub mod cli;
pub mod core;
pub mod desk;
pub mod erasing;
pub mod listener;
pub mod pages;
pub mod prove;
pub mod rederive;
pub mod search;
pub mod unsealing;
