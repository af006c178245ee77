//! The `vigie` command.

fn main() -> std::process::ExitCode {
    registry::cli::main()
}
