//! What has been given out that opens something: invites, and tokens of the API. Never themselves,
//! only what is needed to list and to revoke them.

use rusqlite::{Connection, Row, params};

use super::{Fault, JTI_BYTES_MAX, Reading, Store};
use crate::{
    auth::{ApiToken, Grant, KeptToken},
    ids::{EventId, MemberId},
    time::Timestamp,
};

/// Tokens at most. Past it the one that opens nothing for longest is forgotten; where each still opens
/// something a further one is refused.
pub(super) const TOKENS_MAX: i64 = 1000;
/// Invites of an event at most: a large roster, ten times. Past it those that open nothing any more are
/// forgotten; where that is not enough further ones are refused.
pub(super) const INVITES_MAX: i64 = 20_000;

/// An invite that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptInvite {
    /// What it grants.
    pub grant: Grant,
    /// When it was made first.
    pub minted: Timestamp,
    /// On how many devices it has been used, as far as that is limited.
    pub used: u64,
}

impl Store {
    /// Keeps that these invites were given out. One that is known already stays as it is.
    pub fn keep_invites(&mut self, grants: &[Grant], now: Timestamp) -> Result<(), Fault> {
        let transaction = self.reading.connection_mut().transaction()?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO invite
                 (event, jti, member, role, minted_ms, not_before_ms, expires_ms, uses)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            )?;
            for grant in grants {
                insert.execute(params![
                    grant.event.as_str(),
                    grant.jti,
                    grant.member.as_str(),
                    grant.role.as_str(),
                    now.0,
                    grant.not_before.0,
                    grant.expires.0,
                    grant.uses,
                ])?;
            }
        }
        if let Some(first) = grants.first()
            && count_invites(&transaction, &first.event)? > INVITES_MAX
        {
            forget_invites(&transaction, &first.event, now)?;
            if count_invites(&transaction, &first.event)? > INVITES_MAX {
                // Not committed: nothing was kept, nor forgotten.
                return Err(Fault::TooManyInvites);
            }
        }
        Ok(transaction.commit()?)
    }

    /// Keeps that a token was made.
    pub fn keep_token(&mut self, token: &ApiToken, note: &str) -> Result<(), Fault> {
        if token.jti.is_empty() || token.jti.len() > JTI_BYTES_MAX {
            return Err(Fault::BadJti);
        }
        let transaction = self.reading.connection_mut().transaction()?;
        let kept: i64 =
            transaction.query_row("SELECT count(*) FROM api_token", [], |row| row.get(0))?;
        if kept >= TOKENS_MAX && !forget_token(&transaction, token.minted)? {
            return Err(Fault::TooManyTokens);
        }
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        transaction.execute(
            "INSERT INTO api_token (jti, event, scopes, note, minted_ms, expires_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                token.jti,
                token.event.as_str(),
                scopes.join(" "),
                note,
                token.minted.0,
                token.expires.0,
            ],
        )?;
        Ok(transaction.commit()?)
    }

    /// Revokes a token. One that was revoked before stays so.
    pub fn revoke_token(&mut self, jti: &str, now: Timestamp) -> Result<(), Fault> {
        let changed = self.reading.connection().execute(
            "UPDATE api_token SET revoked_ms = coalesce(revoked_ms, ?2) WHERE jti = ?1",
            params![jti, now.0],
        )?;
        if changed == 0 {
            return Err(Fault::UnknownToken(
                jti.chars().take(JTI_BYTES_MAX).collect(),
            ));
        }
        Ok(())
    }
}

impl Reading {
    /// The invites of an event that were given out, by member, each member's in the order of making.
    pub fn invites(&self, event: &EventId) -> Result<Vec<KeptInvite>, Fault> {
        let mut statement = self.connection().prepare(
            "SELECT jti, member, role, minted_ms, not_before_ms, expires_ms, uses,
                    (SELECT count(*) FROM invite_use AS used
                     WHERE used.event = invite.event AND used.jti = invite.jti)
             FROM invite WHERE event = ?1 ORDER BY member, minted_ms, jti",
        )?;
        let rows = statement.query_map([event.as_str()], |row| Ok(invite(event, row)))?;
        rows.map(|row| row?).collect()
    }

