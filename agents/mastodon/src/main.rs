//! Collects public, hashtag and account timelines of servers that speak the Mastodon client API.
//!
//! What is asked, kept and left out stands in [`mastodon`].

fn main() -> std::process::ExitCode {
    kit::run(mastodon::Mastodon)
}
