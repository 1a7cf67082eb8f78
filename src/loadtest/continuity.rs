//! One numbered stream as it arrives: which numbers are missing, which came twice, which came late.
//!
//! Counters and a window of bits, whatever the stream's length. This module must never know what the
//! numbers number.

/// Numbers behind the highest that are still told apart; a power of two. Ten seconds of a picture:
/// nothing is sent again after so long. What comes even later stays counted as missing.
const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;

/// What has arrived of one stream, from the first number that came.
#[derive(Debug, Clone, Default)]
pub struct Continuity {
    span: Option<Span>,
    received: u64,
    duplicated: u64,
    late: u64,
    window: [u64; WORDS],
}

#[derive(Debug, Clone, Copy)]
struct Span {
    first: u64,
    highest: u64,
}

impl Continuity {
    /// Takes a number. Whether it is new: not seen before, as far as one can still tell.
    pub fn arrive(&mut self, number: u64) -> bool {
        let Some(span) = self.span else {
            self.span = Some(Span {
                first: number,
                highest: number,
            });
            self.received = 1;
            self.mark(number);
            return true;
        };
        if number > span.highest {
            self.forget(span.highest, number);
            self.span = Some(Span {
                highest: number,
                ..span
            });
            self.received = self.received.saturating_add(1);
            self.mark(number);
            return true;
        }
        let is_remembered = span.highest - number < WINDOW;
        if is_remembered && self.is_marked(number) {
            self.duplicated = self.duplicated.saturating_add(1);
            return false;
        }
        self.late = self.late.saturating_add(1);
        let is_new = is_remembered && number > span.first;
        if is_new {
            self.received = self.received.saturating_add(1);
            self.mark(number);
        }
        is_new
    }

    /// Takes a number of which only the lower 16 bits came, such as an RTP sequence number: the
    /// nearest to the highest so far is meant.
    pub fn arrive_short(&mut self, number: u16) -> bool {
        let number = match self.span {
            // Room for what is older than the first.
            None => (1 << 16) + u64::from(number),
            Some(span) => {
                let ahead = number.wrapping_sub(span.highest as u16) as i16;
                span.highest.saturating_add_signed(i64::from(ahead))
            }
        };
        self.arrive(number)
    }

    /// Different numbers that have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How often a number came again.
    pub fn duplicated(&self) -> u64 {
        self.duplicated
    }

    /// How often a number came behind a higher one, for the first time.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// How many there are from the first that came to `last`.
    pub fn expected_until(&self, last: u64) -> u64 {
        match self.span {
            Some(span) => (last + 1).saturating_sub(span.first),
            None => 0,
        }
    }

    /// How many are missing between the first and the highest that came.
    pub fn gaps(&self) -> u64 {
        self.span.map_or(0, |span| {
            self.expected_until(span.highest)
                .saturating_sub(self.received)
        })
    }

    /// Takes the bits between `highest` and `number` for numbers that have not come.
    fn forget(&mut self, highest: u64, number: u64) {
        if number - highest >= WINDOW {
            self.window = [0; WORDS];
            return;
        }
        for skipped in highest + 1..number {
            let (word, bit) = place(skipped);
            self.window[word] &= !bit;
        }
    }

    fn mark(&mut self, number: u64) {
        let (word, bit) = place(number);
        self.window[word] |= bit;
    }

    fn is_marked(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.window[word] & bit != 0
    }
}

/// The word, always one of [`WORDS`], and the bit in it.
fn place(number: u64) -> (usize, u64) {
    let place = number % WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(numbers: impl IntoIterator<Item = u64>) -> Continuity {
        let mut stream = Continuity::default();
        for number in numbers {
            stream.arrive(number);
        }
        stream
    }

    /// Received, gaps, duplicated, late.
    fn counts(stream: &Continuity) -> [u64; 4] {
        [
            stream.received(),
            stream.gaps(),
            stream.duplicated(),
            stream.late(),
        ]
    }

    #[test]
    fn an_unbroken_stream_has_nothing_to_report() {
        let stream = arrived(700..9000);
        assert_eq!(counts(&stream), [8300, 0, 0, 0]);
        assert_eq!(stream.expected_until(8999), 8300);
        assert_eq!(counts(&Continuity::default()), [0; 4]);
    }

    #[test]
    fn a_gap_is_noticed() {
        let stream = arrived((0..100).chain(101..2000));
        assert_eq!(counts(&stream), [1999, 1, 0, 0]);
        let wide = arrived([5, 5 + 3 * WINDOW]);
        assert_eq!(counts(&wide), [2, 3 * WINDOW - 1, 0, 0]);
    }

    #[test]
    fn what_is_missing_at_the_end_is_noticed_by_what_was_sent() {
        let stream = arrived(10..90);
        assert_eq!(stream.gaps(), 0);
        assert_eq!(stream.expected_until(99) - stream.received(), 10);
    }

    #[test]
    fn a_duplicate_is_noticed_and_fills_nothing() {
        let stream = arrived([0, 1, 3, 3, 3, 1, 4]);
        assert_eq!(counts(&stream), [4, 1, 3, 0]);
    }

    #[test]
    fn a_late_one_fills_its_gap_once() {
        let stream = arrived([0, 1, 3, 4, 2, 5, 2]);
        assert_eq!(counts(&stream), [6, 0, 1, 1]);
        // A whole window on, its bit stands for another number.
        let long = arrived([0, 2].into_iter().chain(3..3 + WINDOW).chain([1]));
        assert_eq!(
            counts(&long),
            [WINDOW + 2, 1, 0, 1],
            "too late: still missing"
        );
    }

    #[test]
    fn what_is_older_than_the_first_is_no_part_of_it() {
        let stream = arrived([10, 9, 11]);
        assert_eq!(counts(&stream), [2, 0, 0, 1]);
    }

    #[test]
    fn short_numbers_go_on_over_their_wrap() {
        let mut stream = Continuity::default();
        for number in (u16::MAX - 9..=u16::MAX).chain(0..10) {
            stream.arrive_short(number);
        }
        assert_eq!(counts(&stream), [20, 0, 0, 0]);
        stream.arrive_short(12);
        stream.arrive_short(u16::MAX);
        stream.arrive_short(10);
        assert_eq!(counts(&stream), [22, 1, 1, 1]);
    }

    /// A model that keeps everything, against the window.
    #[test]
    fn it_agrees_with_a_list_of_all_that_came() {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..200 {
            let mut stream = Continuity::default();
            let mut all: Vec<u64> = Vec::new();
            let mut next = random(5000);
            let first = next;
            let mut duplicated = 0;
            for _ in 0..3000 {
                let number = match random(20) {
                    0 => {
                        next += random(40);
                        next
                    }
                    1 => first.max(next.saturating_sub(random(WINDOW - 50))),
                    _ => next,
                };
                next = next.max(number + 1);
                if all.is_empty() && number != first {
                    continue;
                }
                duplicated += u64::from(all.contains(&number));
                let before = all.len();
                if !all.contains(&number) {
                    all.push(number);
                }
                let is_new = stream.arrive(number);
                assert_eq!(is_new, all.len() > before, "{number}");
            }
            let Some(highest) = all.iter().max() else {
                continue;
            };
            assert_eq!(stream.received(), all.len() as u64);
            assert_eq!(stream.gaps(), highest - first + 1 - all.len() as u64);
            assert_eq!(stream.duplicated(), duplicated);
        }
    }
}
