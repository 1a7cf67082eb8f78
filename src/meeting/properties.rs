//! Random meetings: two chairs and twelve delegates (and a guest, and an observer) do whatever comes to
//! their minds, are lost and come back, while the clock goes on, and sometimes jumps.
//!
//! The [`Model`] follows every event and checks what must hold at any revision.
//!
//! Each of its checks was seen to fail, with the rule broken as it says:
//!
//! | invariant | broken by | seen by |
//! |---|---|---|
//! | open microphones within the limit at any revision | `Floor::is_open` without the count | `check_hearing` |
//! | nobody heard without the floor | `hearing` that lets delegates be heard while nobody has a turn | `check_hearing` |
//! | one hand a member, one more for a point | no look for a hand in `asking::request` | `follow` |
//! | the order is the policy's but for pins | no `FloorOrdered` in `giving::settle` | `check_rest` |
//! | turns add up to totals | a millisecond more in `add_spoken` | `follow` |
//! | the journal gives the same state | a place that is not written with `FloorRequested` | `check_replay` |
//! | the kept state is the same | a reading of `Stopwatch` that is not written | `check_replay` |
//! | every client has the same state | the chairs' chat in everybody's snapshot | `follow` |

use proptest::prelude::*;

use crate::{
    ids::MemberId,
    meeting::{
        Actor, Command, Event, Meeting, TurnNumber,
        agenda::{ChatRule, FloorMode, Profile, ProfileChange, QueuePolicy, ScreenRule, TurnEnd},
        event::{Audience, PictureSource},
        model::Model,
        queue::HandKind,
        record::{Addressee, RecommendationNumber, Status},
        roster::{Role, Seat},
        script::{id, plain, scheduled_for, seats},
    },
    time::{Millis, Timestamp},
};

const DELEGATES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// The scripts' roster with six more delegates, of two of its delegations and one more.
fn roster() -> Vec<Seat> {
    let more = ["g", "h", "i", "j", "k", "l"].into_iter().enumerate();
    let more = more.map(|(index, member)| Seat {
        member: id(member),
        name: member.to_uppercase(),
        role: Role::Delegate,
        delegation: ["indonesia", "russia", "vietnam"][index % 3]
            .parse()
            .expect("a slug"),
    });
    seats().into_iter().chain(more).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Do(Actor, Command),
    /// One that names the last turn, or the one before it.
    Race(Actor, bool),
    Wait(u64),
    /// The clock shows something else from now on: it is set, or the machine has slept.
    Jump(i64),
    /// The server ends, and so much later is started anew from the journal.
    Restart(u64),
}

fn chair() -> impl Strategy<Value = Actor> {
    prop_oneof![Just("chair-1"), Just("chair-2")].prop_map(|it| Actor::Member(id(it)))
}

fn delegate() -> impl Strategy<Value = MemberId> {
    prop::sample::select(DELEGATES.to_vec()).prop_map(id)
}

fn anybody() -> impl Strategy<Value = MemberId> {
    prop_oneof![
        12 => delegate(),
        1 => Just(id("guest")),
        1 => Just(id("watcher")),
        2 => prop_oneof![Just("chair-1"), Just("chair-2")].prop_map(id),
    ]
}

fn kind() -> impl Strategy<Value = HandKind> {
    prop_oneof![
        10 => Just(HandKind::Speech),
        2 => Just(HandKind::Response),
        1 => prop::sample::select(HandKind::ALL.to_vec()),
    ]
}

