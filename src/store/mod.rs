//! What must survive a crash: inbox, outbox and memory, on SQLite or PostgreSQL.
