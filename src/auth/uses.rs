//! On which devices links of limited use have been used.

use std::collections::{BTreeMap, BTreeSet};

use super::LinkRefusal;

/// The number under which all calls of a link (WHIP, WHEP) are kept together.
const CALLS: i64 = -1;

/// Where a link is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// A page, by the number that it gives itself.
    Numbered(u64),
    /// A page or program that gives none: each time another.
    Unnumbered,
    /// An encoder or a player: all of a link's are one.
    Call,
}

/// The devices of one event's limited links. `store` keeps them; each link's limit bounds them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uses {
    /// By the invite's id.
    devices: BTreeMap<String, BTreeSet<i64>>,
}

impl Uses {
    /// What this use of a link is to be kept as; nothing where the device has used the link before.
    ///
    /// # Errors
    /// Where the link has been used on as many others as it allows.
    pub fn count(&self, jti: &str, limit: u16, device: Device) -> Result<Option<i64>, LinkRefusal> {
        let nothing = BTreeSet::new();
        let used = self.devices.get(jti).unwrap_or(&nothing);
        let number = match device {
            Device::Numbered(number) => i64::try_from(number).unwrap_or(i64::MAX),
            Device::Call => CALLS,
            Device::Unnumbered => used.first().map_or(CALLS, |least| CALLS.min(*least)) - 1,
        };
        if used.contains(&number) {
            return Ok(None);
        }
        if used.len() >= usize::from(limit) {
            return Err(LinkRefusal::UsedUp);
        }
        Ok(Some(number))
    }

    /// Notes what has been kept.
    pub fn note(&mut self, jti: impl Into<String>, number: i64) {
        self.devices.entry(jti.into()).or_default().insert(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts each use and keeps it; whether it opens.
    fn used(limit: u16, devices: &[Device]) -> Vec<bool> {
        let mut uses = Uses::default();
        let mut one = |device: &Device| match uses.count("one", limit, *device) {
            Ok(None) => true,
            Ok(Some(number)) => {
                uses.note("one", number);
                true
            }
            Err(refusal) => {
                assert_eq!(refusal, LinkRefusal::UsedUp);
                false
            }
        };
        devices.iter().map(&mut one).collect()
    }

    #[test]
    fn a_device_is_counted_once_and_the_limit_holds() {
        let [a, b, c] = [7, 8, u64::MAX].map(Device::Numbered);
        let expected = [true, true, true, false, true];
        assert_eq!(used(2, &[a, a, c, b, a]), expected);
        assert_eq!(used(0, &[a]), [false]);
    }

    #[test]
    fn without_a_number_each_is_another_device_but_for_calls() {
        use Device::{Call, Numbered, Unnumbered};
        let expected = [true, true, false, false];
        assert_eq!(
            used(2, &[Unnumbered, Unnumbered, Unnumbered, Call]),
            expected
        );
        let expected = [true, true, true, true, false, true];
        let devices = [Call, Call, Unnumbered, Call, Numbered(1), Call];
        assert_eq!(used(2, &devices), expected);
    }

    #[test]
    fn each_link_has_its_own() {
        let mut uses = Uses::default();
        uses.note("one", 7);
        let device = Device::Numbered(8);
        assert_eq!(uses.count("one", 1, device), Err(LinkRefusal::UsedUp));
        assert_eq!(uses.count("two", 1, device), Ok(Some(8)));
    }
}
