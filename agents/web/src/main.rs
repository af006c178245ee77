//! Collects the pages of newsrooms and official bodies by recipes of CSS selectors.
//!
//! One article is one record, named by its canonical address where that is of the same site; a page in another language is a record of its own.
//! Misses: whatever a listing dropped between two runs, and pages that only scripts fill.

fn main() -> std::process::ExitCode {
    kit::run(web::Web::default())
}
