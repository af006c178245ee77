//! What does an agent need to keep evidence sealed, and how does it seal?
//!
//! The private halves of the recipients' keys are nowhere near: what is sealed here, this host cannot open. A run of an entry whose keys are not at hand is not made.

use std::{
    cell::Cell,
    io::{self, Write as _},
    str::FromStr as _,
};

use age::{Encryptor, Recipient, x25519};
use schemas::{
    permission::{Authors, Entry, Evidence},
    pseudonym::PseudonymKey,
    segment::Seal,
    trust::TrustRoot,
};

/// Fewest people who may open what is sealed.
const MIN_RECIPIENTS: usize = 2;

/// The keys of an agent that may keep sealed evidence.
#[derive(Clone, Debug, Default)]
pub struct Sealing {
    /// Makes pseudonyms; none where the agent was given no key.
    pub pseudonyms: Option<PseudonymKey>,
    /// Whether the state is hidden by a state key.
    pub state_hidden: bool,
}

impl Sealing {
    /// Why an entry can't be collected with these keys, and what to do.
    ///
    /// # Errors
    ///
    /// The reason, for people.
    pub fn suffices(&self, entry: &Entry, root: &TrustRoot) -> Result<(), String> {
        if entry.evidence == Evidence::Open {
            return Ok(());
        }
        if root.evidence_recipients.len() < MIN_RECIPIENTS {
            return Err("its evidence is sealed, and the trust root names fewer than two recipients".to_owned());
        }
        if !self.state_hidden {
            return Err("its evidence is sealed, and this agent has no state key; make one with `vigie key state` and name it in the configuration as `state_key`".to_owned());
        }
        if entry.authors != Authors::Named && self.pseudonyms.is_none() {
            return Err("it keeps no authors by name, and this agent has no key of pseudonyms; make one with `vigie key pseudonym` and name it in the configuration as `pseudonym_key`".to_owned());
        }
        Recipients::of(root).map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Everybody who may open what is sealed.
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// The recipients of a trust root.
    ///
    /// # Errors
    ///
    /// One whose key is no age recipient.
    pub fn of(root: &TrustRoot) -> io::Result<Self> {
        let all = root.evidence_recipients.iter().map(|one| {
            x25519::Recipient::from_str(&one.age).map_err(|why| {
                io::Error::other(format!("the key of the recipient `{}` can't be used: {why}", one.name))
            })
        });
        Ok(Self(all.collect::<io::Result<_>>()?))
    }
}

impl Seal for Recipients {
    fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let all = self.0.iter().map(|one| one as &dyn Recipient);
        let encryptor = Encryptor::with_recipients(all).map_err(io::Error::other)?;
        let mut sealed = Vec::with_capacity(plain.len() + plain.len() / 4096 + 1024);
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(plain)?;
        writer.finish()?;
        Ok(sealed)
    }
}

thread_local! {
    static READS_SEALED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a reader whose words must not get into a log: where it panics, only the place in the program is told.
pub(crate) fn quietly<T>(sealed: bool, work: impl FnOnce() -> T) -> T {
    READS_SEALED.set(sealed);
    let done = work();
    READS_SEALED.set(false);
    done
}

/// Keeps what a panic says of sealed bytes out of standard error.
pub(crate) fn guard_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if READS_SEALED.get() {
            let at = panic.location().map(ToString::to_string).unwrap_or_default();
            eprintln!("a reader of sealed evidence panicked at {at}");
        } else {
            usual(panic);
        }
    }));
}
