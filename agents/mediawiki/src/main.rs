//! Collects the edits of pages of MediaWiki wikis. What is asked, kept and left out stands in [`mediawiki`].

fn main() -> std::process::ExitCode {
    kit::run(mediawiki::Mediawiki)
}
