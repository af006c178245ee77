//! Do the good newsrooms serve what the truth says they do?

mod common;

use std::io::Read;

use common::{ask, at, count, get, open};
use exhibit::{Exhibit, Options};

#[test]
fn each_format_holds_the_entries_of_the_truth() {
    let names = ["harbour", "riviere", "dengta", "quarry", "oldpress", "fast", "empty"];
    let exhibit = open(&names);
    at(&exhibit, 1);
    for name in names {
        let feed = get(&exhibit.feed_url(name)).text();
        let truth = exhibit.truth_of(name);
        let visible: Vec<_> = truth.entries.iter().filter(|entry| entry.visible_rounds.contains(&1)).collect();
        let mark = match name {
            "harbour" | "fast" | "empty" => "<entry ",
            "dengta" => "\"content_html\"",
            "quarry" => "<item rdf:about",
            _ => "<item>",
        };
        assert_eq!(count(&feed, mark), visible.len(), "{name}");
        for entry in visible {
            assert!(feed.contains(&entry.id), "{name} lacks {}", entry.id);
            assert!(feed.contains(&entry.title.replace('"', "&quot;")), "{name} lacks {}", entry.title);
        }
    }
    let json: serde_json::Value = serde_json::from_slice(&get(&exhibit.feed_url("dengta")).body).unwrap();
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(json["items"].as_array().unwrap().len(), 10);
    assert!(get(&exhibit.feed_url("riviere")).text().contains("<link>articles/27</link>"));
    assert!(get(&exhibit.feed_url("quarry")).text().contains("<rdf:RDF "));
    assert!(get(&exhibit.feed_url("oldpress")).text().contains("<rss version=\"0.91\">"));
}

#[test]
fn russian_is_served_in_windows_1251() {
    let exhibit = open(&["mayak"]);
    let feed = get(&exhibit.feed_url("mayak"));
    assert_eq!(feed.header("content-type"), "application/rss+xml");
    assert!(feed.body.starts_with(b"<?xml version=\"1.0\" encoding=\"windows-1251\"?>"));
    // `Береговой` one byte a letter.
    let word = [0xc1, 0xe5, 0xf0, 0xe5, 0xe3, 0xee, 0xe2, 0xee, 0xe9];
    assert!(feed.body.windows(word.len()).any(|part| part == word));
    assert!(std::str::from_utf8(&feed.body).is_err());
}

#[test]
fn an_unchanged_feed_answers_304_and_a_changed_one_does_not() {
    let exhibit = open(&["harbour"]);
    let url = exhibit.feed_url("harbour");
    let first = get(&url);
    let (tag, changed) = (first.header("etag").to_owned(), first.header("last-modified").to_owned());
    assert_eq!(changed, "Thu, 01 Oct 2026 06:00:00 GMT");
    let again = ask("GET", &url, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(ask("GET", &url, &[("if-none-match", &format!("W/{tag}"))]).status, 304);
    assert_eq!(ask("GET", &url, &[("if-modified-since", &changed)]).status, 304);
    // The tag wins over the date.
    assert_eq!(ask("GET", &url, &[("if-none-match", "\"other\""), ("if-modified-since", &changed)]).status, 200);
    exhibit.advance();
    assert_eq!(ask("GET", &url, &[("if-none-match", &tag)]).status, 200);
    assert_eq!(ask("GET", &url, &[("if-modified-since", &changed)]).status, 200);
}

#[test]
fn gzip_is_for_those_who_take_it() {
    let exhibit = open(&["riviere"]);
    let url = exhibit.feed_url("riviere");
    let plain = get(&url);
    let packed = ask("GET", &url, &[("accept-encoding", "br, gzip;q=0.5")]);
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), ("", "gzip"));
    assert_ne!(plain.header("etag"), packed.header("etag"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == plain.body);
    assert_eq!(ask("GET", &url, &[("if-none-match", packed.header("etag")), ("accept-encoding", "gzip")]).status, 304);
}

