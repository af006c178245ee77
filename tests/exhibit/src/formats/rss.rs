//! RSS 2.0, RSS 1.0 and RSS 0.91.

use std::fmt::Write;

use super::{Doc, esc, rss_date};
use crate::history::Entry;
use crate::newsroom::Format;

pub(super) fn two(doc: &Doc, encoding: &str) -> String {
    let mut out = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n");
    let _ = two_body(doc, &mut out);
    out
}

fn two_body(doc: &Doc, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:atom=\"http://www.w3.org/2005/Atom\">\n<channel>"
    )?;
    head(doc, out)?;
    writeln!(out, "<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"{}\"/>", esc(&doc.own))?;
    writeln!(out, "<lastBuildDate>{}</lastBuildDate>", rss_date(doc.updated_at))?;
    for (rel, to) in &doc.links {
        writeln!(out, "<atom:link rel=\"{rel}\" href=\"{}\"/>", esc(to))?;
    }
    let relative = doc.room.format == Format::Rss2Relative;
    for entry in &doc.entries {
        let link = if relative { format!("articles/{}", entry.number) } else { doc.link(entry) };
        // A neighbour's address, relative too, so that links inside the content have to be resolved as well.
        let neighbour = relative.then(|| format!("articles/{}", entry.number.saturating_sub(1).max(1)));
        writeln!(out, "<item>\n<title>{}</title>\n<link>{}</link>", esc(entry.title()), esc(&link))?;
        writeln!(out, "<guid isPermaLink=\"false\">{}</guid>", esc(&entry.id))?;
        writeln!(
            out,
            "<pubDate>{}</pubDate>\n<dc:creator>{}</dc:creator>",
            rss_date(entry.published_at),
            esc(&entry.author)
        )?;
        writeln!(
            out,
            "<category>{}</category>\n<description>{}</description>",
            esc(&entry.tag),
            esc(first_paragraph(entry))
        )?;
        writeln!(out, "<content:encoded><![CDATA[{}]]></content:encoded>\n</item>", entry.html(neighbour.as_deref()))?;
    }
    writeln!(out, "</channel>\n</rss>")
}

pub(super) fn rdf(doc: &Doc) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    let _ = rdf_body(doc, &mut out);
    out
}

fn rdf_body(doc: &Doc, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
    )?;
    writeln!(out, "<channel rdf:about=\"{}\">", esc(&doc.own))?;
    writeln!(out, "<title>{}</title>\n<link>{}</link>", esc(doc.room.title), esc(&doc.home()))?;
    writeln!(
        out,
        "<description>{}</description>\n<dc:language>{}</dc:language>",
        esc(doc.room.about),
        doc.room.lang.code()
    )?;
    writeln!(out, "<items><rdf:Seq>")?;
    for entry in &doc.entries {
        writeln!(out, "<rdf:li rdf:resource=\"{}\"/>", esc(&entry.id))?;
    }
    writeln!(out, "</rdf:Seq></items>\n</channel>")?;
    for entry in &doc.entries {
        writeln!(out, "<item rdf:about=\"{}\">\n<title>{}</title>", esc(&entry.id), esc(entry.title()))?;
        writeln!(out, "<link>{}</link>\n<description>{}</description>", esc(&doc.link(entry)), esc(&entry.text()))?;
        writeln!(
            out,
            "<dc:date>{}</dc:date>\n<dc:creator>{}</dc:creator>\n</item>",
            entry.published_at,
            esc(&entry.author)
        )?;
    }
    writeln!(out, "</rdf:RDF>")
}

pub(super) fn old(doc: &Doc) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE rss PUBLIC \"-//Netscape Communications//DTD RSS 0.91//EN\" \
         \"http://my.netscape.com/publish/formats/rss-0.91.dtd\">\n<rss version=\"0.91\">\n<channel>\n",
    );
    let _ = old_body(doc, &mut out);
    out
}

fn old_body(doc: &Doc, out: &mut String) -> std::fmt::Result {
    head(doc, out)?;
    for entry in &doc.entries {
        writeln!(out, "<item>\n<title>{}</title>\n<link>{}</link>", esc(entry.title()), esc(&doc.link(entry)))?;
        writeln!(out, "<description>{}</description>\n</item>", esc(first_paragraph(entry)))?;
    }
    writeln!(out, "</channel>\n</rss>")
}

fn head(doc: &Doc, out: &mut String) -> std::fmt::Result {
    writeln!(out, "<title>{}</title>\n<link>{}</link>", esc(doc.room.title), esc(&doc.home()))?;
    writeln!(out, "<description>{}</description>\n<language>{}</language>", esc(doc.room.about), doc.room.lang.code())
}

fn first_paragraph(entry: &Entry) -> &str {
    entry.now().paragraphs.first().map_or("", String::as_str)
}
