-- Times are milliseconds since 1970. Every query that runs per message is answered by one of the indices below.

CREATE TABLE inbox (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    origin         TEXT    NOT NULL,
    dedup_key      TEXT    NOT NULL,
    body           TEXT    NOT NULL,
    state          TEXT    NOT NULL, -- new | done | dead
    attempts       INTEGER NOT NULL,
    due_at_ms      INTEGER NOT NULL, -- 0: at once, even when the clock is set back
    error          TEXT,
    received_at_ms INTEGER NOT NULL,
    UNIQUE (origin, dedup_key)
) STRICT;
CREATE INDEX inbox_new ON inbox (origin, seq) WHERE state = 'new';
CREATE INDEX inbox_due ON inbox (origin, due_at_ms) WHERE state = 'new';
CREATE INDEX inbox_error ON inbox (origin, seq) WHERE error IS NOT NULL;
CREATE INDEX inbox_done ON inbox (received_at_ms) WHERE state = 'done';

CREATE TABLE outbox (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    lane          TEXT    NOT NULL,
    login         TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    dedup_key     TEXT    NOT NULL UNIQUE,
    state         TEXT    NOT NULL, -- ready | sending | sent | uncertain | dead
    attempts      INTEGER NOT NULL,
    sends         INTEGER NOT NULL, -- how many times it went on the wire
    due_at_ms     INTEGER NOT NULL, -- 0: at once, even when the clock is set back
    error         TEXT,
    echo          TEXT,
    echoed        INTEGER NOT NULL,
    result        TEXT,
    sent_at_ms    INTEGER,
    created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_open ON outbox (lane, seq) WHERE state IN ('ready', 'sending', 'uncertain');
CREATE INDEX outbox_kept ON outbox (login, seq) WHERE state <> 'sent';
CREATE INDEX outbox_echo ON outbox (lane, echo, seq) WHERE echoed = 0 AND echo IS NOT NULL;
CREATE INDEX outbox_last ON outbox (lane, seq) WHERE state = 'sent';
CREATE INDEX outbox_sent ON outbox (sent_at_ms) WHERE state = 'sent';

CREATE TABLE portal (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    login         TEXT    NOT NULL,
    chat          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    peer          TEXT,
    room_id       TEXT    UNIQUE,
    state         TEXT    NOT NULL, -- none | creating | ready
    created_at_ms INTEGER NOT NULL,
    UNIQUE (login, chat)
) STRICT;

CREATE TABLE ghost (
    contact    TEXT    NOT NULL PRIMARY KEY,
    user_id    TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    registered INTEGER NOT NULL,
    shown_name TEXT
) STRICT;

CREATE TABLE member (
    room_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT;

CREATE TABLE login (
    account  TEXT    NOT NULL PRIMARY KEY,
    owner    TEXT    NOT NULL,
    nick     TEXT    NOT NULL,
    state    TEXT    NOT NULL, -- connected | lost | logged_out
    epoch    TEXT    NOT NULL,
    session  TEXT,
    notice   TEXT,
    since_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX login_owner ON login (owner, account);

CREATE TABLE note (
    login TEXT NOT NULL,
    key   TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (login, key)
) STRICT;

CREATE TABLE message (
    login       TEXT    NOT NULL,
    message_key TEXT    NOT NULL,
    part        INTEGER NOT NULL,
    room_id     TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    PRIMARY KEY (login, message_key, part)
) STRICT;
CREATE INDEX message_event ON message (event_id);

CREATE TABLE "user" (
    mxid         TEXT NOT NULL PRIMARY KEY,
    control_room TEXT,
    language     TEXT
) STRICT;
CREATE INDEX user_control_room ON "user" (control_room) WHERE control_room IS NOT NULL;
