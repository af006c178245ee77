//! How is a page's tree walked over?

use ego_tree::NodeRef;
use scraper::Node;

/// What meets the nodes of a tree on the way.
pub trait Visitor<'a> {
    /// At a node; whether to go into it.
    fn enter(&mut self, node: NodeRef<'a, Node>) -> bool;
    /// After the children of a node that was gone into.
    fn leave(&mut self, node: NodeRef<'a, Node>);
}

/// Walks over a tree in document order. Nesting costs no stack.
pub fn visit<'a>(root: NodeRef<'a, Node>, visitor: &mut impl Visitor<'a>) {
    let mut node = root;
    loop {
        if visitor.enter(node) {
            if let Some(child) = node.first_child() {
                node = child;
                continue;
            }
            visitor.leave(node);
        }
        loop {
            if node.id() == root.id() {
                return;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let Some(parent) = node.parent() else { return };
            node = parent;
            visitor.leave(node);
        }
    }
}
