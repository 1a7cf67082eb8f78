//! Random meetings: two chairs and six delegates (and a guest) do whatever comes to their minds.
//!
//! The [`Model`] follows every event and checks what must hold at any revision.

use proptest::prelude::*;

use crate::{
    ids::MemberId,
    meeting::{
        Actor, Command, Event, Meeting, TurnNumber,
        agenda::{FloorMode, Profile},
        model::Model,
        script::{id, scheduled},
    },
    time::{Millis, Timestamp},
};

#[derive(Debug, Clone)]
enum Step {
    Do(Actor, Command),
    /// One that names the last turn, or the one before it.
    Race(Actor, bool),
    Wait(u64),
    /// The server ends, and is started anew from the journal.
    Restart,
}

fn chair() -> impl Strategy<Value = Actor> {
    prop_oneof![Just("chair-1"), Just("chair-2")].prop_map(|it| Actor::Member(id(it)))
}

fn delegate() -> impl Strategy<Value = MemberId> {
    prop::sample::select(vec!["a", "b", "c", "d", "e", "f"]).prop_map(id)
}

fn anybody() -> impl Strategy<Value = MemberId> {
    prop_oneof![
        6 => delegate(),
        1 => Just(id("guest")),
        1 => prop_oneof![Just("chair-1"), Just("chair-2")].prop_map(id),
    ]
}

fn by_chair() -> impl Strategy<Value = Command> {
    let mode = prop_oneof![Just(FloorMode::Open), Just(FloorMode::Request)];
    prop_oneof![
        12 => Just(Command::NextSpeaker { after_turn: None }),
        8 => delegate().prop_map(|member| Command::GrantFloor { member, after_turn: None }),
        4 => delegate().prop_map(|member| Command::StopFloor { member }),
        2 => delegate().prop_map(|member| Command::RemoveHand { member }),
        4 => (mode, 0_u8..5)
            .prop_map(|(mode, microphones)| Command::ConfigureFloor { mode, microphones }),
        2 => delegate().prop_map(|member| Command::PauseClock { member }),
        3 => delegate().prop_map(|member| Command::ResumeClock { member }),
        6 => anybody().prop_map(|member| Command::Mute { member }),
        6 => anybody().prop_map(|member| Command::AskUnmute { member }),
        1 => anybody().prop_map(|member| Command::RemoveMember { member }),
        2 => Just(Command::OpenSession),
        2 => Just(Command::PauseSession),
        6 => Just(Command::ResumeSession),
        1 => Just(Command::CloseSession),
        3 => Just(Command::ReopenSession),
        1 => Just(Command::PrepareSession),
    ]
}

fn by_anybody() -> impl Strategy<Value = Command> {
    let name = prop::option::of(prop_oneof![Just(String::new()), Just("Dr. X".to_owned())]);
    prop_oneof![
        8 => name.prop_map(|name| Command::Join { name }),
        1 => Just(Command::Leave),
        2 => Just(Command::Lost),
        4 => Just(Command::Back),
        1 => Just(Command::GraceEnded),
        16 => Just(Command::RequestFloor),
        2 => Just(Command::WithdrawHand),
        3 => Just(Command::YieldFloor),
        6 => Just(Command::Unmute),
    ]
}

