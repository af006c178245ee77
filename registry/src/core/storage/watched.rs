//! A disk that calls somebody before it does anything: so a test has two threads meet where it wants them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Disk;

/// Told which call (`write`, `sync`, `rename`, `sync_dir`, `read`, `remove`, `list`) comes for which path; what it refuses is not done.
type See = dyn Fn(&str, &Path) -> io::Result<()> + Send + Sync;

/// See the module.
pub(crate) struct Watched {
    disk: Arc<dyn Disk>,
    see: Box<See>,
}

impl Watched {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        see: impl Fn(&str, &Path) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { disk, see: Box::new(see) }
    }
}

impl Disk for Watched {
    fn create_dirs(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dirs(dir)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        (self.see)("write", path)?;
        self.disk.write(path, bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        (self.see)("sync", path)?;
        self.disk.sync(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (self.see)("rename", to)?;
        self.disk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        (self.see)("sync_dir", dir)?;
        self.disk.sync_dir(dir)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        (self.see)("read", path)?;
        self.disk.read(path, limit)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        (self.see)("remove", path)?;
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        (self.see)("list", dir)?;
        self.disk.list(dir)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.disk.free_bytes(dir)
    }

    fn both(&self, one: &mut (dyn FnMut() + Send), other: &mut (dyn FnMut() + Send)) {
        self.disk.both(one, other);
    }
}
