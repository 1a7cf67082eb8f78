//! SHELL. An event's agenda, played as its chair would: sessions are opened one after the other, items
//! begin in their order, hands are raised and the floor is given, and all go over to the next session.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    bot::Turn,
    floor::{Grants, SPOKEN_QUARTERS, Speaker},
    invite::{Duty, Part},
    report::{Agenda, ms},
    room::{Room, SETTLING},
    run::Stage,
    schedule::{self, Giving, Stretch},
    signalling::{Fault, Signalling},
    tally::SentStream,
};

/// Who asked for the floor, or was asked to take it, is told within this.
const GIVEN_WITHIN: Duration = Duration::from_secs(5);

/// The chair who conducts it all.
struct Conductor<'a> {
    seat: u64,
    signalling: Signalling,
    last_turn: watch::Receiver<Turn>,
    speed: u32,
    grants: &'a Grants,
    speakers: Vec<Speaker>,
    /// Whose hands are up.
    raised: BTreeSet<String>,
    turns: usize,
    played: Agenda,
}

/// Plays all sessions, and says what the last one's speakers have sent.
pub async fn play(
    room: &mut Room,
    parts: Vec<Part>,
    stage: &Stage<'_>,
) -> (Vec<SentStream>, Agenda) {
    let (mut chairs, others): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| part.duty == Duty::Chair);
    let mut sent = Vec::new();
    let Some(chair) = chairs.pop() else {
        return (sent, Agenda::default());
    };
    let seat = chair.seat;
    room.come(chair).await;
    let Some((bot, _)) = room.bots.get(&seat) else {
        return (sent, Agenda::default());
    };
    let sessions = bot.sessions().to_vec();
    let mut conductor = Conductor {
        seat,
        signalling: bot.signalling().clone(),
        last_turn: bot.last_turn(),
        speed: stage.plan.scenario.speed,
        grants: stage.grants,
        speakers: Vec::new(),
        raised: BTreeSet::new(),
        turns: 0,
        played: Agenda::default(),
    };
    conductor.played.sessions.expected = sessions.len() as u64;
    conductor.played.joins = 1;

    let mut others = Some(others);
    for session in &sessions {
        let opened = match others.take() {
            Some(others) => {
                let opened = conductor.open().await;
                let pace = stage.plan.pace(others.len());
                room.fill(others, pace).await;
                conductor.played.joins = room.bots.len() as u64;
                opened
            }
            None => conductor.move_on(room, session, &sent).await,
        };
        let stretches = match opened {
            Ok(stretches) => stretches,
            Err(why) => {
                room.fault(format!("{session} was not opened: {why}"));
                break;
            }
        };
        let (stop, stopping) = watch::channel(false);
        let mut sending = Vec::new();
        conductor.speakers.clear();
        conductor.raised.clear();
        for (seat, (bot, _)) in &room.bots {
            if let Duty::Speak(number) = bot.part().duty {
                sending.extend(room.publish(
                    *seat,
                    stage.plan.scenario.video_kbit,
                    stage.lateness,
                    &stopping,
                ));
                conductor.speakers.push(Speaker {
                    number,
                    member: bot.part().invite.member.clone(),
                    signalling: bot.signalling().clone(),
                });
            }
        }
        conductor.session(room, session, &stretches).await;
        stop.send_replace(true);
        sent = room.sent(sending).await;
    }
    (sent, conductor.played)
}

