//! What stands directly in an element?

use std::ops::Range;

use super::Reader;
use crate::{
    html::line,
    xml::{document::Node, names::Ns},
};

/// What stands directly in an element.
pub(super) struct Inside<'d, 'a> {
    pub(super) nodes: Vec<(usize, &'d Node<'a>)>,
    pub(super) range: Range<usize>,
    /// Vocabularies of the nodes, a bit for each: most of what is asked for is of another one.
    known: u32,
}

/// RSS's own or Atom's: both stand in both.
pub(super) const PLAIN: [Ns; 2] = [Ns::Core, Ns::Atom];

impl<'d, 'a> Inside<'d, 'a> {
    fn new(nodes: Vec<(usize, &'d Node<'a>)>, range: Range<usize>) -> Self {
        let known = nodes.iter().fold(0, |known, (_, node)| known | bit(node.ns));
        Self { nodes, range, known }
    }

    pub(super) fn all<'s>(&'s self, ns: &'s [Ns], local: &'s str) -> impl Iterator<Item = &'d Node<'a>> + 's {
        let asked = ns.iter().fold(0, |asked, ns| asked | bit(*ns));
        let nodes = if self.known & asked == 0 { &[][..] } else { &self.nodes };
        nodes
            .iter()
            .map(|(_, node)| *node)
            .filter(move |node| bit(node.ns) & asked != 0 && node.local.eq_ignore_ascii_case(local))
    }

    pub(super) fn first(&self, ns: &[Ns], local: &str) -> Option<&'d Node<'a>> {
        self.all(ns, local).next()
    }

    /// The first text among these, on one line.
    pub(super) fn text(&self, names: &[(&[Ns], &str)]) -> Option<String> {
        names
            .iter()
            .find_map(|(ns, local)| self.all(ns, local).map(|node| line(&node.text)).find(|text| !text.is_empty()))
    }
}

const fn bit(ns: Ns) -> u32 {
    1 << ns as u32
}

impl<'d, 'a> Reader<'d, 'a> {
    pub(super) fn within(&self, parent: usize, range: Range<usize>) -> Inside<'d, 'a> {
        let nodes = self.document.nodes.get(range.clone()).unwrap_or_default();
        let nodes = nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.parent == Some(parent))
            .map(|(at, node)| (range.start + at, node))
            .collect();
        Inside::new(nodes, range)
    }

    pub(super) fn inside(&self, outer: &Inside<'d, 'a>, wanted: &Node<'_>) -> Inside<'d, 'a> {
        let index =
            outer.nodes.iter().find(|(_, node)| std::ptr::eq(*node, wanted)).map_or(usize::MAX, |(index, _)| *index);
        self.within(index, outer.range.clone())
    }

    /// Everything that stands in the feed itself: in its root and in `channel`.
    pub(super) fn top(&self) -> Inside<'d, 'a> {
        let all = &self.document.nodes;
        let mut entries = self.document.entries.iter().peekable();
        let mut nodes = Vec::new();
        let mut at = 0;
        while let Some(node) = all.get(at) {
            if let Some(entry) = entries.next_if(|entry| entry.nodes.start <= at) {
                at = entry.nodes.end.max(at + 1);
                continue;
            }
            let top = match node.parent {
                Some(0) => true,
                Some(parent) => all
                    .get(parent)
                    .is_some_and(|parent| parent.is(Ns::Core, "channel") && parent.parent.is_none_or(|root| root == 0)),
                None => false,
            };
            if top {
                nodes.push((at, node));
            }
            at += 1;
        }
        Inside::new(nodes, 0..all.len())
    }
}
