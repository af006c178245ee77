//! Does the cast play what the programme says?

mod common;

use std::io::Read;

use common::{ask, get};
use exhibit::{Exhibit, ForbiddenListener, Lang, Newsroom, Options};

fn open(names: &[&str]) -> Exhibit {
    Exhibit::start(Options::only(names)).expect("the exhibit opens")
}

/// Advances to a round.
fn at(exhibit: &Exhibit, round: u32) {
    while exhibit.round() < round {
        exhibit.advance();
    }
}

/// How often a text occurs.
fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn every_newsroom_of_the_cast_answers_on_its_own_port() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let mut ports: Vec<&str> = exhibit
        .listing()
        .newsrooms
        .iter()
        .map(|place| place.url.as_str())
        .collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), Newsroom::all().len());
    let status = |name: &str| get(&exhibit.feed_url(name)).status;
    let odd = [
        ("moved", 301),
        ("slowdown", 429),
        ("login", 401),
        ("forbidden", 403),
    ];
    for place in &exhibit.listing().newsrooms {
        let expected = odd
            .iter()
            .find(|(name, _)| *name == place.name)
            .map_or(200, |(_, status)| *status);
        assert_eq!(status(&place.name), expected, "{}", place.name);
        let everywhere = get(&format!("{}/{}/robots.txt", exhibit.base_url(), place.name));
        assert_eq!(
            everywhere.status,
            get(&format!("{}/robots.txt", place.url)).status,
            "{}",
            place.name
        );
    }
}

#[test]
fn robots_txt_is_of_every_mood() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let robots = |name: &str| get(&format!("{}/robots.txt", exhibit.url(name)));
    assert!(robots("harbour").text().contains("Allow: /"));
    assert!(robots("riviere").text().contains("User-agent: Vigie"));
    assert_eq!(robots("mayak").status, 404);
    assert!(robots("dengta").text().contains("Disallow: /drafts/"));
    assert!(robots("quarry").text().contains("Crawl-delay: 1"));
    assert!(robots("oldpress").body.is_empty());
    assert!(robots("fast").body.starts_with(b"\xef\xbb\xbf#"));
    assert!(robots("closed").text().ends_with("Disallow: /\n"));
    assert_eq!(robots("broken-robots").status, 503);
    assert_eq!(robots("forbidden").status, 403);
}

#[test]
fn each_format_holds_the_entries_of_the_truth() {
    let names = [
        "harbour", "riviere", "dengta", "quarry", "oldpress", "fast", "empty",
    ];
    let exhibit = open(&names);
    at(&exhibit, 1);
    for name in names {
        let feed = get(&exhibit.feed_url(name)).text();
        let truth = exhibit.truth_of(name);
        let visible: Vec<_> = truth
            .entries
            .iter()
            .filter(|entry| entry.visible_rounds.contains(&1))
            .collect();
        let mark = match name {
            "harbour" | "fast" | "empty" => "<entry ",
            "dengta" => "\"content_html\"",
            "quarry" => "<item rdf:about",
            _ => "<item>",
        };
        assert_eq!(count(&feed, mark), visible.len(), "{name}");
        for entry in visible {
            assert!(feed.contains(&entry.id), "{name} lacks {}", entry.id);
            assert!(
                feed.contains(&entry.title.replace('"', "&quot;")),
                "{name} lacks {}",
                entry.title
            );
        }
    }
    let json: serde_json::Value =
        serde_json::from_slice(&get(&exhibit.feed_url("dengta")).body).unwrap();
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(json["items"].as_array().unwrap().len(), 10);
    assert!(
        get(&exhibit.feed_url("riviere"))
            .text()
            .contains("<link>articles/27</link>")
    );
    assert!(
        get(&exhibit.feed_url("quarry"))
            .text()
            .contains("<rdf:RDF ")
    );
    assert!(
        get(&exhibit.feed_url("oldpress"))
            .text()
            .contains("<rss version=\"0.91\">")
    );
}