    /// Every token that was made, the oldest first.
    pub fn tokens(&self) -> Result<Vec<KeptToken>, Fault> {
        let mut statement = self.connection().prepare(
            "SELECT jti, event, scopes, note, minted_ms, expires_ms, revoked_ms
             FROM api_token ORDER BY minted_ms, jti",
        )?;
        let rows = statement.query_map([], |row| Ok(token(row)))?;
        rows.map(|row| row?).collect()
    }
}

fn count_invites(connection: &Connection, event: &EventId) -> Result<i64, Fault> {
    let sql = "SELECT count(*) FROM invite WHERE event = ?1";
    Ok(connection.query_row(sql, [event.as_str()], |row| row.get(0))?)
}

/// Forgets the invites that have expired or were revoked, by id or with their member's.
fn forget_invites(connection: &Connection, event: &EventId, now: Timestamp) -> Result<(), Fault> {
    connection.execute(
        "DELETE FROM invite WHERE event = ?1 AND (expires_ms <= ?2
         OR EXISTS (SELECT 1 FROM revoked_invite AS revoked
                    WHERE revoked.event = invite.event AND revoked.jti = invite.jti)
         OR EXISTS (SELECT 1 FROM revoked_member AS revoked
                    WHERE revoked.event = invite.event AND revoked.member = invite.member
                    AND revoked.at_ms >= invite.not_before_ms))",
        params![event.as_str(), now.0],
    )?;
    Ok(())
}

/// Forgets the token that has expired or was revoked first; whether there is one.
fn forget_token(connection: &Connection, now: Timestamp) -> Result<bool, Fault> {
    let forgotten = connection.execute(
        "DELETE FROM api_token WHERE jti =
         (SELECT jti FROM api_token WHERE min(expires_ms, coalesce(revoked_ms, expires_ms)) <= ?1
          ORDER BY min(expires_ms, coalesce(revoked_ms, expires_ms)), jti LIMIT 1)",
        [now.0],
    )?;
    Ok(forgotten > 0)
}

fn invite(event: &EventId, row: &Row<'_>) -> Result<KeptInvite, Fault> {
    let role: String = row.get(2)?;
    Ok(KeptInvite {
        grant: Grant {
            event: event.clone(),
            jti: row.get(0)?,
            member: row
                .get::<_, String>(1)?
                .parse::<MemberId>()
                .map_err(damaged)?,
            role: serde_json::from_value(role.into()).map_err(damaged)?,
            not_before: Timestamp(row.get(4)?),
            expires: Timestamp(row.get(5)?),
            uses: row.get(6)?,
        },
        minted: Timestamp(row.get(3)?),
        used: row.get::<_, i64>(7)?.unsigned_abs(),
    })
}

fn token(row: &Row<'_>) -> Result<KeptToken, Fault> {
    let scopes: String = row.get(2)?;
    let scopes = scopes.split(' ').filter(|word| !word.is_empty());
    Ok(KeptToken {
        token: ApiToken {
            jti: row.get(0)?,
            event: row.get::<_, String>(1)?.parse().map_err(damaged)?,
            scopes: scopes
                .map(|word| word.parse().map_err(damaged))
                .collect::<Result<_, _>>()?,
            minted: Timestamp(row.get(4)?),
            expires: Timestamp(row.get(5)?),
        },
        note: row.get(3)?,
        revoked: row.get::<_, Option<i64>>(6)?.map(Timestamp),
    })
}

