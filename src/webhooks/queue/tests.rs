//! What is sent when, on a virtual clock.

use super::*;
use crate::{
    meeting::{Event, event::EVENT_VERSION},
    store::KeptLane,
};

const START: Timestamp = Timestamp(1_600_000_000_000);

fn session(name: &str) -> SessionId {
    name.parse().expect("a slug")
}

fn hook(id: &str, types: &[&str]) -> KeptHook {
    KeptHook {
        id: id.to_owned(),
        created: START,
        url: String::new(),
        types: types.iter().map(|&name| name.to_owned()).collect(),
        secret: String::new(),
        state: HookState::Active,
        error: None,
        lanes: BTreeMap::new(),
    }
}

/// Every third entry is a moment without chairs, the others are openings.
fn entry(rev: u64) -> Recorded {
    let event = if rev.is_multiple_of(3) {
        Event::ChairAbsent
    } else {
        Event::SessionOpened { by: None }
    };
    Recorded {
        v: EVENT_VERSION,
        rev: Rev(rev),
        at: START,
        event,
    }
}

/// A queue whose shell reads `step` entries at once and asks `receiver` what becomes of each delivery.
struct Play {
    queue: Queue,
    now: Timestamp,
    revs: BTreeMap<SessionId, Rev>,
    step: usize,
    /// Session, revision and second of each attempt of each subscription.
    sent: Vec<(String, String, u64, u64)>,
}

impl Play {
    fn new(hooks: &[KeptHook]) -> Self {
        let mut queue = Queue::new(Settings::default());
        assert_eq!(queue.handle_hooks(hooks.to_vec()), [""; 0]);
        Self {
            queue,
            now: START,
            revs: BTreeMap::new(),
            step: 4,
            sent: Vec::new(),
        }
    }

    fn happen(&mut self, name: &str, upto: u64) {
        self.revs.insert(session(name), Rev(upto));
        self.queue.handle_revs(self.revs.clone());
    }

    /// Carries out all orders up to a time.
    fn until(&mut self, end: Millis, mut receiver: impl FnMut(&str, u64) -> Outcome) {
        let end = START + end;
        loop {
            while let Some(order) = self.queue.poll_order(self.now) {
                match order {
                    Order::Read { id, session, after } => {
                        let last = self.revs[&session].0;
                        let entries = (after.0 + 1..=last).take(self.step).map(entry);
                        self.queue.handle_entries(&id, &session, entries.collect());
                    }
                    Order::Send { id, session, entry } => {
                        let outcome = receiver(&id, entry.rev.0);
                        let second = self.now.since(START).0 / 1000;
                        let line = (id.clone(), session.to_string(), entry.rev.0, second);
                        self.sent.push(line);
                        let at = (id.as_str(), &session);
                        self.queue.handle_outcome(self.now, 500, at, outcome);
                    }
                }
            }
            match self.queue.next_deadline() {
                Some(due) if due <= end => self.now = self.now.max(due),
                Some(_) | None => break,
            }
        }
        self.now = end;
    }

    /// Revision and second of each attempt so far of one subscription in a session.
    fn of(&self, id: &str, name: &str) -> Vec<(u64, u64)> {
        let own = self
            .sent
            .iter()
            .filter(|(its, session, ..)| its == id && session == name);
        own.map(|(_, _, rev, second)| (*rev, *second)).collect()
    }
}

fn failed(why: &str) -> Outcome {
    Outcome::Failed {
        why: why.to_owned(),
        after: None,
    }
}

#[test]
fn each_is_sent_once_in_order_and_the_next_only_when_the_last_was_taken() {
    let mut play = Play::new(&[hook("a", &[])]);
    play.happen("session-1", 6);
    let mut failures = 3;
    play.until(Millis::from_secs(60), |_, rev| {
        if rev == 2 && failures > 0 {
            failures -= 1;
            return failed("answered 500");
        }
        Outcome::Taken
    });
    let at = [(1, 0), (2, 0), (2, 5), (2, 15), (2, 35)];
    let rest = [3, 4, 5, 6].map(|rev| (rev, 35));
    assert_eq!(play.of("a", "session-1"), [&at[..], &rest].concat());
    let kept = play.queue.hook("a").expect("known");
    assert_eq!((kept.error.as_ref(), kept.state), (None, HookState::Active));
}