#[test]
fn russian_is_served_in_windows_1251() {
    let exhibit = open(&["mayak"]);
    let feed = get(&exhibit.feed_url("mayak"));
    assert_eq!(feed.header("content-type"), "application/rss+xml");
    assert!(
        feed.body
            .starts_with(b"<?xml version=\"1.0\" encoding=\"windows-1251\"?>")
    );
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
    let (tag, changed) = (
        first.header("etag").to_owned(),
        first.header("last-modified").to_owned(),
    );
    assert_eq!(changed, "Thu, 01 Oct 2026 06:00:00 GMT");
    let again = ask("GET", &url, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(
        ask("GET", &url, &[("if-none-match", &format!("W/{tag}"))]).status,
        304
    );
    assert_eq!(
        ask("GET", &url, &[("if-modified-since", &changed)]).status,
        304
    );
    // The tag wins over the date.
    assert_eq!(
        ask(
            "GET",
            &url,
            &[
                ("if-none-match", "\"other\""),
                ("if-modified-since", &changed)
            ]
        )
        .status,
        200
    );
    exhibit.advance();
    assert_eq!(ask("GET", &url, &[("if-none-match", &tag)]).status, 200);
    assert_eq!(
        ask("GET", &url, &[("if-modified-since", &changed)]).status,
        200
    );
}

#[test]
fn gzip_is_for_those_who_take_it() {
    let exhibit = open(&["riviere"]);
    let url = exhibit.feed_url("riviere");
    let plain = get(&url);
    let packed = ask("GET", &url, &[("accept-encoding", "br, gzip;q=0.5")]);
    assert_eq!(
        (
            plain.header("content-encoding"),
            packed.header("content-encoding")
        ),
        ("", "gzip")
    );
    assert_ne!(plain.header("etag"), packed.header("etag"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert!(unpacked == plain.body);
    assert_eq!(
        ask(
            "GET",
            &url,
            &[
                ("if-none-match", packed.header("etag")),
                ("accept-encoding", "gzip")
            ]
        )
        .status,
        304
    );
}

#[test]
fn harbour_edits_in_round_two_and_deletes_in_round_three() {
    let exhibit = open(&["harbour"]);
    at(&exhibit, 2);
    let edited = exhibit
        .truth_of("harbour")
        .entries
        .into_iter()
        .find(|entry| entry.wordings.len() == 2)
        .unwrap();
    assert_eq!((edited.published_round, edited.wordings[1].round), (1, 2));
    assert_ne!(edited.wordings[0].text, edited.wordings[1].text);
    let feed = get(&exhibit.feed_url("harbour")).text();
    assert!(feed.contains("Correction: an earlier version"));
    assert!(!feed.contains("at:deleted-entry "));
    at(&exhibit, 3);
    let truth = exhibit.truth_of("harbour");
    let gone = truth
        .entries
        .iter()
        .find(|entry| entry.deleted_round.is_some())
        .unwrap();
    assert_eq!(
        (gone.deleted_round, gone.visible_rounds.as_slice()),
        (Some(3), &[2][..])
    );
    let feed = get(&exhibit.feed_url("harbour")).text();
    assert!(feed.contains(&format!(
        "<at:deleted-entry ref=\"{}\" when=\"2026-10-01T09:00:00Z\"/>",
        gone.id
    )));
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
        assert_eq!(
            all.contains(&format!("<id>{}</id>", entry.id)),
            entry.deleted_round.is_none(),
            "{}",
            entry.id
        );
    }
}

#[test]
fn pages_lead_on_to_the_oldest_entry() {
    let exhibit = open(&["riviere", "dengta"]);
    let mut url = exhibit.feed_url("dengta");
    let mut ids = Vec::new();
    loop {
        let page: serde_json::Value = serde_json::from_slice(&get(&url).body).unwrap();
        ids.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next_url"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    let mut truth: Vec<String> = exhibit
        .truth_of("dengta")
        .entries
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    truth.reverse();
    assert_eq!(ids, truth);
    let last = get(&format!("{}?page=3", exhibit.feed_url("riviere"))).text();
    assert_eq!(
        (count(&last, "<item>"), count(&last, "rel=\"next\"")),
        (5, 0)
    );
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
        let data = html
            .split("application/ld+json\">")
            .nth(1)
            .and_then(|rest| rest.split("</script>").next())
            .unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (data["@type"].as_str(), data["headline"].as_str()),
            (Some("NewsArticle"), Some(entry.title.as_str()))
        );
        assert_eq!(
            ask(
                "GET",
                &entry.link,
                &[("if-none-match", page.header("etag"))]
            )
            .status,
            304
        );
    }
}

#[test]
fn the_fast_feed_loses_entries_between_rounds() {
    let exhibit = open(&["fast"]);
    at(&exhibit, 3);
    let truth = exhibit.truth_of("fast");
    assert_eq!(truth.entries.len(), 5 + 3 * 9);
    let lost = truth
        .entries
        .iter()
        .filter(|entry| entry.visible_rounds.is_empty())
        .count();
    assert_eq!(lost, 3 * 4);
    assert_eq!(count(&get(&exhibit.feed_url("fast")).text(), "<entry "), 5);
}

#[test]
fn the_liar_lies_both_ways() {
    let exhibit = open(&["liar"]);
    let url = exhibit.feed_url("liar");
    let first = get(&url);
    exhibit.advance();
    let second = get(&url);
    assert_eq!(first.header("etag"), second.header("etag"));
    assert!(first.body != second.body);
    assert_eq!(
        ask("GET", &url, &[("if-none-match", first.header("etag"))]).status,
        304
    );
    let twitchy = format!("{}/twitchy.atom", exhibit.url("liar"));
    let (first, second) = (get(&twitchy), get(&twitchy));
    assert_ne!(first.header("etag"), second.header("etag"));
    assert!(first.body == second.body);
    assert_eq!(
        ask("GET", &twitchy, &[("if-none-match", second.header("etag"))]).status,
        200
    );
}

#[test]
fn what_moved_says_where_and_elsewhere_stays_unvisited() {
    let exhibit = open(&["moved", "elsewhere"]);
    let moved = get(&exhibit.feed_url("moved"));
    assert_eq!(
        moved.header("location"),
        format!("{}/feeds/current.atom", exhibit.url("moved"))
    );
    assert!(get(moved.header("location")).text().contains("<entry "));
    let away = get(&format!("{}/away.atom", exhibit.url("moved")));
    assert_eq!(
        (away.status, away.header("location")),
        (302, exhibit.feed_url("elsewhere").as_str())
    );
    assert_eq!(
        (
            exhibit.connections("elsewhere"),
            exhibit.requests("elsewhere")
        ),
        (0, 0)
    );
}

#[test]
fn retry_after_comes_in_both_forms_before_the_feed() {
    let exhibit = open(&["slowdown"]);
    let url = exhibit.feed_url("slowdown");
    let (seconds, date, feed) = (get(&url), get(&url), get(&url));
    assert_eq!((seconds.status, seconds.header("retry-after")), (429, "2"));
    assert_eq!(date.status, 429);
    let parsed =
        jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", date.header("retry-after")).unwrap();
    assert!(parsed.to_datetime().unwrap().year() >= 2024);
    assert_eq!(feed.status, 200);
    assert!(feed.text().contains("<entry "));
}

#[test]
fn walls_say_200_and_mean_no() {
    let exhibit = open(&["wall", "login", "forbidden"]);
    let wall = get(&exhibit.feed_url("wall"));
    assert_eq!(
        (wall.status, wall.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(wall.text().contains("Checking your browser"));
    assert!(
        get(&exhibit.feed_url("login"))
            .header("www-authenticate")
            .starts_with("Basic")
    );
}

#[test]
fn the_torn_feed_has_good_items_around_its_faults() {
    let exhibit = open(&["malformed"]);
    at(&exhibit, 1);
    let feed = get(&exhibit.feed_url("malformed")).text();
    assert_eq!((count(&feed, "<item>"), count(&feed, "</item>")), (8, 8));
    assert!(
        feed.contains(" & sons")
            && feed.contains("32 Octember")
            && feed.contains("<description><b>")
    );
    assert!(feed.contains("the day before yesterday"));
    let cut = get(&format!("{}/cut.rss", exhibit.url("malformed"))).text();
    assert_eq!(
        (
            count(&cut, "<item>"),
            count(&cut, "</item>"),
            count(&cut, "</rss>")
        ),
        (8, 7, 0)
    );
}

#[test]
fn the_wave_passes_through_three_outlets_and_three_languages() {
    let exhibit = open(&["mirror-a", "mirror-b", "mirror-c"]);
    at(&exhibit, 4);
    let mut posts = Vec::new();
    for truth in exhibit.truth() {
        let wave = truth
            .entries
            .iter()
            .filter(|entry| entry.wave.as_deref() == Some("wave-1"));
        posts.extend(wave.map(|entry| {
            (
                entry.published_round,
                truth.newsroom.clone(),
                entry.language,
            )
        }));
        let feed = get(&exhibit.feed_url(&truth.newsroom)).text();
        assert_eq!(count(&feed, "coast-facts.example.net/report/gate&lt;/a"), 3);
    }
    posts.sort();
    assert_eq!(posts.len(), 9);
    assert_eq!(posts[0], (2, "mirror-a".to_owned(), Lang::En));
    assert!(posts.iter().all(|(round, ..)| (2..=4).contains(round)));
}

#[test]
fn the_same_seed_writes_the_same_news() {
    let entries = |seed: u64| {
        let exhibit = Exhibit::start(Options {
            seed,
            ..Options::only(&["harbour", "mirror-b", "mayak"])
        })
        .unwrap();
        at(&exhibit, 5);
        let mut truths = exhibit.truth();
        // Links hold the port, which differs.
        truths
            .iter_mut()
            .flat_map(|truth| &mut truth.entries)
            .for_each(|entry| entry.link.clear());
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
        let mut ids: Vec<&str> = truth
            .entries
            .iter()
            .map(|entry| entry.id.as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), truth.entries.len(), "{}", truth.newsroom);
    }
}

#[test]
fn the_log_says_what_arrived() {
    let exhibit = open(&["harbour", "closed"]);
    ask(
        "HEAD",
        &format!("{}?x=1", exhibit.feed_url("harbour")),
        &[("user-agent", "Vigie/0.1")],
    );
    let log = exhibit.log("harbour");
    assert_eq!(
        (
            log.len(),
            log[0].method.as_str(),
            log[0].path.as_str(),
            log[0].status
        ),
        (1, "HEAD", "/news.atom?x=1", 200)
    );
    assert_eq!(log[0].header("user-agent"), Some("Vigie/0.1"));
    assert_eq!(
        (
            exhibit.connections("harbour"),
            exhibit.connections("closed")
        ),
        (1, 0)
    );
}

#[test]
fn the_control_port_leads_and_tells() {
    let exhibit = open(&["harbour"]);
    let control = exhibit.listing().control.clone();
    get(&exhibit.feed_url("harbour"));
    let json = |method: &str, path: &str| -> serde_json::Value {
        serde_json::from_slice(&ask(method, &format!("{control}{path}"), &[]).body).unwrap()
    };
    assert_eq!(json("POST", "/-/advance")["round"], 1);
    assert_eq!(json("GET", "/-/round")["round"], 1);
    assert_eq!(exhibit.round(), 1);
    assert_eq!(
        json("GET", "/-/truth")[0]["entries"]
            .as_array()
            .unwrap()
            .len(),
        20
    );
    assert_eq!(
        json("GET", "/-/log/harbour")["seen"][0]["path"],
        "/news.atom"
    );
    assert_eq!(
        json("GET", "/-/newsrooms")["newsrooms"][0]["name"],
        "harbour"
    );
    assert_eq!(ask("GET", &format!("{control}/-/advance"), &[]).status, 404);
}

#[test]
fn a_stopped_exhibit_refuses_connections() {
    let exhibit = open(&["harbour"]);
    let addr = exhibit
        .url("harbour")
        .trim_start_matches("http://")
        .to_owned();
    assert!(std::net::TcpStream::connect(&addr).is_ok());
    exhibit.stop();
    assert!(std::net::TcpStream::connect(&addr).is_err());
}

#[tokio::test]
async fn it_serves_and_ends_inside_a_blocked_runtime() {
    let exhibit = open(&["harbour"]);
    assert_eq!(get(&exhibit.feed_url("harbour")).status, 200);
    drop(exhibit);
}

#[test]
fn the_forbidden_listener_counts_what_it_should_never_see() {
    use std::io::Write;
    let forbidden = ForbiddenListener::start().unwrap();
    assert_eq!((forbidden.connections(), forbidden.bytes()), (0, 0));
    let mut stream = std::net::TcpStream::connect(forbidden.addr()).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    // It closes once it has read to the end, and only then has it counted everything.
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!((forbidden.connections(), forbidden.bytes()), (1, 5));
}