impl Conductor<'_> {
    async fn ask(&self, request: Value) -> Result<Value, Fault> {
        self.signalling.ask(request).await
    }

    async fn snapshot(&self) -> Result<Value, Fault> {
        let mut answer = self.ask(json!({"type": "session.snapshot"})).await?;
        Ok(answer["snapshot"].take())
    }

    /// Opens the session, in whatever state it is, and reads its agenda.
    async fn open(&self) -> Result<Vec<Stretch>, Fault> {
        let snapshot = self.snapshot().await?;
        // Whoever has a link is let in: nobody stands at the door of a rehearsal.
        if snapshot["profile"]["lobby"] == true {
            let configure = json!({"type": "session.configure", "lobby": false});
            self.ask(configure).await?;
        }
        let state = snapshot["session"]["state"].as_str().unwrap_or_default();
        let steps: &[&str] = match state {
            "scheduled" => &["session.prepare", "session.open"],
            "prepared" => &["session.open"],
            "paused" => &["session.resume"],
            "closed" => &["session.reopen"],
            _ => &[],
        };
        for step in steps {
            self.ask(json!({"type": step})).await?;
        }
        Ok(schedule::read(&snapshot, self.speed))
    }

    /// Asks everybody over to the next session, goes there and opens it; they come when it is open.
    async fn move_on(
        &mut self,
        room: &mut Room,
        session: &str,
        sent: &[SentStream],
    ) -> Result<Vec<Stretch>, Fault> {
        sleep(SETTLING).await;
        let mut going = room.await_the_word(session, sent);
        let asked = now();
        let mut last = asked;
        self.ask(json!({"type": "session.move_on", "session": session}))
            .await?;
        let mut opened = Err(Fault::Late("the chair".to_owned()));
        while let Some(over) = going.join_next().await {
            match over {
                Ok(over) => {
                    let (seat, at) = (over.seat, over.at);
                    if room.went(over, session) {
                        last = last.max(at);
                        self.played.joins += 1;
                        if seat == self.seat {
                            opened = self.open().await;
                        }
                    } else {
                        self.played.left_behind += 1;
                    }
                }
                // Only our own fault ends a task so; the panic has been printed.
                Err(why) => room.fault(why.to_string()),
            }
        }
        let took = last.saturating_duration_since(asked);
        self.played.last_over_ms.push(ms(took));
        opened
    }

    /// Plays a session to its end. What is refused is told, and the next thing tried.
    async fn session(&mut self, room: &mut Room, session: &str, stretches: &[Stretch]) {
        let items = stretches.iter().filter(|it| it.item.is_some());
        self.played.items.expected += items.count() as u64;
        for stretch in stretches {
            let end = now() + stretch.lasts;
            if let Some(item) = &stretch.item {
                if let Err(why) = self.start(item).await {
                    room.fault(format!("{session}: item {item} did not start: {why}"));
                    continue;
                }
                self.played.items.received += 1;
            }
            if let Err(why) = self.discuss(stretch, end).await {
                self.refused(room, session, &why);
                sleep(end.saturating_duration_since(now())).await;
            }
        }
        if let Err(why) = self.conclude(session).await {
            self.refused(room, session, &why);
        } else {
            self.played.sessions.received += 1;
        }
    }

    fn refused(&mut self, room: &mut Room, session: &str, why: &Fault) {
        self.played.refused += 1;
        room.fault(format!("{session}: {why}"));
    }

    /// The item is on, whoever has the floor.
    async fn start(&self, item: &str) -> Result<(), Fault> {
        let start = json!({"type": "agenda.start", "item": item, "force": true});
        match self.ask(start).await {
            // The first is on since the session was opened.
            Err(Fault::Refused { code, .. })
                if code == "not_now" && self.snapshot().await?["session"]["item"] == item =>
            {
                Ok(())
            }
            answer => answer.map(|_| ()),
        }
    }

    /// Somebody writes, and one after the other speaks until the time is over; who speaks then is cut
    /// short by what comes next.
    async fn discuss(&mut self, stretch: &Stretch, end: Instant) -> Result<(), Fault> {
        let spoken = stretch.turn * SPOKEN_QUARTERS / 4;
        if let (Some(to), Some(writer)) = (&stretch.chat, self.next_speaker()) {
            let chat = json!({"type": "chat.send", "to": to, "text": "A word on this."});
            writer.signalling.ask(chat).await?;
            self.played.messages += 1;
        }
        while now() < end {
            let (member, speaker) = self.give(stretch.giving).await?;
            sleep(spoken.min(end.saturating_duration_since(now()))).await;
            if now() >= end {
                break;
            }
            match speaker {
                Some(speaker) if self.turns.is_multiple_of(2) => {
                    speaker.ask(json!({"type": "floor.yield"})).await?;
                }
                Some(_) | None => {
                    self.ask(json!({"type": "floor.stop", "member": member}))
                        .await?;
                }
            }
            let silence = stretch.turn.saturating_sub(spoken);
            sleep(silence.min(end.saturating_duration_since(now()))).await;
        }
        Ok(())
    }

    fn next_speaker(&self) -> Option<Speaker> {
        let place = self.turns.checked_rem(self.speakers.len())?;
        self.speakers.get(place).cloned()
    }

    /// Lets the next one have the floor, and says who it is.
    async fn give(&mut self, giving: Giving) -> Result<(String, Option<Signalling>), Fault> {
        let next = self.next_speaker();
        let next = next.ok_or_else(|| Fault::Late("a speaker".to_owned()))?;
        let after_turn = self.last_turn.borrow().number;
        match giving {
            Giving::Next => {
                for speaker in self.speakers.clone() {
                    self.raise(&speaker).await?;
                }
                self.grants.give(None, now());
                self.ask(json!({"type": "floor.next", "after_turn": after_turn}))
                    .await?;
            }
            Giving::AtOnce => {
                self.grants.give(Some(next.number), now());
                self.raise(&next).await?;
            }
            Giving::Called => {
                self.grants.give(Some(next.number), now());
                let grant = json!({
                    "type": "floor.grant", "member": next.member, "after_turn": after_turn,
                });
                self.ask(grant).await?;
            }
        }
        let told = self.last_turn.wait_for(|turn| turn.number > after_turn);
        let member = match timeout(GIVEN_WITHIN, told).await {
            Ok(Ok(turn)) => turn.member.clone(),
            Ok(Err(_)) | Err(_) => return Err(Fault::Late("floor.granted".to_owned())),
        };
        self.turns += 1;
        self.raised.remove(&member);
        let mut speakers = self.speakers.iter();
        let speaker = speakers.find(|speaker| speaker.member.as_str() == member);
        // Nobody: a person at the same table.
        let signalling = speaker.map(|speaker| speaker.signalling.clone());
        Ok((member, signalling))
    }

    async fn raise(&mut self, speaker: &Speaker) -> Result<(), Fault> {
        if self.raised.contains(speaker.member.as_str()) {
            return Ok(());
        }
        let request = json!({"type": "floor.request"});
        match speaker.signalling.ask(request).await {
            Ok(_) => self.played.hands += 1,
            // It is up already.
            Err(Fault::Refused { code, .. }) if code == "not_now" => {}
            Err(why) => return Err(why),
        }
        self.raised.insert(speaker.member.to_string());
        Ok(())
    }

    /// A recommendation, and the end.
    async fn conclude(&mut self, session: &str) -> Result<(), Fault> {
        if let Some(proposer) = self.next_speaker() {
            let text = format!("What {session} recommends.");
            let propose = json!({"type": "recommendation.propose", "text": text});
            proposer.signalling.ask(propose).await?;
            self.played.recommendations += 1;
        }
        self.ask(json!({"type": "session.close", "force": true}))
            .await?;
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
