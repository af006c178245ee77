//! How did the tables come to be as they are? Steps that are only ever added.

/// `PRAGMA user_version` counts the steps taken. Instants are microseconds since 1970-01-01T00:00:00Z.
pub(super) const STEPS: &[&str] = &["
-- The agent's chain of segments. One row. `seq` is the number the next segment gets.
CREATE TABLE chain (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    agent       TEXT NOT NULL,              -- key id; another key is another chain, and another state
    seq         INTEGER NOT NULL,
    prev        TEXT,                       -- digest of the newest manifest, null before the first
    checkpoint  TEXT                        -- the newest checkpoint verified, as the log signed it
) STRICT;

-- Segments on disk. A file without a row here was never said to exist and is dropped at the start.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY,
    manifest    TEXT NOT NULL UNIQUE,
    run         TEXT NOT NULL,
    file        TEXT NOT NULL,              -- name below outbox/
    bytes       INTEGER NOT NULL,
    closed_at   INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    not_before  INTEGER NOT NULL DEFAULT 0,
    error       TEXT,                       -- of the newest try
    receipt     TEXT,                       -- signed note; receipt or refusal receipt
    refused     INTEGER NOT NULL DEFAULT 0,
    settled_at  INTEGER,                    -- when the receipt came and was verified
    deleted_at  INTEGER
) STRICT;
CREATE INDEX outbox_waiting ON outbox (seq) WHERE settled_at IS NULL;

-- The newest policy bundle that held together, as the registry sent it. One row.
CREATE TABLE policy (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    bundle      TEXT NOT NULL,
    fetched_at  INTEGER NOT NULL
) STRICT;

-- A row decides whether a run starts: the second taker of (target, due) is refused. `due` is null for runs started by hand.
CREATE TABLE runs (
    id          INTEGER PRIMARY KEY,
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    due         INTEGER,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    coverage    TEXT,                       -- JSON, as in the commit record of the last segment
    UNIQUE (target, due)
) STRICT;

-- Targets that stopped and wait for a person, and answers in a row that said the target is gone.
CREATE TABLE targets (
    target      TEXT PRIMARY KEY,
    blocked     TEXT,
    blocked_at  INTEGER,
    gone        INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One cursor a lane.
CREATE TABLE lanes (
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    cursor      TEXT NOT NULL,
    PRIMARY KEY (target, lane)
) STRICT, WITHOUT ROWID;

-- What grew from one plan. At most one walk of a lane is open.
CREATE TABLE walks (
    id          INTEGER PRIMARY KEY,
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'complete', 'broken', 'dropped')),
    work        TEXT NOT NULL,
    cursor      TEXT NOT NULL,              -- as plan saw it
    planned_at  INTEGER NOT NULL,
    reader      TEXT NOT NULL,              -- name, version and program digest
    tally       TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE UNIQUE INDEX walks_open ON walks (target, lane) WHERE state = 'open';

-- Frontier and finished requests of open walks.
CREATE TABLE nodes (
    walk        INTEGER NOT NULL REFERENCES walks (id) ON DELETE CASCADE,
    n           INTEGER NOT NULL,
    node        TEXT NOT NULL,
    PRIMARY KEY (walk, n)
) STRICT, WITHOUT ROWID;

-- Follow-ups: durable, retried, waited for by no cursor.
CREATE TABLE shelf (
    id          INTEGER PRIMARY KEY,
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    item        TEXT NOT NULL,
    not_before  INTEGER NOT NULL
) STRICT;
CREATE INDEX shelf_due ON shelf (target, lane, not_before);

-- Items that a reading wants described.
CREATE TABLE wants (
    target      TEXT NOT NULL,
    id          TEXT NOT NULL,
    handle      TEXT NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    not_before  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (target, id)
) STRICT, WITHOUT ROWID;

