//! How much of a platform's own units is left? Drawn before the request, settled after it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::Rows;
use crate::{contract::Unit, state::Cached as _};

/// Less is left than asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// When it refills.
    pub until: Timestamp,
}

impl Rows {
    /// Draws `amount` of a unit before the request that may cost it, or draws nothing and says when the unit refills.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn reserve(
        connection: &Connection,
        unit: &Unit,
        amount: u64,
        now: Timestamp,
    ) -> rusqlite::Result<Result<(), Short>> {
        let bucket = Bucket::of(connection, unit, now)?;
        let used = bucket.used.saturating_add(amount);
        if used > unit.amount {
            return Ok(Err(Short { until: bucket.refills }));
        }
        bucket.write(connection, &unit.name, used)?;
        Ok(Ok(()))
    }

    /// Replaces what was reserved by what it cost.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub fn settle(
        connection: &Connection,
        unit: &Unit,
        reserved: u64,
        cost: u64,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let bucket = Bucket::of(connection, unit, now)?;
        let used = bucket.used.saturating_sub(reserved).saturating_add(cost);
        bucket.write(connection, &unit.name, used)
    }
}

/// A unit's bucket as it stands.
struct Bucket {
    period: String,
    used: u64,
    refills: Timestamp,
}

impl Bucket {
    /// The bucket in use: the stored one until it refills, and for ever while the clock lies before it.
    fn of(connection: &Connection, unit: &Unit, now: Timestamp) -> rusqlite::Result<Self> {
        let stored: Option<(String, i64, i64)> = connection
            .one("SELECT period, used, refills FROM quotas WHERE unit = ?1", [&unit.name], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        if let Some((period, used, refills)) = stored
            && let Ok(refills) = Timestamp::from_second(refills)
            && now < refills
        {
            return Ok(Self { period, used: used.unsigned_abs(), refills });
        }
        let refills = unit.refill.after(now);
        Ok(Self { period: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), used: 0, refills })
    }

    fn write(&self, connection: &Connection, unit: &str, used: u64) -> rusqlite::Result<()> {
        let used = i64::try_from(used).unwrap_or(i64::MAX);
        connection.run(
            "INSERT INTO quotas (unit, period, used, refills) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (unit) DO UPDATE SET period = excluded.period, used = excluded.used, refills = excluded.refills",
            params![unit, self.period, used, self.refills.as_second()],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Refill;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        Rows::migrate(&connection).unwrap();
        connection
    }

    #[test]
    fn units_are_reserved_settled_and_refilled() {
        let rows = open();
        let unit =
            Unit { name: "posts".to_owned(), amount: 100, refill: Refill::Midnight("America/Los_Angeles".to_owned()) };
        let now = at("2026-11-22T12:00:00Z");
        assert_eq!(Rows::reserve(&rows, &unit, 60, now).unwrap(), Ok(()));
        let refills = at("2026-11-23T08:00:00Z");
        assert_eq!(Rows::reserve(&rows, &unit, 60, now).unwrap(), Err(Short { until: refills }));
        Rows::settle(&rows, &unit, 60, 10, now).unwrap();
        assert_eq!(Rows::reserve(&rows, &unit, 90, now).unwrap(), Ok(()));
        assert_eq!(
            Rows::reserve(&rows, &unit, 1, at("2026-11-20T12:00:00Z")).unwrap(),
            Err(Short { until: refills }),
            "set back"
        );
        assert_eq!(Rows::reserve(&rows, &unit, 100, refills).unwrap(), Ok(()));
        assert_eq!(Refill::Month.after(now), at("2026-12-01T00:00:00Z"));
        assert_eq!(Refill::Window(900).after(now), at("2026-11-22T12:15:00Z"));
    }
}
