//! Collects the US register of foreign agents. What is asked, kept and left out stands in [`fara`].

fn main() -> std::process::ExitCode {
    kit::run(fara::Fara)
}
