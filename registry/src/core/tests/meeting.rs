//! Two at the same thing at the same time: neither spoils it, and nobody waits who need not.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::core::storage::RealDisk;
use crate::core::testing::{Page, World};
use crate::core::{Config, Registry};

/// The row was lost, and the agent asks twice at once: the clock of one is asked when the other has been answered.
#[test]
fn a_receipt_that_is_made_again_twice_at_once_says_one_time() {
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let hook: Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>> = Arc::default();
    let seconds = Arc::new(AtomicI64::new(world.now().as_second()));
    let clock = {
        let (hook, seconds) = (Arc::clone(&hook), Arc::clone(&seconds));
        Arc::new(move || {
            let meet = hook.lock().unwrap().take();
            meet.into_iter().for_each(|meet| meet());
            Timestamp::from_second(seconds.fetch_add(60, Ordering::SeqCst)).unwrap()
        })
    };
    let config = Config { clock, ..world.config(folder.path(), Arc::new(RealDisk)) };
    let registry = Arc::new(Registry::open(config).unwrap());
    let mut agent = world.found(&registry);
    let made = agent.collect(&world, &registry, &[Page::of(&[("1", "Harbour opens")])]);
    registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    registry.store().write(|tx| tx.execute("DELETE FROM receipts", [])).unwrap();
    let other = Arc::new(Mutex::new(None));
    let (weak, told) = (Arc::downgrade(&registry), Arc::clone(&other));
    let (name, bytes) = (made.name, made.bytes.clone());
    *hook.lock().unwrap() = Some(Box::new(move || {
        *told.lock().unwrap() = Some(weak.upgrade().unwrap().put_segment(&name, &bytes, 0).unwrap());
    }));
    let one = registry.put_segment(&made.name, &made.bytes, 0).unwrap();
    let other = other.lock().unwrap().take().unwrap();
    assert_eq!(one.receipt, other.receipt);
}