fn change() -> impl Strategy<Value = ProfileChange> {
    let first = (
        prop::option::weighted(0.5, prop::sample::select(FloorMode::ALL.to_vec())),
        prop::option::weighted(0.5, prop::sample::select(QueuePolicy::ALL.to_vec())),
        prop::option::weighted(0.5, 0_u8..5),
        prop::option::weighted(0.3, prop::sample::select(TurnEnd::ALL.to_vec())),
        prop::option::weighted(0.3, prop::collection::vec(delegate(), 0..4)),
    );
    let second = (
        prop::option::weighted(0.2, prop_oneof![Just(0_u64), Just(90_000), Just(600_000)]),
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::weighted(0.2, prop::sample::select(ScreenRule::ALL.to_vec())),
        prop::option::weighted(0.2, prop::sample::select(ChatRule::ALL.to_vec())),
        prop::option::weighted(0.1, 1_u16..6),
    );
    (first, second).prop_map(|(first, second)| ProfileChange {
        mode: first.0,
        policy: first.1,
        microphones: first.2,
        end: first.3,
        list: first.4,
        budget_ms: second.0.map(Millis),
        lobby: second.1,
        screens: second.2,
        chat: second.3,
        queue_max: second.4,
        ..ProfileChange::default()
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("So be it."), Just(""), Just("Another word.")].prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = RecommendationNumber> {
    (0_u32..3).prop_map(RecommendationNumber)
}

fn of_the_floor() -> impl Strategy<Value = Command> {
    let some_kind = prop::option::weighted(0.2, kind());
    let place = prop::option::weighted(0.7, 0_u16..8);
    prop_oneof![
        16 => Just(Command::NextSpeaker { after_turn: None }),
        8 => (delegate(), some_kind).prop_map(|(member, kind)| Command::GrantFloor {
            member,
            kind,
            after_turn: None,
        }),
        4 => delegate().prop_map(|member| Command::StopFloor { member }),
        1 => Just(Command::StopAll),
        3 => (delegate(), place).prop_map(|(member, place)| Command::InsertHand { member, place }),
        4 => (delegate(), 0_u16..8, prop::option::weighted(0.3, 1_u16..4)).prop_map(
            |(member, place, from_place)| Command::MoveHand { member, place, from_place },
        ),
        2 => (delegate(), any::<bool>())
            .prop_map(|(member, point)| Command::RemoveHand { member, point }),
        1 => Just(Command::ClearQueue),
        2 => any::<bool>().prop_map(|open| Command::OpenQueue { open }),
        2 => any::<bool>().prop_map(|clear| Command::TakePriority { clear }),
        4 => Just(Command::ReleasePriority),
        3 => (delegate(), 0_u64..200)
            .prop_map(|(member, secs)| Command::ExtendTurn {
                member,
                by_ms: Millis::from_secs(secs),
                from_ms: None,
            }),
        2 => delegate().prop_map(|member| Command::PauseClock { member }),
        3 => delegate().prop_map(|member| Command::ResumeClock { member }),
    ]
}

fn of_members() -> impl Strategy<Value = Command> {
    let source = prop_oneof![Just(PictureSource::Camera), Just(PictureSource::Screen)];
    let again = prop_oneof![Just(PictureSource::Camera), Just(PictureSource::Screen)];
    prop_oneof![
        6 => anybody().prop_map(|member| Command::Mute { member }),
        6 => anybody().prop_map(|member| Command::AskUnmute { member }),
        1 => anybody().prop_map(|member| Command::Block { member }),
        3 => anybody().prop_map(|member| Command::Unblock { member }),
        1 => (anybody(), source)
            .prop_map(|(member, source)| Command::StopPicture { member, source }),
        1 => (anybody(), again)
            .prop_map(|(member, source)| Command::AllowPicture { member, source }),
        1 => (anybody(), any::<bool>())
            .prop_map(|(member, ban)| Command::RemoveMember { member, ban }),
        2 => anybody().prop_map(|member| Command::Unban { member }),
        2 => anybody().prop_map(|member| Command::Admit { member }),
        1 => Just(Command::AdmitAll),
        1 => anybody().prop_map(|member| Command::Refuse { member }),
        1 => anybody().prop_map(|member| Command::SendBack { member }),
    ]
}

fn of_the_session() -> impl Strategy<Value = Command> {
    let items = vec![
        "opening-remarks",
        "discussion",
        "recommendations",
        "nothing",
    ];
    let item = prop::sample::select(items).prop_map(|it| it.parse().expect("a slug"));
    prop_oneof![
        2 => Just(Command::OpenSession),
        2 => Just(Command::PauseSession),
        6 => Just(Command::ResumeSession),
        1 => any::<bool>().prop_map(|force| Command::CloseSession { force }),
        3 => Just(Command::ReopenSession),
        1 => Just(Command::PrepareSession),
        5 => change().prop_map(|change| Command::ConfigureSession { change }),
        2 => (item, any::<bool>()).prop_map(|(item, force)| Command::StartItem {
            item,
            after_item: None,
            force,
        }),
        2 => Just(Command::DropChange),
        1 => Just(Command::MoveOn { to: "session-2".parse().expect("a slug") }),
        1 => Just(Command::LockSession),
        2 => Just(Command::UnlockSession),
        1 => prop::option::of(anybody()).prop_map(|member| Command::Spotlight { member }),
        1 => Just(Command::BeginTechnicalStop),
        3 => Just(Command::EndTechnicalStop),
        1 => text().prop_map(|text| Command::Notice { text }),
        1 => text().prop_map(|text| Command::Note { text }),
        1 => anybody().prop_map(|to| Command::HandOverChair { to }),
        2 => (number(), prop::sample::select(Status::ALL.to_vec()))
            .prop_map(|(number, status)| Command::SetStatus { number, status }),
        3 => number().prop_map(|number| Command::SignOff { number }),
    ]
}

fn by_chair() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => of_the_floor(),
        3 => of_members(),
        3 => of_the_session(),
    ]
}

