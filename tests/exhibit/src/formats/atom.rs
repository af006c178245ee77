//! Atom 1.0 (RFC 4287), archives (RFC 5005) and tombstones (RFC 6721).

use std::fmt::Write;

use super::{Doc, esc};

pub(super) fn write(doc: &Doc) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    // Writing to a String never fails.
    let _ = body(doc, &mut out);
    out
}

fn body(doc: &Doc, out: &mut String) -> std::fmt::Result {
    let site = doc.room.site();
    writeln!(
        out,
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" \
         xmlns:fh=\"http://purl.org/syndication/history/1.0\" xml:lang=\"{}\">",
        doc.room.lang.code()
    )?;
    writeln!(out, "<id>tag:{site},2026:feed</id>\n<title>{}</title>", esc(doc.room.title))?;
    writeln!(out, "<updated>{}</updated>\n<author><name>{}</name></author>", doc.updated_at, esc(doc.room.title))?;
    writeln!(
        out,
        "<link rel=\"self\" href=\"{}\"/>\n<link rel=\"alternate\" href=\"{}\"/>",
        esc(&doc.own),
        esc(&doc.home())
    )?;
    for (rel, to) in &doc.links {
        writeln!(out, "<link rel=\"{rel}\" href=\"{}\"/>", esc(to))?;
    }
    if doc.archive {
        writeln!(out, "<fh:archive/>")?;
    }
    for entry in &doc.entries {
        writeln!(out, "<entry xml:lang=\"{}\">\n<id>{}</id>", entry.lang.code(), esc(&entry.id))?;
        writeln!(out, "<title>{}</title>", esc(entry.title()))?;
        writeln!(out, "<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>", esc(&doc.link(entry)))?;
        writeln!(out, "<published>{}</published>\n<updated>{}</updated>", entry.published_at, entry.updated_at())?;
        writeln!(
            out,
            "<author><name>{}</name></author>\n<category term=\"{}\"/>",
            esc(&entry.author),
            esc(&entry.tag)
        )?;
        writeln!(out, "<content type=\"html\">{}</content>\n</entry>", esc(&entry.html(None)))?;
    }
    for (entry, (_, at)) in doc.graves.iter().filter_map(|entry| Some((entry, entry.deleted?))) {
        writeln!(out, "<at:deleted-entry ref=\"{}\" when=\"{at}\"/>", esc(&entry.id))?;
    }
    writeln!(out, "</feed>")
}