fn seen_by_media() -> impl Strategy<Value = Command> {
    prop_oneof![
        anybody().prop_map(|member| Command::AudioDelivered { member }),
        anybody().prop_map(|member| Command::AudioHeard { member }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let to_do = |actor, command| Step::Do(actor, command);
    prop_oneof![
        6 => (chair(), by_chair()).prop_map(move |(a, c)| to_do(a, c)),
        8 => (anybody(), by_anybody()).prop_map(move |(m, c)| to_do(Actor::Member(m), c)),
        6 => seen_by_media().prop_map(move |c| to_do(Actor::Media, c)),
        // What nobody has the right to is tried as well.
        1 => (anybody(), by_chair()).prop_map(move |(m, c)| to_do(Actor::Member(m), c)),
        1 => (chair(), any::<bool>()).prop_map(|(a, stale)| Step::Race(a, stale)),
        6 => (0_u64..12_000).prop_map(Step::Wait),
        1 => (0_u64..400_000).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// Mostly the right time, sometimes one from the ends of the world.
fn clock() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::weighted(0.1, any::<i64>().prop_map(Timestamp))
}

/// A meeting, the model that follows it, and the time.
struct Run {
    meeting: Meeting,
    model: Model,
    now: Timestamp,
    /// How late the clock's command comes.
    lag: Millis,
}

impl Run {
    fn start(mode: FloorMode, lag: Millis) -> Self {
        let meeting = scheduled(Profile {
            mode,
            microphones: 2,
            queue_max: 4,
            ..Profile::default()
        });
        let model = Model::new(&meeting);
        let mut run = Self {
            meeting,
            model,
            now: Timestamp(0),
            lag,
        };
        run.command(&Actor::Server, &Command::OpenSession);
        for member in ["chair-1", "chair-2", "a", "b", "c", "d", "e", "f", "guest"] {
            let command = Command::Join { name: None };
            run.command(&Actor::Member(id(member)), &command);
        }
        run
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Do(actor, command) => {
                self.command(actor, command);
            }
            Step::Race(chair, stale) => {
                let last = self.meeting.snapshot(self.now).floor.last_turn;
                let seen = if *stale {
                    last.0.wrapping_sub(1)
                } else {
                    last.0
                };
                let command = Command::NextSpeaker {
                    after_turn: Some(TurnNumber(seen)),
                };
                let events = self.command(chair, &command);
                assert!(events.is_empty() || !stale, "a stale command was done");
            }
            Step::Restart => {
                self.meeting = self.model.replay();
                self.command(&Actor::Server, &Command::Recover);
            }
            Step::Wait(ms) => self.wait(Timestamp(0) + Millis(ms + self.now.since(Timestamp(0)).0)),
        }
    }

    fn wait(&mut self, until: Timestamp) {
        let mut wakings = 0;
        while let Some(deadline) = self.meeting.next_deadline().filter(|it| *it <= until) {
            self.now = self.now.max(deadline + self.lag);
            let events = self.command(&Actor::Clock, &Command::TimePassed);
            assert!(!events.is_empty(), "woken for nothing at {deadline:?}");
            let next = self.meeting.next_deadline();
            assert!(next.is_none_or(|it| it > self.now), "left something undone");
            wakings += 1;
            assert!(wakings < 200, "the clock goes round in circles");
        }
        self.now = self.now.max(until);
    }

    fn command(&mut self, actor: &Actor, command: &Command) -> Vec<Event> {
        let Ok(events) = self.meeting.decide(self.now, actor, command) else {
            return Vec::new();
        };
        for event in &events {
            self.meeting.apply(self.now, event);
            self.model.follow(self.now, event, &self.meeting);
        }
        assert!(!self.model.wastes_a_microphone(), "after {command:?}");
        events
    }
}

proptest! {
    #[test]
    fn a_meeting_keeps_its_rules_whatever_its_members_do(
        open in any::<bool>(),
        lag in 0_u64..30,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mode = if open { FloorMode::Open } else { FloorMode::Request };
        let mut run = Run::start(mode, Millis(lag));
        for step in &steps {
            run.play(step);
        }
        run.model.check_replay(&run.meeting);
    }

    /// A journal of another meeting, or a damaged one, is applied without a panic.
    #[test]
    fn any_event_can_be_applied(
        steps in prop::collection::vec(step(), 1..100),
        fates in prop::collection::vec(prop::option::weighted(0.7, clock()), 1..400),
    ) {
        let mut run = Run::start(FloorMode::Open, Millis(0));
        let mut victim = scheduled(Profile::default());
        let mut fates = fates.iter().cycle();
        for step in &steps {
            run.play(step);
            for (at, event) in run.model.take_history() {
                if let Some(Some(wrong_clock)) = fates.next() {
                    victim.apply(wrong_clock.unwrap_or(at), &event);
                }
            }
        }
        victim.snapshot(run.now);
        victim.next_deadline();
    }
}

/// Long enough for every kind of event to have happened, so that the properties speak of them.
#[test]
fn random_meetings_come_to_every_event() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut missing: Vec<&str> = vec![
        "session.paused",
        "session.resumed",
        "session.closed",
        "session.reopened",
        "member.joined",
        "member.left",
        "member.lost",
        "member.back",
        "member.muted",
        "member.unmute_asked",
        "member.unmuted",
        "floor.requested",
        "floor.withdrawn",
        "floor.granted",
        "floor.confirmed",
        "floor.started",
        "floor.missed",
        "floor.warned",
        "floor.overtime",
        "floor.clock_paused",
        "floor.clock_resumed",
        "floor.ended",
        "floor.configured",
    ];
    let meetings = prop::collection::vec(step(), 200);
    for _ in 0..50 {
        let steps = meetings.new_tree(&mut runner).expect("steps").current();
        let mut run = Run::start(FloorMode::Open, Millis(0));
        for step in &steps {
            run.play(step);
        }
        for (_, event) in run.model.take_history() {
            let value = serde_json::to_value(event).expect("a value");
            missing.retain(|it| value["type"] != **it);
        }
    }
    assert!(missing.is_empty(), "never happened: {missing:?}");
}