fn by_anybody() -> impl Strategy<Value = Command> {
    let name = prop::option::of(prop_oneof![Just(String::new()), Just("Dr. X".to_owned())]);
    let to = prop_oneof![Just(Addressee::Everybody), Just(Addressee::Chairs)];
    prop_oneof![
        8 => name.prop_map(|name| Command::Join { name }),
        1 => Just(Command::Leave),
        2 => Just(Command::Lost),
        4 => Just(Command::Back),
        1 => Just(Command::GraceEnded),
        20 => kind().prop_map(|kind| Command::RequestFloor { kind }),
        2 => any::<bool>().prop_map(|point| Command::WithdrawHand { point }),
        3 => Just(Command::YieldFloor),
        6 => Just(Command::Unmute),
        1 => (to, text()).prop_map(|(to, text)| Command::Chat { to, text }),
        2 => text().prop_map(|text| Command::Propose { text }),
        1 => (number(), text())
            .prop_map(|(number, text)| Command::EditRecommendation { number, text }),
        3 => (number(), any::<bool>())
            .prop_map(|(number, supports)| Command::Support { number, supports }),
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
        1 => (0_u64..700_000).prop_map(Step::Wait),
        1 => (-30_000_i64..30_000).prop_map(Step::Jump),
        1 => (0_u64..60_000).prop_map(Step::Restart),
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
    fn start((mode, policy): (FloorMode, QueuePolicy), lag: Millis) -> Self {
        let profile = Profile {
            mode,
            policy,
            microphones: 2,
            queue_max: 6,
            ..plain()
        };
        let meeting = scheduled_for(roster(), profile);
        let model = Model::new(&meeting);
        let mut run = Self {
            meeting,
            model,
            now: Timestamp(0),
            lag,
        };
        run.command(&Actor::Server, &Command::OpenSession);
        for member in ["chair-1", "chair-2", "guest", "watcher"]
            .iter()
            .chain(&DELEGATES)
        {
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
                let last = self.meeting.floor().last_turn;
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
            Step::Restart(outage) => {
                let started = self.now + Millis(*outage);
                self.meeting = self.model.replay();
                self.meeting.take_up(started);
                // As of the server's end.
                self.command(&Actor::Server, &Command::Recover);
                self.now = started;
                let next = self.meeting.next_deadline();
                let grace = started + self.meeting.settings.reserve_ms;
                assert!(next.is_none_or(|it| it >= grace), "no grace: {next:?}");
            }
            Step::Jump(ms) => self.now = Timestamp(self.now.0 + ms),
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
        if !events.is_empty() {
            self.model.check_rest(&self.meeting);
        }
        events
    }
}

fn rules() -> impl Strategy<Value = (FloorMode, QueuePolicy)> {
    let mode = prop::sample::select(FloorMode::ALL.to_vec());
    let policy = prop::sample::select(QueuePolicy::ALL.to_vec());
    (mode, policy)
}

proptest! {
    // The default of 256 is for the others; `PROPTEST_CASES` overrides both.
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn a_meeting_keeps_its_rules_whatever_its_members_do(
        rules in rules(),
        lag in 0_u64..30,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut run = Run::start(rules, Millis(lag));
        for step in &steps {
            run.play(step);
        }
        run.model.check_replay(&run.meeting);
    }
}

proptest! {
    /// A journal of another meeting, or a damaged one, is applied without a panic.
    #[test]
    fn any_event_can_be_applied(
        steps in prop::collection::vec(step(), 1..100),
        fates in prop::collection::vec(prop::option::weighted(0.7, clock()), 1..400),
    ) {
        let mut run = Run::start((FloorMode::Open, QueuePolicy::Alternate), Millis(0));
        let mut victim = scheduled_for(roster(), Profile::default());
        let mut fates = fates.iter().cycle();
        for step in &steps {
            run.play(step);
            for (at, event) in run.model.take_history() {
                if let Some(Some(wrong_clock)) = fates.next() {
                    victim.apply(wrong_clock.unwrap_or(at), &event);
                }
            }
        }
        victim.snapshot(run.now, Audience::Chairs);
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
        "session.configured",
        "agenda.item_started",
        "session.change_awaited",
        "session.change_dropped",
        "session.moved_on",
        "session.locked",
        "session.unlocked",
        "session.spotlighted",
        "session.technical_stop",
        "session.technical_stop_ended",
        "session.notice",
        "chair.handed_over",
        "chair.absent",
        "member.joined",
        "member.left",
        "member.lost",
        "member.back",
        "member.gone",
        "member.muted",
        "member.unmute_asked",
        "member.unmuted",
        "member.blocked",
        "member.unblocked",
        "member.picture_stopped",
        "member.picture_allowed",
        "member.unbanned",
        "lobby.entered",
        "lobby.left",
        "lobby.admitted",
        "lobby.refused",
        "floor.requested",
        "floor.withdrawn",
        "floor.moved",
        "floor.ordered",
        "floor.queue_opened",
        "floor.queue_closed",
        "floor.granted",
        "floor.confirmed",
        "floor.started",
        "floor.missed",
        "floor.warned",
        "floor.overtime",
        "floor.fading",
        "floor.extended",
        "floor.clock_paused",
        "floor.clock_resumed",
        "floor.ended",
        "floor.priority_taken",
        "floor.priority_released",
        "chat.sent",
        "minutes.noted",
        "recommendation.proposed",
        "recommendation.edited",
        "recommendation.supported",
        "recommendation.unsupported",
        "recommendation.status_set",
        "recommendation.signed",
    ];
    let meetings = prop::collection::vec(step(), 200);
    for _ in 0..3000 {
        if missing.is_empty() {
            return;
        }
        let steps = meetings.new_tree(&mut runner).expect("steps").current();
        let mut run = Run::start((FloorMode::Open, QueuePolicy::Alternate), Millis(0));
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
