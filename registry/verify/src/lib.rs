//! Can a reviewer find out, on a machine of their own, whether what a registry claims is true?
//!
//! No server, no network, no database, and no trust but in the root file the reviewer was given by hand. Two things can be checked:
//!
//! - [`Bundle`], one file that a reviewer is handed for one or more records: [`check_bundle`], and [`Trace`], the account of it in words;
//! - a copy of a whole data folder: [`check_folder`].
//!
//! Everything is recomputed: signatures, trees, commitments, content hashes, what robots.txt said, and whether it was permitted. No digest
//! that a registry wrote down is believed because it stands there. Both answer with a [`Verdict`]: one word with an exit code, and the findings.
//!
//! Nothing here panics on what it reads, and what it keeps in memory is bounded: see the modules.

pub mod bundle;
mod captures;
mod check;
mod checkpoints;
pub mod folder;
mod opened;
mod reading;
mod replay;
pub mod trace;
mod verdict;

pub use bundle::{Bundle, BundleError};
pub use check::{CheckOptions, check_bundle};
pub use folder::{FolderOptions, Report, check_folder};
pub use trace::Trace;
pub use verdict::{AsOf, Finding, Outcome, Severity, Verdict};
