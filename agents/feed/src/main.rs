//! Collects RSS, Atom and JSON feeds of newsrooms and official bodies.
//!
//! One entry is one record; how entries are named is stated in [`feed::ident`], what of them goes where in [`feed`].
//! Misses: whatever leaves a feed between two runs (coverage then says *partial*), and full texts where the feed gives summaries.
//! Left out on purpose: comment feeds. Their authors speak as private people.

fn main() -> std::process::ExitCode {
    kit::run(feed::Feed)
}
