-- Times are UTC text as RFC 3339, digests lower-case hexadecimal, lists and objects JSON. `id` of a unit is (leaf index << 24) | unit number,
-- so that rebuilding from truth gives the same ids.

-- DERIVED: everything up to the next capital heading is made again from segments, statements and log.

-- How far the tables below have followed the log: one row.
CREATE TABLE followed (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL) STRICT;
INSERT INTO followed VALUES (1, 0);

-- The log's leaves. Rows beyond the newest checkpoint are pending: they are the only copy until tiles and bundles are written.
CREATE TABLE leaves (
    idx INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL,
    kind TEXT NOT NULL,   -- manifest, statement, refusal, erasure
    digest TEXT,          -- of the manifest a manifest, refusal or erasure leaf names; of a statement
    agent TEXT,           -- of a manifest: key id
    seq INTEGER           -- of a manifest: number in the agent's chain
) STRICT;
CREATE INDEX leaves_digest ON leaves (digest, kind);
CREATE INDEX leaves_chain ON leaves (agent, seq);

CREATE TABLE segments (
    idx INTEGER PRIMARY KEY,   -- index of the manifest's leaf
    manifest TEXT NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    seq INTEGER NOT NULL,
    prev TEXT,
    units INTEGER NOT NULL,
    closed_at TEXT NOT NULL,
    checkpoint INTEGER NOT NULL,   -- size of the newest checkpoint the agent had verified
    run TEXT,                      -- absent where the run record was erased; so are the following
    entry TEXT,
    target TEXT,
    collector TEXT,
    policy TEXT,                   -- digest of the policy issue
    reader TEXT,                   -- name version program
    problem TEXT                   -- why the file could not be read when the index was made
) STRICT;
CREATE INDEX segments_agent ON segments (agent, seq);

-- Units that are not there any more.
CREATE TABLE tombstones (
    idx INTEGER NOT NULL,      -- segment
    unit INTEGER NOT NULL,
    leaf INTEGER NOT NULL,     -- erasure or refusal leaf that names it
    PRIMARY KEY (idx, unit)
) STRICT, WITHOUT ROWID;

-- One thing a gate decided about.
CREATE TABLE captures (
    id INTEGER PRIMARY KEY,    -- of the exchange, refusal or failure unit
    idx INTEGER NOT NULL,
    kind TEXT NOT NULL,        -- exchange, refused, failed
    entry TEXT NOT NULL,
    collector TEXT NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    at TEXT NOT NULL,
    day TEXT NOT NULL,         -- UTC day of `at`: budgets are counted by it
    status INTEGER,            -- HTTP status
    media_type TEXT,
    bytes INTEGER,             -- body as stored
    response TEXT,             -- WARC record id
    request_unit INTEGER,
    response_unit INTEGER,
    revisit_of TEXT,           -- WARC record id of the payload a revisit names
    conversion_from INTEGER,   -- first and last line unit of the reading
    conversion_to INTEGER,
    code TEXT NOT NULL,        -- the agent's gate
    because TEXT NOT NULL,
    peer TEXT,
    certificate TEXT,
    error TEXT,
    late INTEGER NOT NULL      -- 1: collected before the agent could know of a narrowing
) STRICT;
CREATE INDEX captures_segment ON captures (idx);
CREATE INDEX captures_entry ON captures (entry, day);
CREATE INDEX captures_url ON captures (url, at);
CREATE INDEX captures_response ON captures (response);
CREATE INDEX captures_revisit ON captures (revisit_of) WHERE revisit_of IS NOT NULL;

-- One line of a reading that describes an item: a sighting.
CREATE TABLE sightings (
    id INTEGER PRIMARY KEY,    -- of the line unit
    capture INTEGER NOT NULL,
    item INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    at TEXT NOT NULL,          -- when captured
    content TEXT NOT NULL,     -- recomputed content hash
    reader TEXT NOT NULL,
    place TEXT NOT NULL,
    handle TEXT,
    author TEXT,               -- author id
    metrics TEXT NOT NULL
) STRICT;
CREATE INDEX sightings_item ON sightings (item, at, id);
CREATE INDEX sightings_revision ON sightings (revision);
CREATE INDEX sightings_capture ON sightings (capture);
CREATE INDEX sightings_handle ON sightings (handle) WHERE handle IS NOT NULL;
CREATE INDEX sightings_author ON sightings (author) WHERE author IS NOT NULL;

