//! Reads the keys of one TOML table and remembers which it was asked for, so that the others can
//! be reported. It must never know what an event is.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use jiff::civil;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problem::{Place, Problems, did_you_mean};

/// A table of the file; each reading reports what is wrong and gives nothing then.
pub(super) struct Table<'t> {
    place: Place,
    entries: &'t DeTable<'t>,
    /// Keys that the caller knows; all others are errors in [`Table::finish`].
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    pub(super) fn new(place: Place, entries: &'t DeTable<'t>) -> Self {
        Self {
            place,
            entries,
            asked: Vec::new(),
        }
    }

    /// The value as a table, or a problem.
    pub(super) fn of(value: &'t Spanned<DeValue<'t>>, problems: &mut Problems<'_>) -> Option<Self> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            wrong_type(value, "a table", problems);
        }
        Some(Self::new(value.span(), table?))
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.entries.get(key)
    }

    fn required(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<&'t Spanned<DeValue<'t>>> {
        let value = self.value(key);
        if value.is_none() {
            problems.at(&self.place, format!("`{key}` is missing here"));
        }
        value
    }

    pub(super) fn required_text(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<&'t str>> {
        text(self.required(key, problems)?, problems)
    }

    pub(super) fn text(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<&'t str>> {
        text(self.value(key)?, problems)
    }

    /// A text that people read: not empty, at most `chars_max` characters, one line.
    pub(super) fn required_line(
        &mut self,
        key: &'static str,
        chars_max: usize,
        problems: &mut Problems<'_>,
    ) -> Option<String> {
        let found = self.required_text(key, problems)?;
        line(key, &found, chars_max, problems)
    }

    pub(super) fn line(
        &mut self,
        key: &'static str,
        chars_max: usize,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<String>> {
        let found = self.text(key, problems)?;
        let read = line(key, &found, chars_max, problems)?;
        Some(Spanned::new(found.span(), read))
    }

    /// A name that has its own type, such as a slug.
    pub(super) fn required_name<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<T>>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let found = self.required_text(key, problems)?;
        match found.get_ref().parse() {
            Ok(name) => Some(Spanned::new(found.span(), name)),
            Err(why) => {
                problems.at(&found.span(), format!("{why}"));
                None
            }
        }
    }

    /// A whole number within `range`.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<u32>> {
        whole(key, self.value(key)?, &range, problems)
    }

    pub(super) fn required_whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<u32>> {
        whole(key, self.required(key, problems)?, &range, problems)
    }

    /// A date: `2020-11-19`, with or without quotation marks.
    pub(super) fn required_date(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<civil::Date>> {
        let value = self.required(key, problems)?;
        let written = match value.get_ref() {
            DeValue::Datetime(date) => Some(date.to_string()),
            other => other.as_str().map(str::to_owned),
        };
        // Comparing the text keeps out what the parser forgives, such as a time behind the date.
        let date = written.and_then(|written| {
            let date: civil::Date = written.parse().ok()?;
            (date.to_string() == written).then_some(date)
        });
        match date {
            Some(date) => Some(Spanned::new(value.span(), date)),
            None => {
                let message = format!("`{key}` must be a date such as 2020-11-19");
                problems.at(&value.span(), message);
                None
            }
        }
    }

    /// A time of day: `"14:00"`, with or without quotation marks.
    pub(super) fn required_time(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Spanned<civil::Time>> {
        let value = self.required(key, problems)?;
        let written = match value.get_ref() {
            DeValue::Datetime(time) => time.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let minutes = written.strip_suffix(":00").filter(|rest| rest.len() == 5);
        match civil::Time::strptime("%H:%M", minutes.unwrap_or(&written)) {
            Ok(time) => Some(Spanned::new(value.span(), time)),
            Err(_) => {
                let message = format!("`{key}` must be a time of day such as \"14:00\"");
                problems.at(&value.span(), message);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let message = format!("`{key}` must be true or false");
            problems.at(&value.span(), message);
        }
        flag
    }

    /// The elements of an array, none when the key is missing; nothing when it is no array.
    pub(super) fn array(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Vec<&'t Spanned<DeValue<'t>>>> {
        let Some(value) = self.value(key) else {
            return Some(Vec::new());
        };
        let array = value.get_ref().as_array();
        if array.is_none() {
            wrong_type(value, "an array", problems);
        }
        Some(array?.iter().collect())
    }

    /// A table inside this one.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Table<'t>> {
        Table::of(self.value(key)?, problems)
    }

    pub(super) fn required_table(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Table<'t>> {
        Table::of(self.required(key, problems)?, problems)
    }

    /// Every key with its value, in the order of the file: for a table whose keys are names.
    pub(super) fn into_names(
        self,
    ) -> impl Iterator<Item = (Spanned<&'t str>, &'t Spanned<DeValue<'t>>)> {
        let mut names: Vec<_> = self.entries.iter().collect();
        names.sort_by_key(|(key, _)| key.span().start);
        names
            .into_iter()
            .map(|(key, value)| (Spanned::new(key.span(), key.get_ref().as_ref()), value))
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                let hint = did_you_mean(name, self.asked.iter().copied());
                problems.at(&key.span(), format!("`{name}` is not a key here{hint}"));
            }
        }
    }
}

fn wrong_type(value: &Spanned<DeValue<'_>>, wanted: &str, problems: &mut Problems<'_>) {
    let is = value.get_ref().type_str();
    problems.at(&value.span(), format!("this must be {wanted}, not {is}"));
}

fn text<'t>(
    value: &'t Spanned<DeValue<'t>>,
    problems: &mut Problems<'_>,
) -> Option<Spanned<&'t str>> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_type(value, "a text in quotation marks", problems);
    }
    Some(Spanned::new(value.span(), text?))
}

fn line(
    key: &str,
    found: &Spanned<&str>,
    chars_max: usize,
    problems: &mut Problems<'_>,
) -> Option<String> {
    line_of(key, found.get_ref(), chars_max)
        .map_err(|wrong| problems.at(&found.span(), wrong))
        .ok()
}

/// A text that people read, or what is wrong with it.
pub(super) fn line_of(key: &str, text: &str, chars_max: usize) -> Result<String, String> {
    let line = text.trim();
    let chars = line.chars().count();
    if chars == 0 {
        Err(format!("`{key}` is empty"))
    } else if chars > chars_max {
        Err(format!(
            "`{key}` has {chars} characters, at most {chars_max} are allowed"
        ))
    } else if line.chars().any(char::is_control) {
        Err(format!(
            "`{key}` must be one line without control characters"
        ))
    } else {
        Ok(line.to_owned())
    }
}

fn whole(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    range: &RangeInclusive<u32>,
    problems: &mut Problems<'_>,
) -> Option<Spanned<u32>> {
    let Some(integer) = value.get_ref().as_integer() else {
        wrong_type(value, "a whole number", problems);
        return None;
    };
    let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
    match number.filter(|number| range.contains(number)) {
        Some(number) => Some(Spanned::new(value.span(), number)),
        None => {
            let (least, most) = (range.start(), range.end());
            let message = format!(
                "`{key}` must be {least} to {most}, not {}",
                integer.as_str()
            );
            problems.at(&value.span(), message);
            None
        }
    }
}
