//! What stands behind the links? Article pages, a front page and a site map, as small newsrooms have them.

use std::fmt::Write;

use serde_json::json;

use crate::formats::esc;
use crate::history::{Entry, History};
use crate::newsroom::Newsroom;

/// One article, with title, description, canonical address, Open Graph and JSON-LD.
pub(crate) fn article(room: &Newsroom, base: &str, entry: &Entry) -> String {
    let link = format!("{base}/articles/{}", entry.number);
    let lead = entry.now().paragraphs.first().map_or("", String::as_str);
    let data = json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": link,
        "mainEntityOfPage": link,
        "headline": entry.title(),
        "inLanguage": entry.lang.code(),
        "datePublished": entry.published_at.to_string(),
        "dateModified": entry.updated_at().to_string(),
        "author": { "@type": "Person", "name": entry.author },
        "publisher": { "@type": "NewsMediaOrganization", "name": room.title },
        "articleSection": entry.tag,
    });
    // A `<` inside the script element could end it early.
    let data = data.to_string().replace('<', "\\u003c");
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title} | {paper}</title>\n\
         <meta name=\"description\" content=\"{lead}\">\n<meta name=\"author\" content=\"{author}\">\n\
         <meta property=\"og:type\" content=\"article\">\n<meta property=\"og:title\" content=\"{title}\">\n\
         <meta property=\"article:published_time\" content=\"{published}\">\n\
         <link rel=\"canonical\" href=\"{link}\">\n<link rel=\"alternate\" href=\"{base}{feed}\">\n\
         <script type=\"application/ld+json\">{data}</script>\n</head>\n<body>\n\
         <header><nav><a href=\"{base}/\">{paper}</a></nav></header>\n\
         <main><article>\n<h1>{title}</h1>\n<p class=\"byline\"><span rel=\"author\">{author}</span> \
         <time datetime=\"{published}\">{published}</time></p>\n{html}\n</article></main>\n\
         <aside><p>example.org</p></aside>\n<footer><p>{paper}</p></footer>\n</body>\n</html>\n",
        lang = entry.lang.code(),
        title = esc(entry.title()),
        paper = esc(room.title),
        lead = esc(lead),
        author = esc(&entry.author),
        published = entry.published_at,
        feed = room.feed,
        html = entry.html(None),
    )
}

/// The front page: the newest entries, and the feed for those who look for one.
pub(crate) fn front(room: &Newsroom, base: &str, history: &History) -> String {
    let mut list = String::new();
    for entry in history.page(1) {
        let target = if room.pages { format!("{base}/articles/{}", entry.number) } else { entry.id.clone() };
        let _ = writeln!(list, "<li><a href=\"{}\">{}</a></li>", esc(&target), esc(entry.title()));
    }
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <link rel=\"alternate\" type=\"application/atom+xml\" href=\"{base}{feed}\">\n</head>\n<body>\n<h1>{title}</h1>\n\
         <ul>\n{list}</ul>\n</body>\n</html>\n",
        lang = room.lang.code(),
        title = esc(room.title),
        feed = room.feed,
    )
}

/// Every standing article (sitemaps.org, version 0.9).
pub(crate) fn sitemap(base: &str, history: &History) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for entry in history.entries.iter().filter(|entry| entry.stands()) {
        let _ = writeln!(
            out,
            "<url><loc>{base}/articles/{}</loc><lastmod>{}</lastmod></url>",
            entry.number,
            entry.updated_at()
        );
    }
    out + "</urlset>\n"
}

/// The page that stands before a page: status 200, and nothing of what was asked for.
pub(crate) fn challenge(site: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Just a moment...</title>\n\
         <meta name=\"robots\" content=\"noindex,nofollow\"></head>\n<body>\n\
         <h1>Checking your browser before accessing {site}</h1>\n\
         <p>Please enable JavaScript and cookies to continue. This may take up to 5 seconds.</p>\n\
         <form id=\"challenge-form\" action=\"/-challenge\" method=\"post\"><input type=\"hidden\" name=\"r\" value=\"7\"></form>\n\
         </body>\n</html>\n"
    )
}
