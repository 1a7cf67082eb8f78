//! Which simulcast layer of a track fits the height that a client shows it at. This module must never
//! know a path's room: what fits is not yet what can be carried.

use super::source::SourceKey;

/// One layer of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Which.
    pub key: SourceKey,
    /// Its height in pixels, once known.
    pub height: Option<u16>,
    /// What is sent on it, once known.
    pub bits_per_second: Option<u64>,
}

/// The smallest first. Where heights are not known yet, the one with the least bits; what nothing is
/// known of comes last.
pub fn sort(layers: &mut [Layer]) {
    layers.sort_by_key(|layer| {
        (
            layer.height.unwrap_or(u16::MAX),
            layer.bits_per_second.unwrap_or(u64::MAX),
        )
    });
}

/// The smallest of sorted layers that covers the height; the largest where none does, or the height
/// is not limited.
pub fn covering(layers: &[Layer], height: Option<u16>) -> Option<Layer> {
    let covers = |layer: &&Layer| covers(layer, height);
    layers.iter().find(covers).or(layers.last()).copied()
}

/// How many of sorted layers, from the smallest, are of use to somebody who shows the picture at this
/// height: up to the one that covers it, and with it all whose height is not known.
pub fn needed(layers: &[Layer], height: Option<u16>) -> usize {
    let covering = layers.iter().position(|layer| covers(layer, height));
    covering.map_or(layers.len(), |place| place + 1)
}

/// A picture that is a little smaller than its place looks no worse: four fifths of the height do.
fn covers(layer: &Layer, height: Option<u16>) -> bool {
    let (Some(shown), Some(sent)) = (height, layer.height) else {
        return false;
    };
    u32::from(sent) * 5 >= u32::from(shown) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Vec<Layer> {
        let layer = |key, height, bits_per_second| Layer {
            key,
            height,
            bits_per_second,
        };
        let mut layers = vec![
            layer(7, Some(720), None),
            layer(8, Some(180), Some(150_000)),
            layer(9, Some(360), Some(500_000)),
        ];
        sort(&mut layers);
        layers
    }

    #[test]
    fn the_smallest_that_covers_is_chosen() {
        let layers = layers();
        let chosen = |height| covering(&layers, height).map(|layer| layer.key);
        assert_eq!(chosen(Some(90)), Some(8));
        assert_eq!(chosen(Some(225)), Some(8), "a little small is enough");
        assert_eq!(chosen(Some(240)), Some(9));
        assert_eq!(chosen(Some(1080)), Some(7), "there is none larger");
        assert_eq!(chosen(None), Some(7));
        assert_eq!(covering(&[], None), None);
    }

    #[test]
    fn smaller_ones_are_of_use_too_and_unknown_ones() {
        let mut layers = layers();
        assert_eq!(needed(&layers, Some(180)), 1);
        assert_eq!(needed(&layers, Some(360)), 2);
        assert_eq!(needed(&layers, None), 3);
        layers[2].height = None;
        assert_eq!(needed(&layers, Some(360)), 2);
        assert_eq!(needed(&layers, Some(720)), 3);
    }
}
