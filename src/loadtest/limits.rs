//! What must hold, and whether it did.
//!
//! This module must never know how anything was measured.

use serde::Serialize;

use super::{
    report::{OfExpected, Report},
    weather::Climate,
};

/// Limits; nothing: not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Limits {
    /// Of a hundred packets so many may never arrive, however often they are sent again.
    pub loss_percent: Option<f64>,
    /// 99 of 100 packets arrive within so many ms of being sent.
    pub p99_ms: Option<f64>,
    /// 19 of 20 who join see or hear something within so many ms.
    pub join_ms: Option<f64>,
    /// No voice is silent for longer at any receiver, in ms.
    pub gap_ms: Option<f64>,
    /// 19 of 20 receivers hear who is given the floor within so many ms.
    pub grant_ms: Option<f64>,
    /// All have gone over to the next session within so many ms of being asked to.
    pub move_ms: Option<f64>,
    /// So many join and stay; nothing: all.
    pub joined: Option<u16>,
}

impl Limits {
    /// Sound that is lost is not sent again, on the speaker's way to the server as little as on the
    /// way from it; and what is late on the way is late at its end. A packet that is sent again comes
    /// after a round trip and a request or two.
    #[must_use]
    pub fn in_climate(self, climate: Climate) -> Self {
        let rtt_ms = climate.rtt.as_secs_f64() * 1000.0;
        let more = |limit: Option<f64>, more: f64| limit.map(|limit| limit + more);
        let repair_ms = if climate.loss_percent > 0.0 {
            2.0 * (rtt_ms + 150.0)
        } else {
            0.0
        };
        Self {
            loss_percent: more(self.loss_percent, 2.0 * climate.loss_percent),
            p99_ms: more(self.p99_ms, rtt_ms + repair_ms),
            join_ms: more(self.join_ms, 10.0 * rtt_ms + 10.0 * repair_ms),
            gap_ms: more(self.gap_ms, rtt_ms + repair_ms),
            grant_ms: more(self.grant_ms, 2.0 * rtt_ms + repair_ms),
            move_ms: more(self.move_ms, 10.0 * rtt_ms + 10.0 * repair_ms),
            joined: self.joined,
        }
    }

