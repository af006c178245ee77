//! Program `vigie-youtube`.

fn main() -> std::process::ExitCode {
    kit::run(youtube::Youtube)
}
