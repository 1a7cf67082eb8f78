//! The part of an event file that says how a session's floor is given, in the ranges that the
//! meeting knows.

use super::{
    problem::{Problems, did_you_mean},
    table::Table,
};
use crate::{
    meeting::agenda::{FloorMode, Profile},
    time::Millis,
};

const MODES: [(&str, FloorMode); 2] = [("request", FloorMode::Request), ("open", FloorMode::Open)];

/// Reads a profile over the defaults.
pub(super) fn read(mut table: Table<'_>, problems: &mut Problems<'_>) -> Profile {
    let mut profile = Profile::default();
    if let Some(mode) = table.text("mode", problems) {
        let written = *mode.get_ref();
        match MODES.into_iter().find(|(word, _)| *word == written) {
            Some((_, mode)) => profile.mode = mode,
            None => {
                let hint = did_you_mean(written, MODES.map(|(word, _)| word));
                let message = format!("`mode` must be \"request\" or \"open\"{hint}");
                problems.at(&mode.span(), message);
            }
        }
    }
    // The ranges fit the types, so the conversions keep every value.
    if let Some(number) = table.whole("microphones", 1..=25, problems) {
        profile.microphones = u8::try_from(number.into_inner()).unwrap_or(u8::MAX);
    }
    if let Some(number) = table.whole("queue", 1..=500, problems) {
        profile.queue_max = u16::try_from(number.into_inner()).unwrap_or(u16::MAX);
    }
    if let Some(minutes) = table.whole("turn_minutes", 1..=60, problems) {
        profile.turn_ms = Millis::from_secs(u64::from(minutes.into_inner()) * 60);
    }
    let warning = table.whole("warning_seconds", 0..=120, problems);
    if let Some(seconds) = &warning {
        profile.warning_ms = Millis::from_secs((*seconds.get_ref()).into());
    }
    if profile.warning_ms >= profile.turn_ms {
        let place = warning.map_or_else(|| table.place().clone(), |warning| warning.span());
        let message = "the warning must come after the turn's start: make `warning_seconds` less \
                       than the turn";
        problems.at(&place, message);
    }
    table.finish(problems);
    profile
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    fn read_text(text: &str) -> (Profile, Vec<String>) {
        let table = DeTable::parse(text).expect("TOML");
        let mut problems = Problems::new(text);
        let profile = read(Table::new(0..0, table.get_ref()), &mut problems);
        let problems = problems.into_sorted();
        (profile, problems.iter().map(ToString::to_string).collect())
    }

    fn problems(text: &str) -> Vec<String> {
        read_text(&text.replace(", ", "\n")).1
    }

    #[test]
    fn a_profile_is_within_its_ranges() {
        for right in [
            "mode = 'open', microphones = 25, queue = 500, turn_minutes = 60, warning_seconds = 120",
            "mode = 'request', microphones = 1, queue = 1, turn_minutes = 1, warning_seconds = 0",
        ] {
            assert_eq!(problems(right), [""; 0], "{right}");
        }
        for (wrong, expected) in [
            ("microphones = 0", "`microphones` must be 1 to 25, not 0"),
            ("microphones = 26", "`microphones` must be 1 to 25, not 26"),
            ("queue = 0", "`queue` must be 1 to 500, not 0"),
            (
                "turn_minutes = 61",
                "`turn_minutes` must be 1 to 60, not 61",
            ),
            (
                "warning_seconds = 121",
                "`warning_seconds` must be 0 to 120, not 121",
            ),
            ("turn_minutes = 1", "the warning must come after"),
            (
                "mode = 'opne'",
                "`mode` must be \"request\" or \"open\"; did you mean `open`?",
            ),
            (
                "microphone = 2",
                "`microphone` is not a key here; did you mean `microphones`?",
            ),
        ] {
            let found = problems(wrong);
            assert_eq!(found.len(), 1, "{wrong}: {found:?}");
            assert!(found[0].contains(expected), "{wrong}: {found:?}");
        }
    }

    #[test]
    fn each_key_sets_its_field_and_the_others_keep_their_defaults() {
        assert_eq!(read_text("").0, Profile::default());
        let text =
            "mode = 'open'\nmicrophones = 12\nqueue = 7\nturn_minutes = 3\nwarning_seconds = 30";
        let expected = Profile {
            mode: FloorMode::Open,
            microphones: 12,
            queue_max: 7,
            turn_ms: Millis::from_secs(180),
            warning_ms: Millis::from_secs(30),
        };
        assert_eq!(read_text(text), (expected, Vec::new()));
    }
}