#[test]
fn a_lane_that_waits_holds_up_neither_another_session_nor_another_subscription() {
    let mut play = Play::new(&[hook("a", &[]), hook("b", &[])]);
    play.happen("session-1", 1);
    play.happen("session-2", 2);
    play.until(Millis(0), |id, rev| match (id, rev) {
        ("a", 1) => failed("answered 500"),
        _ => Outcome::Taken,
    });
    assert_eq!(play.of("a", "session-1"), [(1, 0)]);
    assert_eq!(
        play.of("a", "session-2"),
        [(1, 0)],
        "its own first has failed"
    );
    assert_eq!(play.of("b", "session-1"), [(1, 0)]);
    assert_eq!(play.of("b", "session-2"), [(1, 0), (2, 0)]);
}

#[test]
fn sessions_take_turns() {
    let mut play = Play::new(&[hook("a", &[])]);
    play.happen("session-1", 3);
    play.happen("session-2", 2);
    play.until(Millis(0), |_, _| Outcome::Taken);
    let order: Vec<_> = play
        .sent
        .iter()
        .map(|(_, session, rev, _)| (session.as_str(), *rev))
        .collect();
    let (one, two) = ("session-1", "session-2");
    assert_eq!(order, [(one, 1), (two, 1), (one, 2), (two, 2), (one, 3)]);
}

#[test]
fn what_nobody_asked_for_is_passed_and_its_place_kept() {
    let mut play = Play::new(&[hook("a", &["chair.absent"])]);
    play.happen("session-1", 8);
    play.until(Millis(0), |_, _| Outcome::Taken);
    assert_eq!(play.of("a", "session-1"), [(3, 0), (6, 0)]);
    let kept = play.queue.poll_changed().expect("changed");
    assert_eq!(kept.lanes[&session("session-1")].rev, Rev(8));
    assert_eq!(play.queue.poll_changed(), None);
    play.queue.handle_unkept("a");
    assert!(play.queue.poll_changed().is_some(), "tried again");
}

#[test]
fn a_start_goes_on_where_the_last_one_ended() {
    let mut play = Play::new(&[hook("a", &[])]);
    play.happen("session-1", 5);
    play.until(Millis::from_secs(6), |_, rev| {
        if rev < 4 {
            Outcome::Taken
        } else {
            failed("answered 500")
        }
    });
    let kept = play.queue.poll_changed().expect("changed");
    let lane = kept.lanes[&session("session-1")];
    let expected = KeptLane {
        rev: Rev(3),
        attempts: 2,
        failing: Some(START),
    };
    assert_eq!(lane, expected);
    assert_eq!(
        kept.error,
        Some((START + Millis::from_secs(5), "answered 500".to_owned()))
    );

    let mut again = Play::new(&[kept]);
    again.happen("session-1", 6);
    again.until(Millis(0), |_, _| Outcome::Taken);
    assert_eq!(again.of("a", "session-1"), [(4, 0), (5, 0), (6, 0)]);
}

#[test]
fn pauses_grow_up_to_the_longest_and_three_days_of_them_are_the_end() {
    let mut play = Play::new(&[hook("a", &[])]);
    play.happen("session-1", 2);
    play.until(Millis::from_secs(4 * 24 * 60 * 60), |_, _| {
        failed("no answer")
    });
    let seconds: Vec<_> = play
        .of("a", "session-1")
        .iter()
        .map(|(_, second)| *second)
        .collect();
    let pauses: Vec<_> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..8], [5, 10, 20, 40, 80, 160, 320, 640]);
    assert!(pauses[8..].iter().all(|pause| *pause == 900), "{pauses:?}");
    let last = seconds.last().expect("an attempt");
    assert!((259_200..259_200 + 900).contains(last), "{last}");
    let kept = play.queue.hook("a").expect("known").clone();
    assert_eq!(kept.state, HookState::Failed);
    assert!(kept.error.is_some_and(|(_, why)| why == "no answer"));
    assert_eq!(kept.lanes[&session("session-1")].rev, Rev(0));
}

