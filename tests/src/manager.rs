//! What does a service say to its manager? A stand-in for the manager's side of sd_notify(3).

use std::{
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::until;

/// What ends the listening thread.
const BYE: &str = "BYE";

/// Listens where a service thinks its manager is. On a thread of its own, as a manager does: a service waits for one that does not hear.
#[derive(Debug)]
pub struct Manager {
    path: PathBuf,
    heard: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Manager {
    /// A manager that listens in this folder.
    ///
    /// # Panics
    ///
    /// Where no socket can be made there.
    #[must_use]
    pub fn listen(folder: &Path) -> Self {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut datagram = [0; 4096];
            while let Ok(length) = socket.recv(&mut datagram) {
                let text = String::from_utf8_lossy(datagram.get(..length).unwrap_or_default()).into_owned();
                if text == BYE {
                    return;
                }
                let now = Instant::now();
                let mut heard = hears.lock().unwrap_or_else(PoisonError::into_inner);
                heard.extend(text.lines().map(|line| (now, line.to_owned())));
            }
        });
        Self { path, heard }
    }

    /// Makes a command its service: where to speak, and within how many microseconds to beat.
    pub fn manages(&self, service: &mut Command, watchdog_usec: u64) {
        service.env("NOTIFY_SOCKET", &self.path).env("WATCHDOG_USEC", watchdog_usec.to_string());
    }

    /// Everything that was said so far, one assignment an element, with when it was heard.
    #[must_use]
    pub fn heard(&self) -> Vec<(Instant, String)> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often this was said.
    #[must_use]
    pub fn count(&self, line: &str) -> usize {
        self.heard().iter().filter(|(_, said)| said == line).count()
    }

    /// The newest words for people.
    #[must_use]
    pub fn status(&self) -> Option<String> {
        self.heard().iter().rev().find_map(|(_, said)| said.strip_prefix("STATUS=").map(str::to_owned))
    }

    /// Waits until this was said `times` times.
    ///
    /// # Panics
    ///
    /// Where it was not within the usual patience.
    pub fn until_heard(&self, line: &str, times: usize) {
        until(&format!("`{line}` {times} times"), || (self.count(line) >= times).then_some(()));
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if let Ok(socket) = UnixDatagram::unbound() {
            let _ = socket.send_to(BYE.as_bytes(), &self.path);
        }
    }
}