#[test]
fn harbour_edits_in_round_two_and_deletes_in_round_three() {
    let exhibit = open(&["harbour"]);
    at(&exhibit, 2);
    let edited = exhibit.truth_of("harbour").entries.into_iter().find(|entry| entry.wordings.len() == 2).unwrap();
    assert_eq!((edited.published_round, edited.wordings[1].round), (1, 2));
    assert_ne!(edited.wordings[0].text, edited.wordings[1].text);
    let feed = get(&exhibit.feed_url("harbour")).text();
    assert!(feed.contains("Correction: an earlier version"));
    assert!(!feed.contains("at:deleted-entry "));
    at(&exhibit, 3);
    let truth = exhibit.truth_of("harbour");
    let gone = truth.entries.iter().find(|entry| entry.deleted_round.is_some()).unwrap();
    assert_eq!((gone.deleted_round, gone.visible_rounds.as_slice()), (Some(3), &[2][..]));
    let feed = get(&exhibit.feed_url("harbour")).text();
    assert!(feed.contains(&format!("<at:deleted-entry ref=\"{}\" when=\"2026-10-01T09:00:00Z\"/>", gone.id)));
    assert!(!feed.contains(&format!("<id>{}</id>", gone.id)));
    assert_eq!(get(&gone.link).status, 410);
}

#[test]
fn the_archive_reaches_every_entry() {
    let exhibit = open(&["harbour"]);
    at(&exhibit, 4);
    let mut document = get(&exhibit.feed_url("harbour")).text();
    let mut all = document.clone();
    let mut documents = 1;
    while let Some((_, rest)) = document.split_once("rel=\"prev-archive\" href=\"") {
        document = get(rest.split('"').next().unwrap()).text();
        assert!(document.contains("<fh:archive/>"));
        all.push_str(&document);
        documents += 1;
    }
    let truth = exhibit.truth_of("harbour");
    assert_eq!(documents, 1 + truth.entries.len() / 5);
    for entry in &truth.entries {
        assert_eq!(all.contains(&format!("<id>{}</id>", entry.id)), entry.deleted_round.is_none(), "{}", entry.id);
    }
}

#[test]
fn pages_lead_on_to_the_oldest_entry() {
    let exhibit = open(&["riviere", "dengta"]);
    let mut url = exhibit.feed_url("dengta");
    let mut ids = Vec::new();
    loop {
        let page: serde_json::Value = serde_json::from_slice(&get(&url).body).unwrap();
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_url"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    let mut truth: Vec<String> = exhibit.truth_of("dengta").entries.into_iter().map(|entry| entry.id).collect();
    truth.reverse();
    assert_eq!(ids, truth);
    let last = get(&format!("{}?page=3", exhibit.feed_url("riviere"))).text();
    assert_eq!((count(&last, "<item>"), count(&last, "rel=\"next\"")), (5, 0));
}

#[test]
fn links_lead_to_articles_with_metadata() {
    let exhibit = open(&["harbour", "riviere", "mayak", "dengta"]);
    for truth in exhibit.truth() {
        let entry = truth.entries.last().unwrap();
        let page = get(&entry.link);
        assert_eq!(page.status, 200, "{}", entry.link);
        let html = page.text();
        assert!(html.contains(&format!("<link rel=\"canonical\" href=\"{}\">", entry.link)));
        assert!(html.contains(&entry.title) && html.contains("<meta name=\"description\""));
        let data = html.split("application/ld+json\">").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (data["@type"].as_str(), data["headline"].as_str()),
            (Some("NewsArticle"), Some(entry.title.as_str()))
        );
        assert_eq!(ask("GET", &entry.link, &[("if-none-match", page.header("etag"))]).status, 304);
    }
}

#[test]
fn the_same_seed_writes_the_same_news() {
    let entries = |seed: u64| {
        let exhibit = Exhibit::start(Options { seed, ..Options::only(&["harbour", "mirror-b", "mayak"]) }).unwrap();
        at(&exhibit, 5);
        let mut truths = exhibit.truth();
        // Links hold the port, which differs.
        truths.iter_mut().flat_map(|truth| &mut truth.entries).for_each(|entry| entry.link.clear());
        truths
    };
    let first = entries(7);
    assert!(first == entries(7));
    assert!(first != entries(8));
}

#[test]
fn titles_and_ids_tell_entries_apart() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    at(&exhibit, 6);
    for truth in exhibit.truth() {
        let mut ids: Vec<&str> = truth.entries.iter().map(|entry| entry.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), truth.entries.len(), "{}", truth.newsroom);
    }
}
