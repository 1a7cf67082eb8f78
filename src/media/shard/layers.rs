//! Which simulcast layer of a track fits the height that a client shows it at. This module must never
//! know a path's room: what fits is not yet what can be carried.

use super::{allocate, source::SourceKey};

/// One layer of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Which.
    pub key: SourceKey,
    /// Its place among all layers of its track by size, 0 the smallest; [`sort`] sets it.
    pub rank: u8,
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
    for (layer, rank) in layers.iter_mut().zip(0..) {
        layer.rank = rank;
    }
}

/// What sorted layers cost.
pub fn costs(layers: &[Layer]) -> Vec<allocate::Layer> {
    let costs = layers.iter().map(|layer| allocate::Layer {
        index: layer.rank,
        bits: layer.bits(),
        height: layer.height.unwrap_or(u16::MAX),
    });
    costs.collect()
}

/// Leaves out of sorted layers those that cost more than four times what a larger one does: Firefox gives its
/// smallest layer most of the bits in its first seconds. Of a still picture all layers cost about the
/// same, and none is left out.
pub fn leave_out_the_dear(layers: &mut Vec<Layer>) {
    let mut least = u64::MAX;
    layers.reverse();
    layers.retain(|layer| {
        let keeps = layer.bits() / 4 <= least;
        least = least.min(layer.bits());
        keeps
    });
    layers.reverse();
}

impl Layer {
    /// What it costs, in bits a second. What is not known yet is taken for what browsers send: a
    /// sixteenth, a quarter, the whole of a picture.
    fn bits(&self) -> u64 {
        self.bits_per_second.unwrap_or(match self.rank {
            0 => 150_000,
            1 => 500_000,
            _ => 1_500_000,
        })
    }
}

/// How many of sorted layers, from the smallest, are of use to somebody who shows the picture at this
/// height: up to the one that covers it, and with it all whose height is not known.
pub fn needed(layers: &[Layer], height: Option<u16>) -> usize {
    let covering = layers.iter().position(|layer| covers(layer, height));
    covering.map_or(layers.len(), |place| place + 1)
}

fn covers(layer: &Layer, height: Option<u16>) -> bool {
    let (Some(shown), Some(sent)) = (height, layer.height) else {
        return false;
    };
    allocate::covers(sent, shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Vec<Layer> {
        let layer = |key, height, bits_per_second| Layer {
            key,
            rank: 0,
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
    fn the_smallest_comes_first_and_costs_what_it_sends_or_might() {
        let costs = costs(&layers());
        let bits: Vec<_> = costs
            .iter()
            .map(|layer| (layer.index, layer.bits))
            .collect();
        assert_eq!(bits, [(0, 150_000), (1, 500_000), (2, 1_500_000)]);
    }

    #[test]
    fn a_small_one_that_costs_more_than_a_large_one_is_left_out() {
        let mut layers = layers();
        layers[1].bits_per_second = Some(2_000_000);
        leave_out_the_dear(&mut layers);
        assert_eq!(layers.len(), 3, "a still picture");
        layers[0].bits_per_second = Some(9_000_000);
        leave_out_the_dear(&mut layers);
        let keys: Vec<_> = layers.iter().map(|layer| layer.key).collect();
        assert_eq!(keys, [9, 7]);
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
