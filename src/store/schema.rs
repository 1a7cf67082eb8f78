//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, TransactionBehavior};

use super::Fault;

/// "RTBL": tells our files from other SQLite files.
const APPLICATION_ID: i32 = 0x5254_424c;

/// Each step brings the file from one version (its place here, from 0) to the next. A step that
/// has been released is never changed. Times are in milliseconds since 1970-01-01 UTC.
const STEPS: &[&str] = &[
    "
    CREATE TABLE programme (
        event TEXT PRIMARY KEY,
        imported_ms INTEGER NOT NULL,
        body TEXT NOT NULL -- JSON
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE revoked_invite (
        event TEXT NOT NULL REFERENCES programme,
        jti TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (event, jti)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE revoked_member (
        event TEXT NOT NULL REFERENCES programme,
        member TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (event, member)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE journal (
        event TEXT NOT NULL REFERENCES programme,
        chain TEXT NOT NULL, -- a session's id; empty: the event's own chain
        rev INTEGER NOT NULL,
        body TEXT NOT NULL, -- JSON
        hash BLOB NOT NULL, -- SHA-256 of the entry's predecessor's hash and its body
        PRIMARY KEY (event, chain, rev)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE snapshot (
        event TEXT NOT NULL REFERENCES programme,
        chain TEXT NOT NULL, -- a session's id
        rev INTEGER NOT NULL, -- the last entry that it was made of
        hash BLOB NOT NULL, -- that entry's
        basis TEXT NOT NULL, -- what else it was made of, as its maker says it
        body TEXT NOT NULL,
        seal BLOB NOT NULL, -- SHA-256 of hash, basis and body
        PRIMARY KEY (event, chain)
    ) STRICT;
",
    "
    CREATE TABLE invite_use (
        event TEXT NOT NULL REFERENCES programme,
        jti TEXT NOT NULL,
        device INTEGER NOT NULL, -- below 0: of those that give no number
        PRIMARY KEY (event, jti, device)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE invite (
        event TEXT NOT NULL REFERENCES programme,
        jti TEXT NOT NULL,
        member TEXT NOT NULL,
        role TEXT NOT NULL,
        minted_ms INTEGER NOT NULL,
        not_before_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        uses INTEGER, -- on how many devices; null: on any number
        PRIMARY KEY (event, jti)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE api_token (
        jti TEXT PRIMARY KEY,
        event TEXT NOT NULL, -- need not be there yet: a token may be made to bring it
        scopes TEXT NOT NULL, -- words with spaces between
        note TEXT NOT NULL,
        minted_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        revoked_ms INTEGER
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE webhook (
        event TEXT NOT NULL REFERENCES programme,
        id TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        url TEXT NOT NULL,
        types TEXT NOT NULL, -- JSON: a list of texts
        secret TEXT NOT NULL,
        state TEXT NOT NULL, -- active, failed, gone
        error_ms INTEGER, -- the latest failure; none where all is well
        error TEXT,
        PRIMARY KEY (event, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE webhook_lane (
        event TEXT NOT NULL,
        id TEXT NOT NULL,
        session TEXT NOT NULL,
        rev INTEGER NOT NULL, -- of the last entry that needs no delivery any more
        attempts INTEGER NOT NULL, -- that have failed, of the next one
        failing_ms INTEGER, -- since when
        PRIMARY KEY (event, id, session),
        FOREIGN KEY (event, id) REFERENCES webhook ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE check_report (
        event TEXT NOT NULL REFERENCES programme,
        member TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        body TEXT NOT NULL, -- JSON
        PRIMARY KEY (event, member)
    ) STRICT, WITHOUT ROWID;
",
];

/// Brings the file to the present version, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    for (version, step) in (1_i32..).zip(STEPS).skip(version) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(transaction.commit()?)
}

/// Whether anything has been kept in the file; refuses one that cannot be read as it is.
pub(super) fn is_filled(connection: &Connection) -> Result<bool, Fault> {
    match version(connection)? {
        0 => Ok(false),
        version if version < STEPS.len() => Err(Fault::Older),
        _ => Ok(true),
    }
}

/// The file's version; 0 when it is new.
fn version(connection: &Connection) -> Result<usize, Fault> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let id = pragma("application_id")?;
    let version = usize::try_from(pragma("user_version")?).map_err(|_| Fault::Foreign)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let fresh = id == 0 && version == 0 && tables == 0;
    if id != APPLICATION_ID && !fresh {
        return Err(Fault::Foreign);
    }
    if version > STEPS.len() {
        return Err(Fault::Newer);
    }
    Ok(version)
}