fn damaged(why: impl std::fmt::Display) -> Fault {
    Fault::Damaged(format!("what was given out: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::Scope,
        programme::{MODEL_EVENT, parse},
    };

    const NOW: Timestamp = Timestamp(1_600_000_000_000);

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, NOW).expect("imported");
        (folder, store)
    }

    #[test]
    fn invites_are_kept_once_and_listed_with_their_uses() {
        let (_folder, mut store) = store();
        let event: EventId = "nartt-2020".parse().expect("a slug");
        let kept = store.reading().event(&event).expect("the event");
        let revocations = store.reading().revocations(&event).expect("read");
        let guests = kept.guests(&revocations);
        let mut validity = kept.validity();
        validity.uses = Some(2);
        let seats = &kept.programme.seats;
        let grants = [&seats[1], &seats[0]].map(|seat| guests.grant(seat, validity));
        let later = Timestamp(NOW.0 + 5000);
        store.keep_invites(&grants, NOW).expect("kept");
        store.keep_invites(&grants[..1], later).expect("kept");
        store.keep_use(&event, &grants[0].jti, 7).expect("kept");
        let listed = store.reading().invites(&event).expect("listed");
        assert_eq!(listed.len(), 2);
        let first = listed.iter().find(|it| it.grant == grants[0]);
        let first = first.expect("listed as it was");
        assert_eq!((first.minted, first.used), (NOW, 1));
    }

    #[test]
    fn where_there_is_no_room_the_invites_that_open_nothing_any_more_are_forgotten() {
        let (_folder, mut store) = store();
        let event: EventId = "nartt-2020".parse().expect("a slug");
        let later = Timestamp(NOW.0 + 1000);
        let fill = |store: &Store, expires: Timestamp| {
            let filled = store.reading.connection().execute(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
                 INSERT INTO invite
                 SELECT ?2, 'jti-' || n, 'indonesia-1', 'delegate', 0, 0, ?3, NULL FROM n",
                params![INVITES_MAX, event.as_str(), expires.0],
            );
            filled.expect("filled");
        };
        let count = |store: &Store| store.reading().invites(&event).expect("listed").len();
        let kept = store.reading().event(&event).expect("the event");
        let revocations = store.reading().revocations(&event).expect("read");
        let mut grants = kept.guests(&revocations).grants(kept.validity());
        grants.retain(|grant| grant.member.as_str() != "indonesia-1");
        let full = usize::try_from(INVITES_MAX).expect("a number");

        fill(&store, later);
        let refused = store.keep_invites(&grants[..1], NOW).err();
        assert!(
            matches!(refused, Some(Fault::TooManyInvites)),
            "{refused:?}"
        );
        assert_eq!(count(&store), full, "all of them still open");
        store.revoke_invite(&event, "jti-1", NOW).expect("revoked");
        store.keep_invites(&grants[..1], NOW).expect("kept");
        assert_eq!(count(&store), full, "one for one");
        let member = "indonesia-1".parse().expect("a slug");
        store.revoke_member(&event, &member, NOW).expect("revoked");
        store.keep_invites(&grants[1..2], NOW).expect("kept");
        assert_eq!(count(&store), 2);
        fill(&store, NOW);
        store.keep_invites(&grants[2..3], NOW).expect("kept");
        assert_eq!(count(&store), 3);
    }

    #[test]
    fn where_there_is_no_room_the_token_that_ended_first_is_forgotten() {
        let (_folder, mut store) = store();
        let filled = store.reading.connection().execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO api_token SELECT 'jti-' || n, 'e', 'read', '', 0, ?2, NULL FROM n",
            params![TOKENS_MAX, NOW.0 + 1000],
        );
        filled.expect("filled");
        let token = |jti: &str| ApiToken {
            event: "e".parse().expect("a slug"),
            scopes: vec![Scope::Read],
            jti: jti.to_owned(),
            minted: NOW,
            expires: Timestamp(NOW.0 + 1000),
        };
        let refused = store.keep_token(&token("one"), "").err();
        assert!(matches!(refused, Some(Fault::TooManyTokens)), "{refused:?}");
        store.revoke_token("jti-5", NOW).expect("revoked");
        let before = Timestamp(NOW.0 - 1);
        store.revoke_token("jti-7", before).expect("revoked");
        store.keep_token(&token("one"), "").expect("kept");
        let tokens = store.reading().tokens().expect("listed");
        let has = |jti: &str| tokens.iter().any(|kept| kept.token.jti == jti);
        assert_eq!(
            ["one", "jti-5", "jti-6", "jti-7"].map(has),
            [true, true, true, false]
        );
    }

    #[test]
    fn tokens_are_kept_listed_and_revoked() {
        let (folder, mut store) = store();
        let token = ApiToken {
            event: "not-yet-imported".parse().expect("a slug"),
            scopes: vec![Scope::Read, Scope::Record],
            jti: "one".to_owned(),
            minted: NOW,
            expires: Timestamp(NOW.0 + 1000),
        };
        store.keep_token(&token, "a script").expect("kept");
        assert!(matches!(
            store.revoke_token("two", NOW),
            Err(Fault::UnknownToken(_))
        ));
        for at in [5, 9] {
            store.revoke_token("one", Timestamp(at)).expect("revoked");
        }
        drop(store);
        let store = Store::open(folder.path()).expect("the store");
        let expected = KeptToken {
            token,
            note: "a script".to_owned(),
            revoked: Some(Timestamp(5)),
        };
        assert_eq!(store.reading().tokens().expect("listed"), [expected]);
    }
}
