//! Where an event, its keys' revocations and (later) its journal are kept: SQLite, one writer.
