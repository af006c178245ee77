//! Which news sites published what fits a query? The program; the collector is in the library.

fn main() -> std::process::ExitCode {
    kit::run(gdelt::Gdelt)
}
