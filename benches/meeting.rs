//! The meeting without media: commands decided and applied, the same stored in the journal on a disk,
//! and a journal of 100,000 events read, checked and applied again as at a start, or checked alone where
//! a snapshot stands for it.
//!
//! `cargo bench --bench meeting` prints, after Criterion's report, a line for each. The command is the
//! model event's: delegates raise their hands, a chair gives the floor to one after the other and
//! takes it back.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput};
use roundtable::{
    ids::MemberId,
    meeting::{
        Actor, Command, Meeting, Rev, Settings,
        event::{EVENT_VERSION, Recorded},
        queue::HandKind,
        roster::Role,
    },
    programme::{MODEL_EVENT, Programme, parse},
    store::{Batch, Reading, Store},
    time::{Millis, Timestamp},
};

/// Entries that the journal's thread finds waiting and commits at once, in a busy room.
const COMMIT: usize = 64;
const REPLAYED: usize = 100_000;
/// What the snapshot is said to be made of.
const BASIS: &str = "bench";

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// A session that is on, and who is in it.
struct Table {
    meeting: Meeting,
    chair: Actor,
    delegates: Vec<MemberId>,
    now: Timestamp,
    step: usize,
    /// What happened until everybody was there.
    begun: Vec<Recorded>,
}

impl Table {
    fn new(programme: &Programme) -> Self {
        let (_, plan) = programme.sessions().next().expect("a session");
        let seats = programme.seats.clone();
        let of = |role: Role| {
            let seats = programme.seats.iter().filter(move |seat| seat.role == role);
            seats.map(|seat| seat.member.clone())
        };
        let chair = Actor::Member(of(Role::Chair).next().expect("a chair"));
        let delegates: Vec<MemberId> = of(Role::Delegate).take(12).collect();
        let mut table = Self {
            meeting: Meeting::new(plan.clone(), seats, Settings::default()),
            chair: chair.clone(),
            delegates: delegates.clone(),
            now: plan.start,
            step: 0,
            begun: Vec::new(),
        };
        let join = Command::Join { name: None };
        let mut begun = table.do_it(&chair, &join);
        begun.extend(table.do_it(&chair, &Command::OpenSession));
        for member in delegates {
            begun.extend(table.do_it(&Actor::Member(member), &join));
        }
        table.begun = begun;
        table
    }

    fn do_it(&mut self, actor: &Actor, command: &Command) -> Vec<Recorded> {
        self.now = self.now + Millis(1);
        let events = self.meeting.decide(self.now, actor, command);
        let events = events.unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"));
        let mut entries = Vec::with_capacity(events.len());
        for event in events {
            entries.push(Recorded {
                v: EVENT_VERSION,
                rev: self.meeting.apply(self.now, &event),
                at: self.now,
                event,
            });
        }
        entries
    }

    /// The next command: a hand, the floor to the first, the floor back.
    fn next(&mut self) -> Vec<Recorded> {
        let delegates = self.delegates.len();
        let delegate = self.delegates[self.step / 3 % delegates].clone();
        let step = self.step % 3;
        self.step += 1;
        let chair = self.chair.clone();
        match step {
            0 => self.do_it(
                &Actor::Member(delegate),
                &Command::RequestFloor {
                    kind: HandKind::Speech,
                },
            ),
            1 => self.do_it(&chair, &Command::NextSpeaker { after_turn: None }),
            _ => self.do_it(&chair, &Command::StopFloor { member: delegate }),
        }
    }
}

/// A store in a folder of its own.
struct House {
    folder: tempfile::TempDir,
    store: Store,
}

impl House {
    fn new(programme: &Programme) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        store.import(programme, Timestamp(0)).expect("imported");
        Self { folder, store }
    }

    fn keep(&mut self, programme: &Programme, entries: Vec<Recorded>) {
        let (_, plan) = programme.sessions().next().expect("a session");
        let session = plan.id.clone();
        let batch = Batch { session, entries };
        self.store.append(&programme.id, &[batch]).expect("stored");
    }
}

