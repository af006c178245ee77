//! Collects the political ads library of Snap. What is asked, kept and left out stands in [`snapads`].

fn main() -> std::process::ExitCode {
    kit::run(snapads::SnapAds)
}
