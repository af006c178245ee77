//! Where does a body lie while it comes in?
//!
//! Slow sources are many at a time, and each may send much. What they have sent lies in memory as long as all of it together takes little; beyond that it
//! waits in unnamed files until there is a turn to read it in.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::engine::{Turn, turn};

/// Most memory taken for a body before it has come: 1 MiB. What the server promises is believed no further.
const MOST_PROMISED_BYTES: u64 = 1 << 20;

/// Memory that all bodies of a process may take before those that come in go to files: 1.5 MiB.
static ROOM: Room = Room::of(3 << 19);

struct Room {
    bytes: usize,
    taken: AtomicUsize,
}

impl Room {
    const fn of(bytes: usize) -> Self {
        Self { bytes, taken: AtomicUsize::new(0) }
    }
}

/// A body's share of the room, until it is dropped.
pub(super) struct Counted {
    room: &'static Room,
    bytes: usize,
}

impl Default for Counted {
    fn default() -> Self {
        Self { room: &ROOM, bytes: 0 }
    }
}

impl Counted {
    /// Takes so many bytes more; false where there is no room for them.
    fn more(&mut self, bytes: usize) -> bool {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.room.bytes);
        let took = self.room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if took {
            self.bytes += bytes;
        }
        took
    }

    /// These bytes, counted until nobody holds them.
    pub fn with(self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Owned { bytes, _counted: self })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Owned {
    bytes: Vec<u8>,
    _counted: Counted,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body as far as it has come.
pub(super) struct Arriving {
    memory: Vec<u8>,
    counted: Counted,
    file: Option<File>,
    len: usize,
    spare: usize,
    memory_only: bool,
}

impl Arriving {
    /// A body of which so many bytes are promised. `spare` bytes will be put before it.
    pub fn new(promised: u64, spare: usize, memory_only: bool) -> Self {
        let promised = usize::try_from(promised.min(MOST_PROMISED_BYTES)).unwrap_or_default();
        let memory = Vec::with_capacity(promised + spare);
        Self { memory, counted: Counted::default(), file: None, len: 0, spare, memory_only }
    }

    /// Bytes that have come.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Takes more of it. A disk that takes nothing more has it stay in memory.
    ///
    /// # Errors
    ///
    /// What was in the file can't be read back.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let in_memory = self.file.is_none();
        if in_memory && !self.memory_only && !self.counted.more(bytes.len()) {
            self.leave_memory();
        }
        if let Some(mut file) = self.file.take() {
            if file.write_all(bytes).is_ok() {
                self.file = Some(file);
                self.len += bytes.len();
                return Ok(());
            }
            self.memory = read_back(&file, self.len, self.spare + bytes.len())?;
            self.memory_only = true;
        }
        self.memory.extend_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    /// Moves what has come to a file; nothing changes where that can't be.
    fn leave_memory(&mut self) {
        let moved = tempfile::tempfile().and_then(|mut file| file.write_all(&self.memory).map(|()| file));
        match moved {
            Ok(file) => {
                self.file = Some(file);
                self.memory = Vec::new();
                self.counted = Counted::default();
            }
            Err(_) => self.memory_only = true,
        }
    }

    /// The whole body in memory, and the turn that was waited for where it lay in a file.
    ///
    /// # Errors
    ///
    /// It can't be read back.
    pub async fn whole(self) -> io::Result<(Vec<u8>, Counted, Turn)> {
        let Some(file) = self.file else {
            return Ok((self.memory, self.counted, None));
        };
        let turn = turn().await;
        let (len, spare) = (self.len, self.spare);
        let bytes = spawn_blocking(move || read_back(&file, len, spare)).await.map_err(io::Error::other)??;
        Ok((bytes, Counted::default(), turn))
    }
}

fn read_back(file: &File, len: usize, spare: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len + spare);
    bytes.resize(len, 0);
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arriving(room: usize, memory_only: bool) -> Arriving {
        let counted = Counted { room: Box::leak(Box::new(Room::of(room))), bytes: 0 };
        Arriving { counted, ..Arriving::new(0, 3, memory_only) }
    }

    #[tokio::test]
    async fn what_has_no_room_waits_in_a_file_and_comes_back_whole() {
        let mut body = arriving(8, false);
        let room = body.counted.room;
        body.push(b"harbour ").unwrap();
        assert!(body.file.is_none(), "there is room for eight bytes");
        assert_eq!(room.taken.load(Ordering::Relaxed), 8);
        body.push(b"opens").unwrap();
        assert!(body.file.is_some() && body.memory.is_empty());
        assert_eq!(room.taken.load(Ordering::Relaxed), 0, "others may have the room");
        body.push(b" early").unwrap();
        assert_eq!(body.len(), 19);
        let (bytes, _counted, turn) = body.whole().await.unwrap();
        assert_eq!(bytes, b"harbour opens early");
        assert_eq!(bytes.capacity(), 22, "the head is put before it without a copy");
        assert!(turn.is_some(), "it is read in the turn in which it came back");
    }

    #[tokio::test]
    async fn what_is_sealed_never_touches_the_disk() {
        let mut body = arriving(8, true);
        body.push(b"harbour opens early").unwrap();
        assert!(body.file.is_none());
        let (bytes, _counted, turn) = body.whole().await.unwrap();
        assert_eq!(bytes, b"harbour opens early");
        assert!(turn.is_none());
    }

    #[tokio::test]
    async fn a_disk_that_takes_no_more_has_the_body_stay_in_memory() {
        let mut body = arriving(0, false);
        body.push(b"harbour ").unwrap();
        let file = body.file.take().unwrap();
        let mut path = std::path::PathBuf::from("/proc/self/fd");
        path.push(std::os::fd::AsRawFd::as_raw_fd(&file).to_string());
        body.file = Some(File::open(path).unwrap());
        body.push(b"opens").unwrap();
        assert!(body.file.is_none(), "a file that is open for reading alone takes nothing");
        body.push(b" early").unwrap();
        assert_eq!(body.whole().await.unwrap().0, b"harbour opens early");
    }

    #[test]
    fn the_room_is_free_once_nobody_holds_the_bytes() {
        let mut counted = arriving(8, false).counted;
        let room = counted.room;
        assert!(counted.more(8) && !counted.more(1));
        let bytes = counted.with(b"harbour ".to_vec());
        let part = bytes.slice(2..4);
        drop(bytes);
        assert_eq!(room.taken.load(Ordering::Relaxed), 8);
        drop(part);
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
    }
}
