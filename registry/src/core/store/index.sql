-- What is made again from segments, statements and log, in a file of its own: `index.sqlite`. Another format of it is dropped and made anew.
-- Times are UTC text as RFC 3339, digests lower-case hexadecimal, lists and objects JSON. `id` of a unit is (leaf index << 24) | unit number,
-- so that rebuilding from truth gives the same ids.

-- How far the tables below have followed the log: one row.
CREATE TABLE followed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    last TEXT                  -- SHA-256 of the newest leaf among these: whose log it was
) STRICT;
INSERT INTO followed VALUES (1, 0, NULL);

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
CREATE INDEX segments_agent ON segments (agent);
CREATE INDEX segments_lost ON segments (idx) WHERE problem IS NOT NULL;

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
CREATE INDEX captures_refused ON captures (at) WHERE kind = 'refused';
CREATE INDEX captures_segment ON captures (idx);
CREATE INDEX captures_entry ON captures (entry, day);
CREATE INDEX captures_url ON captures (url, at);
CREATE INDEX captures_response ON captures (response);
CREATE INDEX captures_revisit ON captures (revisit_of) WHERE revisit_of IS NOT NULL;

-- One thing as one vantage shows it. Found by its id, which follows from platform and native (the upper bits, shared by all vantages) and vantage
-- (the lower 16), and is the next free one below the same upper bits where another has it. `home` 0: a claim about somebody else's item.
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    native TEXT NOT NULL,      -- the record's `id`
    vantage TEXT NOT NULL,     -- registrable domain (or address) that was asked
    home INTEGER NOT NULL,
    kind TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    sightings INTEGER NOT NULL,
    revisions INTEGER NOT NULL,
    described INTEGER NOT NULL, -- revisions that are no withdrawals
    first INTEGER NOT NULL,    -- revision with number 1
    current INTEGER NOT NULL,  -- newest revision
    shown INTEGER NOT NULL,    -- revision whose words stand for the item: the current one, or the last before it was withdrawn
    gone INTEGER NOT NULL,     -- 1 where the current revision is a withdrawal
    vanished INTEGER NOT NULL  -- 1 where it left a source that is published whole, and is not back
) STRICT;

-- One line of a reading that describes an item: a sighting. Most items are seen once or rarely change, and what began a revision is found by its
-- id: so the indexes of this table and the next hold the others only. `lines_of_items` and `revisions_of_items` look at both.
CREATE TABLE sightings (
    id INTEGER PRIMARY KEY,    -- of the line unit
    capture INTEGER NOT NULL,
    item INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- its own id where it began one
    at TEXT NOT NULL,          -- when captured
    content TEXT NOT NULL,     -- recomputed content hash
    reader TEXT NOT NULL,
    place TEXT NOT NULL,
    handle TEXT,
    author TEXT,               -- author id
    metrics TEXT NOT NULL
) STRICT;
CREATE INDEX sightings_again ON sightings (item, id) WHERE revision <> id;
CREATE INDEX sightings_handle ON sightings (handle) WHERE handle IS NOT NULL;
CREATE INDEX sightings_author ON sightings (author) WHERE author IS NOT NULL;

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
    record TEXT,               -- RFC 8785 bytes of the record; absent where withdrawn
    why TEXT                   -- of a withdrawal
) STRICT;
CREATE INDEX revisions_later ON revisions (item, number) WHERE number > 1;
CREATE INDEX revisions_entry ON revisions (entry) WHERE number = 1;

CREATE VIEW revisions_of_items AS
    SELECT i.id AS of_item, r.* FROM items i JOIN revisions r ON r.id = i.first AND r.item = i.id AND r.number = 1
    UNION ALL SELECT item, revisions.* FROM revisions WHERE number > 1;

CREATE VIEW lines_of_items AS
    SELECT item AS of_item, id FROM sightings WHERE revision <> id
    UNION ALL SELECT i.id, g.id FROM items i JOIN sightings g ON g.id = i.first AND g.item = i.id AND g.revision = g.id
    UNION ALL SELECT r.item, g.id FROM revisions r JOIN sightings g ON g.id = r.id AND g.item = r.item AND g.revision = g.id WHERE r.number > 1;

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

-- Items that left a source which is published whole: missing from two complete readings of a scope and all between, as the agent found. Never a revision.
CREATE TABLE vanishings (
    id INTEGER PRIMARY KEY,    -- of the unit that says so
    capture INTEGER NOT NULL,  -- whose reading is the second without it
    vantage TEXT NOT NULL,
    at TEXT NOT NULL,          -- when that was captured
    platform TEXT NOT NULL,
    native TEXT NOT NULL,
    scope TEXT NOT NULL,
    before TEXT NOT NULL,      -- WARC record id of the answer whose reading is the first without it
    before_at TEXT NOT NULL,   -- when that was captured
    stood_at TEXT NOT NULL,    -- when the newest answer that held it was captured
    odd INTEGER,               -- rows of the second reading that were set aside; absent where its last line is gone
    item INTEGER,              -- absent where the agent had not seen it before for this target
    back_at TEXT               -- when it stood there again, for the same target
) STRICT;
CREATE INDEX vanishings_native ON vanishings (native);
CREATE INDEX vanishings_item ON vanishings (item) WHERE item IS NOT NULL;

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