/// Does commands and stores what they make, until it is so many entries. Returns how many commands.
fn run_stored(programme: &Programme, house: &mut House, entries_min: usize) -> usize {
    let mut table = Table::new(programme);
    let mut entries = std::mem::take(&mut table.begun);
    let (mut commands, mut kept) = (0, 0);
    while kept < entries_min {
        entries.extend(table.next());
        commands += 1;
        if entries.len() >= COMMIT {
            kept += entries.len();
            house.keep(programme, std::mem::take(&mut entries));
        }
    }
    commands
}

fn replay(programme: &Programme, house: &House) -> Meeting {
    let (_, plan) = programme.sessions().next().expect("a session");
    let reading = Reading::open(house.folder.path()).expect("a store");
    let journal = reading.journal(&programme.id, &plan.id).expect("whole");
    let mut meeting = Meeting::new(plan.clone(), programme.seats.clone(), Settings::default());
    for entry in &journal {
        meeting.apply(entry.at, &entry.event);
    }
    meeting
}

/// What reading and checking takes where a snapshot of the last entry but a few stands for the others.
fn check(programme: &Programme, house: &House) -> Vec<Recorded> {
    let (_, plan) = programme.sessions().next().expect("a session");
    let reading = Reading::open(house.folder.path()).expect("a store");
    let (made, after) = reading
        .journal_from(&programme.id, &plan.id, BASIS)
        .expect("whole");
    assert!(
        made.is_some() && after.len() < COMMIT,
        "{} after",
        after.len()
    );
    after
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}

fn main() {
    let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(10)
        .configure_from_args();

    const COMMANDS: usize = 3000;
    let mut group = criterion.benchmark_group("meeting");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    group.bench_function("decide and apply", |bencher| {
        bencher.iter_batched_ref(
            || Table::new(&programme),
            |table| {
                for _ in 0..COMMANDS {
                    black_box(table.next());
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
    criterion.final_summary();

    let mut decided = Vec::new();
    let mut stored = Vec::new();
    for _ in 0..5 {
        let mut table = Table::new(&programme);
        let begun = now();
        for _ in 0..COMMANDS {
            black_box(table.next());
        }
        decided.push(begun.elapsed() / COMMANDS as u32);
        let mut house = House::new(&programme);
        let begun = now();
        let commands = run_stored(&programme, &mut house, COMMANDS);
        stored.push(begun.elapsed() / commands as u32);
    }
    let (decided, stored) = (median(decided).as_secs_f64(), median(stored).as_secs_f64());
    println!("meeting decide and apply: {:.0} commands/s", 1.0 / decided);
    println!(
        "meeting stored, {COMMIT} entries a commit: {:.0} commands/s, {:.1} times the time without",
        1.0 / stored,
        stored / decided
    );

    let mut house = House::new(&programme);
    run_stored(&programme, &mut house, REPLAYED);
    let mut replayed = Vec::new();
    for _ in 0..3 {
        let begun = now();
        black_box(replay(&programme, &house));
        replayed.push(begun.elapsed());
    }
    println!(
        "meeting replay of {REPLAYED} events, read, checked and applied: {:.0} ms",
        median(replayed).as_secs_f64() * 1e3
    );

    let (_, plan) = programme.sessions().next().expect("a session");
    let rev = Rev(REPLAYED as u64 - 1);
    let kept = house
        .store
        .keep_snapshot(&programme.id, &plan.id, rev, BASIS, "{}");
    kept.expect("kept");
    let mut checked = Vec::new();
    let mut verified = Vec::new();
    for _ in 0..3 {
        let begun = now();
        black_box(check(&programme, &house));
        checked.push(begun.elapsed());
        let begun = now();
        let verdict = house.store.reading().verify(&programme.id).expect("read");
        assert!(verdict.is_whole());
        verified.push(begun.elapsed());
    }
    println!(
        "meeting {REPLAYED} events checked beside a snapshot: {:.0} ms; verified: {:.0} ms",
        median(checked).as_secs_f64() * 1e3,
        median(verified).as_secs_f64() * 1e3
    );
}
