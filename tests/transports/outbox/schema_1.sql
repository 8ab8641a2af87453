-- A database as schema version 1 wrote it: a message that was sent once, a transaction, an outcome.
PRAGMA application_id = 1329811535;
PRAGMA user_version = 1;
CREATE TABLE message (
    ticket INTEGER PRIMARY KEY, peer TEXT NOT NULL, action TEXT NOT NULL, payload TEXT NOT NULL,
    lane TEXT NOT NULL, accepted_at REAL NOT NULL, key TEXT, name TEXT, start INTEGER, last INTEGER NOT NULL,
    closed INTEGER NOT NULL, droppable INTEGER NOT NULL, urgent INTEGER NOT NULL, resend INTEGER NOT NULL,
    attempts INTEGER, interval REAL, expires_at REAL NOT NULL, deadline_at REAL NOT NULL, protocol TEXT,
    message_id TEXT, sending INTEGER NOT NULL, started INTEGER NOT NULL, failures INTEGER NOT NULL,
    cuts INTEGER NOT NULL, failed_at REAL NOT NULL, failure TEXT
);
CREATE TABLE binding (start INTEGER PRIMARY KEY, transaction_id INTEGER NOT NULL, closed INTEGER NOT NULL);
CREATE TABLE outcome (ticket INTEGER PRIMARY KEY, key TEXT, outcome TEXT NOT NULL, peer TEXT NOT NULL);
CREATE TABLE opened (times INTEGER NOT NULL);
INSERT INTO message VALUES (
    4294967297, '', 'StopTransaction', '{"meterStop":5200}', 'transaction', 1000.5, 'stop-1', NULL, 4294967296, 1, 0, 0, 0, 1,
    NULL, NULL, 9e999, 9e999, 'ocpp1.6', 'id-1', 0, 1, 1, 2, 1060.0, '["MessageUnknown", "timeout"]'
);
INSERT INTO binding VALUES (4294967296, 17, 0);
INSERT INTO outcome VALUES (4294967296, 'start-1', '["MessageAnswered", "{\"transactionId\":17}"]', '');
INSERT INTO opened VALUES (1);