    /// Each limit that was broken, with the figure and the limit; and what must never be.
    pub fn broken(&self, report: &Report) -> Vec<String> {
        let mut broken = Vec::new();
        let wanted = self.joined.unwrap_or(report.participants);
        if report.joined < wanted {
            broken.push(format!(
                "{} participants joined and stayed (--min-joined {wanted})",
                report.joined
            ));
        }
        let packets = report.packets;
        if packets.received == 0 {
            broken.push("not a single packet was received".to_owned());
        }
        let mut hold =
            |figure: Option<f64>, limit: Option<f64>, what: &str, unit: &str, flag: &str| {
                let Some(limit) = limit else { return };
                match figure {
                    Some(figure) if figure <= limit => {}
                    Some(figure) => {
                        broken.push(format!("{what} {figure:.1}{unit} ({flag} {limit})"))
                    }
                    None if packets.received == 0 => {}
                    None => broken.push(format!(
                        "there is no figure for {flag} {limit}: nothing was measured"
                    )),
                }
            };
        let loss = Some(report.loss_ratio * 100.0);
        hold(
            loss,
            self.loss_percent,
            "loss after repair",
            " %",
            "--max-loss",
        );
        // Times are in the packets, which are not always opened.
        if report.opened {
            let p99 = report.forward_delay_ms.p99;
            hold(
                p99,
                self.p99_ms,
                "99 of 100 packets took up to",
                " ms",
                "--max-p99-ms",
            );
            let gap = report.longest_gap_ms;
            hold(
                gap,
                self.gap_ms,
                "a voice was silent for",
                " ms",
                "--max-gap-ms",
            );
            let grant = report.grant_to_audio_ms.and_then(|spread| spread.p95);
            hold(
                grant,
                self.grant_ms,
                "from the floor to being heard it took",
                " ms",
                "--max-grant-ms",
            );
        }
        let join = report.first_media_ms.p95;
        hold(
            join,
            self.join_ms,
            "19 of 20 who joined waited up to",
            " ms",
            "--max-join-ms",
        );
        if let Some(agenda) = &report.agenda {
            let longest = agenda.longest_over_ms();
            // An event of one session has nothing to go over to.
            if longest.is_some() {
                hold(
                    longest,
                    self.move_ms,
                    "the last one was in the next session after",
                    " ms",
                    "--max-move-ms",
                );
            }
            let short = |it: OfExpected| it.expected.saturating_sub(it.received);
            for (count, what) in [
                (
                    short(agenda.sessions),
                    "sessions were not played to the end",
                ),
                (short(agenda.items), "items did not start"),
                (
                    agenda.left_behind,
                    "times somebody did not come over to the next session",
                ),
                (
                    agenda.refused,
                    "things that belong to the agenda were refused",
                ),
            ] {
                if count > 0 {
                    broken.push(format!("{count} {what}"));
                }
            }
            if agenda.sessions.expected == 0 {
                broken.push("no session was played".to_owned());
            }
        }
        // Where the floor goes round, not everybody has had it.
        let voices = report.voices;
        let unheard = voices.expected.saturating_sub(voices.received);
        let is_due = report.opened && report.grants == 0;
        for (count, what) in [
            (
                if is_due { unheard } else { 0 },
                "times a voice was never heard by somebody (has it the floor?)",
            ),
            (packets.damaged, "packets damaged"),
            (packets.echoed, "packets that came back to their sender"),
            (packets.unopened, "packets that were not authentic"),
        ] {
            if count > 0 {
                broken.push(format!("{count} {what}"));
            }
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::report::{Agenda, tests::report},
        *,
    };

    /// What is other than in a load test in which all was well.
    type Change = dyn Fn(&mut Report);

    const ALL: Limits = Limits {
        loss_percent: Some(1.0),
        p99_ms: Some(150.0),
        join_ms: Some(3000.0),
        gap_ms: Some(500.0),
        grant_ms: Some(1000.0),
        move_ms: Some(10_000.0),
        joined: Some(50),
    };

    #[test]
    fn what_holds_breaks_nothing() {
        assert_eq!(ALL.broken(&report()), [""; 0]);
        assert_eq!(Limits::default().broken(&report()), [""; 0]);
    }

    #[test]
    fn each_broken_limit_is_named_with_its_figure() {
        let cases: [(&Change, &str); 10] = [
            (
                &|r| {
                    r.voices.received = 47;
                    r.grants = 0;
                },
                "2 times a voice was never heard by somebody (has it the floor?)",
            ),
            (
                &|r| r.joined = 49,
                "49 participants joined and stayed (--min-joined 50)",
            ),
            (
                &|r| r.loss_ratio = 0.02,
                "loss after repair 2.0 % (--max-loss 1)",
            ),
            (
                &|r| r.forward_delay_ms.p99 = Some(151.0),
                "99 of 100 packets took up to 151.0 ms (--max-p99-ms 150)",
            ),
            (
                &|r| r.first_media_ms.p95 = Some(3001.0),
                "19 of 20 who joined waited up to 3001.0 ms (--max-join-ms 3000)",
            ),
            (
                &|r| r.longest_gap_ms = Some(800.0),
                "a voice was silent for 800.0 ms (--max-gap-ms 500)",
            ),
            (
                &|r| r.grant_to_audio_ms = None,
                "there is no figure for --max-grant-ms 1000: nothing was measured",
            ),
            (&|r| r.packets.damaged = 1, "1 packets damaged"),
            (
                &|r| r.packets.echoed = 2,
                "2 packets that came back to their sender",
            ),
            (
                &|r| r.packets.unopened = 3,
                "3 packets that were not authentic",
            ),
        ];
        for (spoil, expected) in cases {
            let mut report = report();
            spoil(&mut report);
            assert_eq!(ALL.broken(&report), [expected]);
        }
    }

    #[test]
    fn an_agenda_is_played_whole_and_everybody_comes_over() {
        let all = OfExpected {
            expected: 4,
            received: 4,
        };
        let played = Agenda {
            sessions: all,
            items: all,
            last_over_ms: vec![900.0, 1200.0],
            ..Agenda::default()
        };
        let broken = |change: &dyn Fn(&mut Agenda)| {
            let mut report = report();
            let mut agenda = played.clone();
            change(&mut agenda);
            report.agenda = Some(agenda);
            ALL.broken(&report)
        };
        assert_eq!(broken(&|_| {}), [""; 0]);
        assert_eq!(
            broken(&|it| it.items.received = 2),
            ["2 items did not start"]
        );
        assert_eq!(
            broken(&|it| it.last_over_ms.push(10_001.0)),
            ["the last one was in the next session after 10001.0 ms (--max-move-ms 10000)"]
        );
        assert_eq!(
            broken(&|it| it.left_behind = 1),
            ["1 times somebody did not come over to the next session"]
        );
        assert_eq!(
            broken(&|it| it.sessions.received = 3),
            ["1 sessions were not played to the end"]
        );
        assert_eq!(
            broken(&|it| *it = Agenda::default()),
            ["no session was played"]
        );
    }

    #[test]
    fn nothing_received_is_one_reason_and_not_six() {
        let mut report = report();
        report.packets.received = 0;
        report.forward_delay_ms.p99 = None;
        report.first_media_ms.p95 = None;
        assert_eq!(ALL.broken(&report), ["not a single packet was received"]);
    }

    #[test]
    fn weather_widens_what_it_touches() {
        let climate = Climate {
            loss_percent: 5.0,
            rtt: Duration::from_millis(100),
        };
        let wider = ALL.in_climate(climate);
        assert_eq!(wider.loss_percent, Some(11.0));
        assert_eq!(wider.p99_ms, Some(750.0));
        assert_eq!(ALL.in_climate(Climate::default()), ALL);
    }
}
