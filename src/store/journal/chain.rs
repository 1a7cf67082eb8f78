//! A chain of entries: followed, continued, and what can be wrong with an entry of one.
//!
//! What it must never know is what an entry means, nor which chains there are.

use std::fmt;

use aws_lc_rs::digest;
use rusqlite::{Connection, OptionalExtension, Transaction, params, types::ValueRef};
use serde::{Deserialize, Serialize};

use super::{EVENT_CHAIN, Hash};
use crate::{ids::EventId, store::Fault};

const INSERT: &str =
    "INSERT INTO journal (event, chain, rev, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
const LAST: &str = "SELECT rev, hash, body FROM journal WHERE event = ?1 AND chain = ?2 \
                    ORDER BY rev DESC LIMIT 1";
const WHOLE: &str =
    "SELECT rev, hash, body FROM journal WHERE event = ?1 AND chain = ?2 ORDER BY rev";

/// What is wrong with an entry of a chain, in words that follow its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Others follow.
    #[error("is missing")]
    Missing,
    /// None follow, though there were some.
    #[error("is missing and all after it: the event's own journal knows of {known} entries")]
    Cut {
        /// How many there were.
        known: u64,
    },
    /// Another text than the one that was chained.
    #[error("is not what was written")]
    Changed,
    /// An entry of another place.
    #[error("is in the wrong place: it was written as entry {written}")]
    Moved {
        /// Its own place.
        written: u64,
    },
    /// Chained, but not an entry.
    #[error("cannot be read: {why}")]
    Unreadable {
        /// Why not.
        why: String,
    },
    /// Chained anew, this one or one after it.
    #[error(
        "is not what was written, or one after it: the event's own journal has another hash for entry {until}"
    )]
    Rewritten {
        /// The next entry that the event's own journal knows.
        until: u64,
    },
    /// Added past the event's own journal, or that was cut.
    #[error("is not known to the event's own journal")]
    Unknown,
    /// In the event's own journal: a session went back, or has two pasts.
    #[error("contradicts what was written before it")]
    Contradicting,
    /// Not damaged, but beyond this program.
    #[error("was written by a newer roundtable")]
    Newer,
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) rev: u64,
    /// In hexadecimal.
    pub(super) hash: String,
}

/// An entry as it is stored.
pub(super) struct Stored<'a> {
    rev: i64,
    hash: &'a [u8],
    body: &'a [u8],
}

impl<'a> Stored<'a> {
    fn of(row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        // The table is strict: no other type can be there.
        let bytes = |value: ValueRef<'a>| match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
        };
        Ok(Self {
            rev: row.get(0)?,
            hash: bytes(row.get_ref(1)?),
            body: bytes(row.get_ref(2)?),
        })
    }

    /// The place that the entry itself says it was written at.
    fn written(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Place {
            rev: u64,
        }
        let place: Place = serde_json::from_slice(self.body).ok()?;
        Some(place.rev)
    }

    fn text(&self) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.body).map_err(|why| Damage::Unreadable {
            why: why.to_string(),
        })
    }
}

/// A chain as far as it has been followed.
pub(super) struct Chain<'a> {
    event: &'a EventId,
    name: &'a str,
    pub(super) rev: u64,
    pub(super) hash: Hash,
}

impl<'a> Chain<'a> {
    pub(super) fn start(event: &'a EventId, name: &'a str) -> Self {
        let genesis = format!("roundtable journal 1 {event}/{name}");
        Self {
            event,
            name,
            rev: 0,
            hash: sha256(&[genesis.as_bytes()]),
        }
    }

    /// The chain at its last entry, for more to follow.
    pub(super) fn resume(
        connection: &Connection,
        event: &'a EventId,
        name: &'a str,
    ) -> Result<Self, Fault> {
        let mut chain = Self::start(event, name);
        let last = connection
            .prepare_cached(LAST)?
            .query_row([event.as_str(), name], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        if let Some((rev, hash)) = last {
            (chain.rev, chain.hash) = (
                u64::try_from(rev).map_err(|_| chain.fault("has no place"))?,
                Hash::try_from(hash).map_err(|_| chain.fault("the chain cannot be continued"))?,
            );
        }
        Ok(chain)
    }

    /// The text of the chain's last entry.
    pub(super) fn last(
        connection: &Connection,
        event: &EventId,
        name: &str,
    ) -> Result<Option<String>, Fault> {
        let last = connection
            .prepare_cached(LAST)?
            .query_row([event.as_str(), name], |row| row.get(2))
            .optional()?;
        Ok(last)
    }

    /// Follows the whole chain from its start: `look` reads each entry's text, given its place. Where
    /// one is damaged, the chain stays before it.
    pub(super) fn walk(
        &mut self,
        connection: &Connection,
        mut look: impl FnMut(u64, &Hash, &str) -> Result<(), Damage>,
    ) -> Result<Result<(), Damage>, rusqlite::Error> {
        let mut statement = connection.prepare(WHOLE)?;
        let mut rows = statement.query([self.event.as_str(), self.name])?;
        while let Some(row) = rows.next()? {
            if let Err(damage) = self.follow(&Stored::of(row)?, &mut look) {
                return Ok(Err(damage));
            }
        }
        Ok(Ok(()))
    }

    /// Takes the next entry as it was stored.
    fn follow(
        &mut self,
        stored: &Stored<'_>,
        mut look: impl FnMut(u64, &Hash, &str) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let rev = self.rev.saturating_add(1);
        if u64::try_from(stored.rev) != Ok(rev) {
            return Err(Damage::Missing);
        }
        let hash = self.next(stored.body);
        if stored.hash != hash {
            return Err(match stored.written() {
                Some(written) if written != rev => Damage::Moved { written },
                Some(_) | None => Damage::Changed,
            });
        }
        look(rev, &hash, stored.text()?)?;
        (self.rev, self.hash) = (rev, hash);
        Ok(())
    }

    /// Writes the next entry.
    pub(super) fn append(
        &mut self,
        to: &Transaction<'_>,
        rev: u64,
        body: &str,
    ) -> Result<(), Fault> {
        if rev != self.rev.saturating_add(1) {
            return Err(self.fault(format!("entry {rev} was to be written instead")));
        }
        let hash = self.next(body.as_bytes());
        // A session's revisions stay far below what SQLite counts to.
        let place = i64::try_from(rev).map_err(|_| self.fault("is too far"))?;
        to.prepare_cached(INSERT)?.execute(params![
            self.event.as_str(),
            self.name,
            place,
            body,
            hash.as_slice()
        ])?;
        (self.rev, self.hash) = (rev, hash);
        Ok(())
    }

    /// The hash of the entry that follows with this text.
    fn next(&self, body: &[u8]) -> Hash {
        sha256(&[&self.hash, body])
    }

    pub(super) fn head(&self) -> Head {
        Head {
            rev: self.rev,
            hash: hex(&self.hash),
        }
    }

    /// What is wrong with the next entry, for whoever runs the server.
    pub(super) fn fault(&self, what: impl fmt::Display) -> Fault {
        self.fault_at(self.rev.saturating_add(1), what)
    }

    /// The same of an entry that has been passed.
    pub(super) fn fault_at(&self, rev: u64, what: impl fmt::Display) -> Fault {
        let name = if self.name == EVENT_CHAIN {
            "the event's own journal".to_owned()
        } else {
            format!("the journal of {}", self.name)
        };
        Fault::Damaged(format!("{name} of `{}`, entry {rev}: {what}", self.event))
    }
}

pub(super) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = Hash::default();
    // SHA-256 gives as many bytes as `Hash` has.
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
