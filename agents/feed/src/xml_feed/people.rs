//! Who wrote an entry?

use schemas::record::{Author, Record};

use super::{Inside, MAX_VALUES, PLAIN, Reader};
use crate::{
    person,
    xml::{document::Node, names::Ns},
};

impl<'d, 'a> Reader<'d, 'a> {
    pub(super) fn people(&self, inside: &Inside<'d, 'a>, local: &str) -> Vec<Author> {
        inside.all(&PLAIN, local).filter_map(|node| self.person(inside, node)).take(MAX_VALUES).collect()
    }

    pub(super) fn person(&self, inside: &Inside<'d, 'a>, node: &'d Node<'a>) -> Option<Author> {
        if !node.markup {
            return person::written(&node.text);
        }
        let parts = self.inside(inside, node);
        let any = [Ns::Core, Ns::Atom, Ns::Other, Ns::Itunes];
        let uri = ["uri", "url", "homepage"]
            .iter()
            .find_map(|local| parts.first(&any, local))
            .and_then(|node| self.bases.of(node).web(&node.text));
        let mail = parts.text(&[(&any, "email")]);
        match parts.text(&[(&any, "name")]) {
            // `Example Desk (desk@example.org)` as a name.
            Some(name) if mail.is_none() => person::written(&name)
                .map(|author| Author { id: uri.clone(), ..author })
                .or_else(|| person::of(Some(name), None, uri)),
            name => person::of(name, mail, uri),
        }
    }

    pub(super) fn authors(&self, inside: &Inside<'d, 'a>) -> Vec<Author> {
        let mut authors = self.people(inside, "author");
        for (ns, local) in [(Ns::Dc, "creator"), (Ns::Dc, "author"), (Ns::Itunes, "author")] {
            if authors.is_empty() {
                authors =
                    inside.all(&[ns], local).filter_map(|node| person::written(&node.text)).take(MAX_VALUES).collect();
            }
        }
        authors
    }

    pub(super) fn author(&self, inside: &Inside<'d, 'a>, of_feed: bool) -> Option<Author> {
        let author = self.authors(inside).into_iter().next();
        let editor = || inside.text(&[(&[Ns::Core], "managingEditor")]).and_then(|text| person::written(&text));
        author.or_else(|| of_feed.then(editor).flatten())
    }

    pub(super) fn people_of(&self, inside: &Inside<'d, 'a>, record: &mut Record) {
        let mut authors = self.authors(inside);
        if authors.is_empty()
            && let Some(source) = inside.first(&[Ns::Atom], "source")
        {
            authors = self.authors(&self.inside(inside, source));
        }
        if authors.len() > 1 {
            let names: Vec<String> =
                authors.iter().filter_map(|author| author.name.clone().or_else(|| author.handle.clone())).collect();
            record.set_extra("authors", names);
        }
        record.author = authors.into_iter().next().or_else(|| self.head.author.clone());
    }
}
