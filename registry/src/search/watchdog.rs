//! How is a search kept from running for ever? A second thread interrupts the connection when the time is over.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::SearchError;

/// How long to wait before interrupting again: an interrupt between two statements stops neither.
const AGAIN: Duration = Duration::from_millis(1);

/// Runs `work`, whose statements end with [`SearchError::TooSlow`] after `limit`.
///
/// The connection must be the caller's alone meanwhile: all its statements are interrupted. None is after this has returned.
pub(super) fn within<T>(
    connection: &Connection,
    limit: Duration,
    work: impl FnOnce() -> Result<T, SearchError>,
) -> Result<T, SearchError> {
    let too_slow = || SearchError::TooSlow { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) };
    if limit.is_zero() {
        return Err(too_slow());
    }
    let handle = connection.get_interrupt_handle();
    let (done, wait) = mpsc::channel::<()>();
    let answer = thread::scope(|scope| {
        scope.spawn(move || {
            let mut pause = limit;
            while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
                pause = AGAIN;
            }
        });
        let answer = work();
        drop(done);
        answer
    });
    match answer {
        Err(SearchError::Sqlite(why)) if why.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            Err(too_slow())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOR_EVER: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

    fn count(connection: &Connection, sql: &str) -> Result<i64, SearchError> {
        Ok(connection.query_row(sql, [], |row| row.get(0))?)
    }

    #[test]
    fn endless_work_ends_and_the_connection_goes_on() {
        let connection = Connection::open_in_memory().unwrap();
        for _ in 0..20 {
            let answer = within(&connection, Duration::from_millis(3), || count(&connection, FOR_EVER));
            assert!(matches!(answer, Err(SearchError::TooSlow { limit_ms: 3 })), "{answer:?}");
            assert_eq!(count(&connection, "SELECT 7").unwrap(), 7, "no interrupt comes after the end");
        }
    }

    #[test]
    fn work_that_ends_in_time_is_let_alone() {
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(within(&connection, Duration::from_secs(60), || count(&connection, "SELECT 7")).unwrap(), 7);
        let none = within(&connection, Duration::ZERO, || count(&connection, "SELECT 7"));
        assert!(matches!(none, Err(SearchError::TooSlow { limit_ms: 0 })));
    }
}
