//! The program `vigie-bluesky`.

fn main() -> std::process::ExitCode {
    kit::run(bluesky::Bluesky)
}