#[test]
fn who_is_resumed_gets_what_was_missed_and_who_has_ended_nothing() {
    let mut play = Play::new(&[hook("a", &[])]);
    play.happen("session-1", 3);
    play.until(Millis(0), |_, rev| {
        if rev < 3 {
            Outcome::Taken
        } else {
            Outcome::Gone
        }
    });
    let mut kept = play.queue.poll_changed().expect("changed");
    assert_eq!(kept.state, HookState::Gone);
    play.queue.handle_hooks(vec![kept.clone()]);
    play.happen("session-1", 4);
    play.until(Millis(0), |_, _| Outcome::Taken);
    assert_eq!(play.of("a", "session-1").len(), 3);

    kept.state = HookState::Active;
    play.queue.handle_hooks(vec![kept]);
    play.until(Millis(0), |_, _| Outcome::Taken);
    assert_eq!(play.of("a", "session-1")[3..], [(3, 0), (4, 0)]);
    play.queue.handle_hooks(Vec::new());
    play.happen("session-1", 5);
    play.until(Millis(0), |_, _| panic!("nobody is there"));
}

#[test]
fn a_list_that_is_older_takes_nothing_back() {
    let kept = hook("a", &[]);
    let mut play = Play::new(std::slice::from_ref(&kept));
    play.happen("session-1", 2);
    play.until(Millis(0), |_, _| Outcome::Taken);
    play.queue.handle_hooks(vec![kept, hook("b", &[])]);
    play.until(Millis(0), |_, _| Outcome::Taken);
    assert_eq!(play.of("a", "session-1"), [(1, 0), (2, 0)]);
    assert_eq!(play.of("b", "session-1"), [(1, 0), (2, 0)]);
}

#[test]
fn a_receiver_that_names_a_time_is_given_it_within_bounds() {
    let mut play = Play::new(&[hook("a", &[])]);
    play.happen("session-1", 1);
    let mut asked = [60, 1_000_000].into_iter();
    play.until(Millis::from_secs(3600), |_, _| match asked.next() {
        Some(seconds) => Outcome::Failed {
            why: String::new(),
            after: Some(Millis::from_secs(seconds)),
        },
        None => Outcome::Taken,
    });
    assert_eq!(play.of("a", "session-1"), [(1, 0), (1, 60), (1, 960)]);
}

#[test]
fn chance_spreads_a_pause_by_a_fifth() {
    let settings = Settings::default();
    let spread = [0, 500, CHANCES, u64::MAX].map(|chance| pause(&settings, 1, chance).0);
    assert_eq!(spread, [4000, 5000, 6000, 6000]);
    assert_eq!(pause(&settings, u32::MAX, 500).0, 900_000);
    assert_eq!(pause(&settings, 0, 500).0, 5000);
}

#[test]
fn what_could_not_be_read_is_read_again_later_each_time() {
    let mut queue = Queue::new(Settings::default());
    assert_eq!(queue.handle_hooks(vec![hook("a", &[])]), [""; 0]);
    let session = session("session-1");
    let revs: BTreeMap<SessionId, Rev> = [(session.clone(), Rev(1))].into();
    queue.handle_revs(revs.clone());
    let read = || Order::Read {
        id: "a".to_owned(),
        session: session.clone(),
        after: Rev(0),
    };
    let mut now = START;
    for pause in [5, 10, 20] {
        assert_eq!(queue.poll_order(now), Some(read()));
        queue.handle_unread(now, "a", &session);
        let due = now + Millis::from_secs(pause);
        assert_eq!(queue.next_deadline(), Some(due));
        // Not sooner where the journal is told to be as far as it is.
        queue.handle_revs(revs.clone());
        assert_eq!(queue.poll_order(Timestamp(due.0 - 1)), None);
        now = due;
    }
    assert_eq!(queue.poll_order(now), Some(read()));
    queue.handle_entries("a", &session, vec![entry(1)]);
    let next = queue.poll_order(now);
    assert!(matches!(next, Some(Order::Send { .. })), "{next:?}");
}