-- One thing as one vantage shows it. `home` 0: a claim about somebody else's item.
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    native TEXT NOT NULL,      -- the record's `id`
    vantage TEXT NOT NULL,     -- registrable domain (or address) that was asked
    home INTEGER NOT NULL,
    kind TEXT NOT NULL,
    entry TEXT NOT NULL,       -- entry of the first sighting
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    sightings INTEGER NOT NULL,
    revisions INTEGER NOT NULL,
    current INTEGER NOT NULL,  -- revision
    gone INTEGER NOT NULL,     -- 1 where the current revision is a withdrawal
    UNIQUE (platform, native, vantage)
) STRICT;
CREATE INDEX items_seen ON items (first_seen_at);
CREATE INDEX items_entry ON items (entry, last_seen_at);

-- What an item said for a while. Text search knows a revision by its `id`.
CREATE TABLE revisions (
    id INTEGER PRIMARY KEY,    -- of the line that began it; negative for a withdrawal
    item INTEGER NOT NULL,
    number INTEGER NOT NULL,   -- from 1, in the order of the log
    content TEXT,              -- absent: withdrawn
    cause TEXT NOT NULL,       -- source, reader, late
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    sightings INTEGER NOT NULL,
    time TEXT NOT NULL,        -- published_at where plausible, else the item's first_seen_at
    claimed INTEGER NOT NULL,  -- 1: `time` is the source's claim
    current INTEGER NOT NULL,
    entry TEXT NOT NULL,
    kind TEXT NOT NULL,
    platform TEXT NOT NULL,
    language TEXT,
    record TEXT,               -- RFC 8785 bytes of the record; absent where withdrawn
    why TEXT                   -- of a withdrawal
) STRICT;
CREATE INDEX revisions_item ON revisions (item, number);
CREATE INDEX revisions_time ON revisions (time);

-- Lines that say something is gone.
CREATE TABLE withdrawals (
    id INTEGER PRIMARY KEY,
    capture INTEGER NOT NULL,
    vantage TEXT NOT NULL,
    at TEXT NOT NULL,
    reader TEXT NOT NULL,
    platform TEXT,
    native TEXT,
    handle TEXT,
    author TEXT,
    why TEXT NOT NULL
) STRICT;
CREATE INDEX withdrawals_native ON withdrawals (native) WHERE native IS NOT NULL;
CREATE INDEX withdrawals_handle ON withdrawals (handle) WHERE handle IS NOT NULL;
CREATE INDEX withdrawals_author ON withdrawals (author) WHERE author IS NOT NULL;

-- Lines set aside: by the reader (`unreadable`), or here because the stated hash is not the record's (`content`).
CREATE TABLE oddities (
    id INTEGER PRIMARY KEY,
    capture INTEGER NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;

CREATE TABLE coverage (
    id INTEGER PRIMARY KEY,    -- of the commit unit
    idx INTEGER NOT NULL,
    agent TEXT NOT NULL,
    run TEXT NOT NULL,
    entry TEXT NOT NULL,
    target TEXT NOT NULL,
    complete INTEGER NOT NULL, -- 1: last segment of its run
    due TEXT,
    from_at TEXT NOT NULL,
    to_at TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT,
    requests INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    records INTEGER NOT NULL,
    new INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    skipped TEXT               -- due runs before it that were not made: JSON list of first, last, runs, why
) STRICT;
CREATE INDEX coverage_target ON coverage (target, from_at);
CREATE INDEX coverage_entry ON coverage (entry, from_at);
CREATE INDEX coverage_due ON coverage (entry, due);
CREATE INDEX coverage_skipped ON coverage (entry) WHERE skipped IS NOT NULL;

CREATE TABLE refusals (
    idx INTEGER PRIMARY KEY,
    manifest TEXT NOT NULL,
    units TEXT NOT NULL,       -- closed ranges; [] for a whole segment
    code TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;

CREATE TABLE erasures (
    idx INTEGER PRIMARY KEY,
    manifest TEXT NOT NULL,
    units TEXT NOT NULL,
    reason TEXT NOT NULL,
    statement TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
CREATE INDEX erasures_manifest ON erasures (manifest);

CREATE TABLE statements (
    idx INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;

-- OPERATOR DATA: in no truth, only here and in the backup.

-- What was answered, so that the same question gets the same answer. Lost with the database: then `at` says when it was asked again.
CREATE TABLE receipts (
    manifest TEXT PRIMARY KEY,
    body TEXT NOT NULL         -- RFC 8785 bytes of the receipt
) STRICT;

-- When each checkpoint was signed, by our clock.
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, root TEXT NOT NULL, at TEXT NOT NULL) STRICT;

CREATE TABLE erasures_done (idx INTEGER PRIMARY KEY) STRICT;

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,     -- SHA-256 of the token; the token itself is nowhere
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    made_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    act TEXT NOT NULL,
    purpose TEXT,
    detail TEXT NOT NULL
) STRICT;

-- Findings that a person has to look at.
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    seen_at TEXT
) STRICT;
