//! What does the person at the terminal say?

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Result, bail};

/// Asks a person at the terminal; without one the answer is no.
///
/// # Errors
///
/// Where the terminal fails.
pub fn confirmed(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is nobody at the terminal to ask: give --yes");
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "o" | "O" | "oui"))
}

/// What was given beforehand, or else what a person answers.
///
/// # Errors
///
/// Where nobody is at the terminal, or it fails.
pub fn answer(given: Option<&str>, question: &str) -> Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if !std::io::stdin().is_terminal() {
        bail!("nobody is at the terminal to say: {question}\nhint: `vigie init --help` names the option for it");
    }
    loop {
        print!("{question}: ");
        std::io::stdout().flush()?;
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line)? == 0 {
            bail!("no answer was given to: {question}");
        }
        if !line.trim().is_empty() {
            return Ok(line.trim().to_owned());
        }
    }
}