-- Seen index. An item is known to a lane once `walk`, the first that settled it, is complete.
CREATE TABLE marks (
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    id          TEXT NOT NULL,
    walk        INTEGER NOT NULL,
    handle      TEXT,
    content     TEXT,                       -- newest content hash; null for what was listed only
    scope       TEXT,                       -- snapshot it belongs to
    misses      INTEGER NOT NULL DEFAULT 0, -- complete snapshots in a row without it
    checks      INTEGER NOT NULL DEFAULT 0,
    recheck_at  INTEGER,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    PRIMARY KEY (target, lane, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX marks_recheck ON marks (target, recheck_at) WHERE recheck_at IS NOT NULL;
CREATE INDEX marks_scope ON marks (target, lane, scope) WHERE scope IS NOT NULL;

-- Keys of `unless_known`, and ids of `want`, that were asked and settled, answered or not.
CREATE TABLE keys (
    target      TEXT NOT NULL,
    key         TEXT NOT NULL,
    settled_at  INTEGER NOT NULL,
    PRIMARY KEY (target, key)
) STRICT, WITHOUT ROWID;

-- What a source said of the version last read completely; of no use to another reader.
CREATE TABLE validators (
    target        TEXT NOT NULL,
    url           TEXT NOT NULL,
    reader        TEXT NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    response      TEXT NOT NULL,
    response_url  TEXT NOT NULL,
    response_date TEXT NOT NULL,
    kept_at       INTEGER NOT NULL,
    PRIMARY KEY (target, url)
) STRICT, WITHOUT ROWID;
",
"
-- Answers being read. A row that is there when nothing is being read is of a reading that the process did not survive.
CREATE TABLE readings (
    id          INTEGER PRIMARY KEY,
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    answer      TEXT NOT NULL,              -- digest of step and payload
    reader      TEXT NOT NULL,              -- name, version and program digest
    began_at    INTEGER NOT NULL,
    told        TEXT,                       -- the exchange but for its blocks, from the second reading on; null once it is not being read
    why         TEXT                        -- why this reader does not read the answer again; null while it is being read
) STRICT;
CREATE INDEX readings_answer ON readings (target, answer);

CREATE TABLE reading_blocks (
    reading     INTEGER NOT NULL REFERENCES readings (id) ON DELETE CASCADE,
    hop         INTEGER NOT NULL,
    request     BLOB NOT NULL,
    response    BLOB NOT NULL,
    PRIMARY KEY (reading, hop)
) STRICT;
",
"
-- Which state key hides the columns that hold a source's words. No row: none does. At most one.
CREATE TABLE veil (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    key         TEXT NOT NULL               -- id of the key, never the key
) STRICT;
",
"
-- A run that its process did not end may be taken up once more, where its time is not over.
ALTER TABLE runs ADD COLUMN open INTEGER NOT NULL DEFAULT 0;   -- 1 while the process that has the state open makes it
ALTER TABLE runs ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;    -- how often a process ended before it

-- Up to when the due times of a target were looked at: each was made, is being made, or was let go.
CREATE TABLE considered (
    target      TEXT PRIMARY KEY,
    schedule    TEXT NOT NULL,              -- line, zone and jitter; another one begins anew
    upto        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Due runs that were not made. Told in the coverage of the target's next run.
CREATE TABLE skipped (
    id          INTEGER PRIMARY KEY,
    target      TEXT NOT NULL,
    first       INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    runs        INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    told        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX skipped_untold ON skipped (target, id) WHERE told = 0;
",
"
-- A process that starts asks for the runs that the one before it left; without this it reads every run ever made.
CREATE INDEX runs_open ON runs (id) WHERE open = 1;
",
"
-- Files that are still here, by when their receipt came.
CREATE INDEX outbox_kept ON outbox (settled_at) WHERE deleted_at IS NULL;
",
"
-- Hardly ever more rows than answers being read at once: each reading would change an index twice to spare a look at a page.
DROP INDEX readings_answer;
",
"
-- What was told is of no more use. A run is forgotten two weeks after it was due; up to there nothing is looked at again.
DELETE FROM skipped WHERE told = 1;
DROP INDEX skipped_untold;
ALTER TABLE skipped DROP COLUMN told;
CREATE INDEX skipped_of ON skipped (target, id);
ALTER TABLE considered ADD COLUMN forgotten INTEGER;           -- the newest due time whose row was dropped; null where none was
",
"
-- An item whose check came to nothing is not asked for again at once. From here on `content` is null of what is gone, too.
ALTER TABLE marks ADD COLUMN tries INTEGER NOT NULL DEFAULT 0; -- of the check that is due, without an answer
",
"
-- What left a snapshot is told. From here on `misses` is 0 of what stands, 1 of what the newest complete reading lacked, 2 once that was told.
ALTER TABLE marks ADD COLUMN platform TEXT;                    -- null until an item is seen again

-- The newest complete reading of each snapshot.
CREATE TABLE snapshots (
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    scope       TEXT NOT NULL,
    response    TEXT NOT NULL,              -- record id
    at          INTEGER NOT NULL,           -- when that was captured
    PRIMARY KEY (target, lane, scope)
) STRICT, WITHOUT ROWID;
",
"
-- A loss that is doubted is believed in the end. From here on `misses` is also 3 of what stood and every reading since the doubt began lacked, and 4 of
-- what only doubted readings held.
ALTER TABLE snapshots ADD COLUMN reader TEXT;                  -- name, version and program digest; null until it is read again

-- Complete readings that agree with each other, and are not believed so far.
CREATE TABLE doubts (
    target      TEXT NOT NULL,
    lane        TEXT NOT NULL,
    scope       TEXT NOT NULL,
    response    TEXT NOT NULL,              -- record id of the first of them
    at          INTEGER NOT NULL,           -- when that was captured
    readings    INTEGER NOT NULL,           -- how many
    reader      TEXT NOT NULL,
    url         TEXT NOT NULL,              -- address of the newest of them: where that answers 304, the list is as it was before
    PRIMARY KEY (target, lane, scope)
) STRICT, WITHOUT ROWID;
"];
