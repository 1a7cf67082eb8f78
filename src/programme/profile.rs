//! The part of an event file that says how a session's floor is given and what is allowed in it, in
//! the ranges that the meeting knows. A session's is laid over the defaults, an item's over its
//! session's.

use toml::Spanned;

use super::{
    problem::{Problems, did_you_mean},
    table::Table,
};
use crate::{
    ids::MemberId,
    meeting::agenda::{
        ChatRule, FloorMode, LIST_MAX, Profile, ProfileChange, QueuePolicy, ScreenRule, TurnEnd,
    },
    time::Millis,
};

/// Reads what a profile changes of the one `under` it. Who is on a prepared list is left in `listed`,
/// to be looked for on the roster.
pub(super) fn read(
    mut table: Table<'_>,
    under: &Profile,
    listed: &mut Vec<Spanned<MemberId>>,
    problems: &mut Problems<'_>,
) -> ProfileChange {
    let seconds = |it: &Spanned<u32>| Millis::from_secs((*it.get_ref()).into());
    let minutes = |it: &Spanned<u32>| Millis::from_secs(u64::from(*it.get_ref()) * 60);
    let warning = table.whole("warning_seconds", 0..=120, problems);
    // The ranges fit the types, so the conversions keep every value.
    let change = ProfileChange {
        mode: word(
            &mut table,
            "mode",
            FloorMode::ALL,
            FloorMode::as_str,
            problems,
        ),
        microphones: table
            .whole("microphones", 1..=25, problems)
            .map(|number| u8::try_from(number.into_inner()).unwrap_or(u8::MAX)),
        queue_max: table
            .whole("queue", 1..=500, problems)
            .map(|number| u16::try_from(number.into_inner()).unwrap_or(u16::MAX)),
        turn_ms: table
            .whole("turn_minutes", 1..=60, problems)
            .map(|it| minutes(&it)),
        warning_ms: warning.as_ref().map(seconds),
        end: word(&mut table, "end", TurnEnd::ALL, TurnEnd::as_str, problems),
        fade_ms: table
            .whole("fade_seconds", 1..=30, problems)
            .map(|it| seconds(&it)),
        policy: word(
            &mut table,
            "policy",
            QueuePolicy::ALL,
            QueuePolicy::as_str,
            problems,
        ),
        list: list(&mut table, listed, problems),
        budget_ms: table
            .whole("budget_minutes", 0..=1440, problems)
            .map(|it| minutes(&it)),
        response_ms: table
            .whole("response_seconds", 10..=3600, problems)
            .map(|it| seconds(&it)),
        lobby: table.flag("lobby", problems),
        screens: word(
            &mut table,
            "screens",
            ScreenRule::ALL,
            ScreenRule::as_str,
            problems,
        ),
        chat: word(
            &mut table,
            "chat",
            ChatRule::ALL,
            ChatRule::as_str,
            problems,
        ),
    };
    let profile = under.with(&change);
    if profile.warning_ms >= profile.turn_ms {
        let place = warning.map_or_else(|| table.place().clone(), |warning| warning.span());
        let message = "the warning must come after the turn's start: make `warning_seconds` less \
                       than the turn";
        problems.at(&place, message);
    }
    table.finish(problems);
    change
}

/// One of the words that a setting can have.
fn word<T: Copy, const N: usize>(
    table: &mut Table<'_>,
    key: &'static str,
    all: [T; N],
    as_str: fn(T) -> &'static str,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let text = table.text(key, problems)?;
    let written = *text.get_ref();
    let found = all.into_iter().find(|it| as_str(*it) == written);
    if found.is_none() {
        let words = all.map(as_str);
        let hint = did_you_mean(written, words);
        let known = words.map(|word| format!("\"{word}\"")).join(", ");
        let message = format!("`{key}` must be one of {known}{hint}");
        problems.at(&text.span(), message);
    }
    found
}

fn list(
    table: &mut Table<'_>,
    listed: &mut Vec<Spanned<MemberId>>,
    problems: &mut Problems<'_>,
) -> Option<Vec<MemberId>> {
    let values = table.array("list", problems)?;
    if values.is_empty() {
        return None;
    }
    if let Some(value) = values.get(LIST_MAX) {
        let message = format!("a prepared list has at most {LIST_MAX} members");
        problems.at(&value.span(), message);
    }
    let mut list = Vec::new();
    for value in values.into_iter().take(LIST_MAX) {
        match value.get_ref().as_str().map(str::parse::<MemberId>) {
            Some(Ok(member)) => {
                listed.push(Spanned::new(value.span(), member.clone()));
                list.push(member);
            }
            Some(Err(why)) => problems.at(&value.span(), why.to_string()),
            None => problems.at(&value.span(), "a prepared list has names of seats"),
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    fn read_text(text: &str) -> (Profile, Vec<String>) {
        let table = DeTable::parse(text).expect("TOML");
        let mut problems = Problems::new(text);
        let plain = Profile::default();
        let read = Table::new(0..0, table.get_ref());
        let change = super::read(read, &plain, &mut Vec::new(), &mut problems);
        let problems = problems.into_sorted();
        (
            plain.with(&change),
            problems.iter().map(ToString::to_string).collect(),
        )
    }

    fn problems(text: &str) -> Vec<String> {
        read_text(&text.replace(", ", "\n")).1
    }

    #[test]
    fn a_profile_is_within_its_ranges() {
        for right in [
            "mode = 'open', microphones = 25, queue = 500, turn_minutes = 60, warning_seconds = 120",
            "mode = 'request', microphones = 1, queue = 1, turn_minutes = 1, warning_seconds = 0",
            "end = 'cut', fade_seconds = 30, policy = 'least_spoken', budget_minutes = 0",
            "response_seconds = 10, lobby = true, screens = 'floor', chat = 'off', list = ['a-1']",
        ] {
            assert_eq!(problems(right), [""; 0], "{right}");
        }
        for (wrong, expected) in [
            ("microphones = 0", "`microphones` must be 1 to 25, not 0"),
            ("microphones = 26", "`microphones` must be 1 to 25, not 26"),
            ("fade_seconds = 0", "`fade_seconds` must be 1 to 30, not 0"),
            ("response_seconds = 9", "must be 10 to 3600, not 9"),
            ("budget_minutes = 1441", "must be 0 to 1440, not 1441"),
            ("lobby = 1", "`lobby` must be true or false"),
            (
                "policy = 'fair'",
                "`policy` must be one of \"fifo\", \"fixed\"",
            ),
            ("list = ['A']", "is not a name"),
            ("list = [1]", "a prepared list has names of seats"),
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
                "`mode` must be one of \"open\", \"override\", \"request\", \"fifo\", \"operator\"; did \
                 you mean `open`?",
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
            ..Profile::default()
        };
        assert_eq!(read_text(text), (expected, Vec::new()));
    }
}
