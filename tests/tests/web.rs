//! A site is a file: from a recipe that two people signed to its records, and what a changed or tampered one comes to.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use exhibit::{Exhibit, FileSite, Options};
use serde_json::Value;
use tests::{Source, World, program};

const RECIPE: &str = r#"# The harbour's own pages, in two languages.
format = 1
languages = ["fr"]
zone = "America/Toronto"

[list]
item = "ul.news > li"
date = "time"
next = "a.older"

[article]
title = "h1"
text = "div.story"
published = "p.date"
"#;

fn page(lang: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>Harbour</title>{head}</head>\n<body>{body}</body></html>\n"
    )
}

fn listing(items: &[&str], older: &str) -> String {
    let items: String = items
        .iter()
        .map(|name| format!("<li><a href=\"/{name}.html\">{name}</a> <time datetime=\"2026-10-02\">2 Oct</time></li>"))
        .collect();
    page("en", "", &format!("<ul class=\"news\">{items}</ul>{older}"))
}

fn article(lang: &str, head: &str, title: &str, text: &str) -> String {
    let body = format!(
        "<h1>{title}</h1><h2>The harbour's desk</h2><p class=\"date\">2026-10-01 09:30</p><div class=\"story\"><p>{text}</p></div>"
    );
    page(lang, head, &body)
}

/// Writes a site: three articles on two pages of a listing, the first in two languages, one that robots may not index.
fn write(site: &Path) {
    let put = |name: &str, text: String| fs::write(site.join(name), text).unwrap();
    put("news.html", listing(&["cranes", "ferry"], "<a class=\"older\" href=\"/older.html\">Older</a>"));
    put("older.html", listing(&["lights", "quiet"], ""));
    let french = "<link rel=\"alternate\" hreflang=\"fr\" href=\"/grues.html\">";
    let english = "<link rel=\"alternate\" hreflang=\"en\" href=\"/cranes.html\">";
    put("cranes.html", article("en", french, "Cranes arrive", "Two cranes arrived by sea."));
    put("grues.html", article("fr", english, "Les grues arrivent", "Deux grues sont arrivées par la mer."));
    put("ferry.html", article("en", "", "Ferry timetable", "The ferry leaves at nine."));
    put("lights.html", article("en", "", "New lights", "The pier has new lights."));
    put("quiet.html", article("en", "<meta name=\"robots\" content=\"noindex\">", "Quiet", "Please do not index."));
}

/// Puts a recipe beside the unit's allowlist and names it in the entries of collector `web`, by the digest that the check says.
fn name_recipe(world: &World, recipe: &str) {
    fs::write(world.unit().join("harbour.toml"), recipe).unwrap();
    let file = world.unit().join("allowlist.toml");
    let text = fs::read_to_string(&file).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("recipe = ")).collect();
    let nobody = "0".repeat(64);
    let line = format!("collector = \"web\"\nrecipe = {{ file = \"harbour.toml\", digest = \"{nobody}\" }}");
    let with = kept.join("\n").replace("collector = \"web\"", &line) + "\n";
    fs::write(&file, &with).unwrap();
    let refused = world.vigie(&["policy", "check"]).exits(1).said();
    let (_, hint) = refused.split_once("write `digest = \"").unwrap_or_else(|| panic!("{refused}"));
    fs::write(&file, with.replace(&nobody, hint.get(..64).unwrap())).unwrap();
    world.vigie(&["policy", "check"]).ok();
}

fn sign(world: &World) {
    for who in ["alice", "bob"] {
        let key = world.key(who);
        world.vigie(&["policy", "sign", "--yes", "--key", key.to_str().unwrap()]).ok();
    }
}

/// Signs, and lets the agent hear of it.
fn sign_for(world: &World, agent: &tests::Agent) {
    sign(world);
    // Its code says that robots.txt is not known yet.
    let _ = agent.plan();
}

fn records(world: &World, source: &str) -> Vec<Value> {
    let hits = world.search(&format!("source:{source}"));
    hits.iter().map(|hit| world.show(hit["id"].as_str().unwrap())).collect()
}

fn titles(records: &[Value]) -> BTreeSet<String> {
    let current =
        |record: &Value| record["revisions"].as_array()?.last()?["record"]["title"].as_str().map(ToOwned::to_owned);
    records.iter().map(|record| current(record).unwrap_or_else(|| panic!("{record:#}"))).collect()
}

#[test]
fn a_site_is_collected_by_the_recipe_that_was_signed_and_by_no_other() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let site = FileSite::start(folder.path(), exhibit::Headers::new()).unwrap();
    let mut world = World::with(&[Source::new("harbour", site.base_url(), "/news.html").read_by("web")]);
    let agent = world.agent_of("web");

    let unsigned = agent.plan().exits(3).said();
    assert!(unsigned.contains("works by recipes, and the entry names none"), "{unsigned}");

    name_recipe(&world, RECIPE);
    let resting = agent.once().said();
    assert!(resting.contains("the entry names none"), "what is signed still names none: {resting}");
    assert!(site.log().is_empty(), "nobody approved the recipe yet: {resting}");
    sign_for(&world, &agent);
    let said = agent.once().ok().said();
    let _ = world.settled();
    let found = records(&world, "harbour");
    let wanted = ["Cranes arrive", "Ferry timetable", "Les grues arrivent", "New lights"];
    assert_eq!(titles(&found), wanted.map(ToOwned::to_owned).into(), "{said}");
    let coverage = world.vigie(&["coverage", "--json", "harbour"]).ok().out;
    assert!(coverage.contains("\"unreadable\":1"), "what was withheld is counted: {coverage}\n{said}");
    let french = found.iter().find(|record| record.to_string().contains("Les grues")).unwrap();
    let relation = &french["revisions"][0]["record"]["relations"][0];
    assert_eq!(relation["kind"], "translation_of");
    assert!(relation["to"].as_str().unwrap().ends_with("/cranes.html"), "{relation}");
    assert_eq!(
        french["revisions"][0]["record"]["published_at"]["at"], "2026-10-01T13:30:00Z",
        "the recipe names the zone"
    );

    // Nothing new: the first page alone is asked for.
    let before = site.log().len();
    agent.once().ok();
    let again: Vec<String> = site.log().split_off(before).into_iter().map(|seen| seen.path).collect();
    assert_eq!(again, ["/news.html"]);

    // The file beside the allowlist is changed, and nobody signs: the agent goes on by what was signed, and the check refuses.
    fs::write(world.unit().join("harbour.toml"), RECIPE.replace("h1", "h2")).unwrap();
    world.vigie(&["policy", "check"]).exits(1);
    let key = world.key("alice");
    world.vigie(&["policy", "sign", "--yes", "--key", key.to_str().unwrap()]).exits(1);
    agent.once().ok();
    let _ = world.settled();
    assert_eq!(titles(&records(&world, "harbour")), wanted.map(ToOwned::to_owned).into());

    world.holds("after the walk");
    world.stop();
}

#[test]
fn a_changed_recipe_makes_revisions_of_the_reader_beside_those_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let site = FileSite::start(folder.path(), exhibit::Headers::new()).unwrap();
    let mut world = World::with(&[Source::new("notice", site.base_url(), "/ferry.html").read_by("web")]);
    let agent = world.agent_of("web");
    let watched = "format = 1\n\n[article]\ntitle = \"h1\"\ntext = \"div.story\"\n";
    name_recipe(&world, watched);
    sign_for(&world, &agent);
    agent.once().ok();

    name_recipe(&world, &watched.replace("h1", "h2"));
    sign_for(&world, &agent);
    agent.once().ok();

    let text = article("en", "", "Ferry timetable", "The ferry leaves at ten.");
    fs::write(folder.path().join("ferry.html"), text).unwrap();
    agent.once().ok();
    let _ = world.settled();

    let found = records(&world, "notice");
    assert_eq!(found.len(), 1, "one page is one record, whoever reads it");
    let revisions = found[0]["revisions"].as_array().unwrap();
    let causes: Vec<(&str, &str)> = revisions
        .iter()
        .map(|revision| (revision["cause"].as_str().unwrap(), revision["record"]["title"].as_str().unwrap()))
        .collect();
    assert_eq!(
        causes,
        [("source", "Ferry timetable"), ("reader", "The harbour's desk"), ("source", "The harbour's desk")],
        "{revisions:#?}"
    );
    world.holds("after two recipes");
    world.stop();
}

/// Paths that a site was asked for, but robots.txt.
fn asked(site: &FileSite) -> Vec<String> {
    site.log().into_iter().map(|seen| seen.path).filter(|path| path != "/robots.txt").collect()
}

#[test]
fn what_a_site_reserves_by_its_file_is_asked_for_once_kept_and_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["reserved", ".well-known"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("news.html", &listing(&["reserved/cranes", "ferry"], ""));
    put("reserved/cranes.html", &article("en", "", "Cranes arrive", "Two cranes arrived by sea."));
    put("ferry.html", &article("en", "", "Ferry timetable", "The ferry leaves at nine."));
    let terms = "https://harbour.example.org/terms.json";
    let rule = format!("[{{\"location\": \"/reserved/\", \"tdm-reservation\": 1, \"tdm-policy\": \"{terms}\"}}]");
    put(".well-known/tdmrep.json", &rule);
    let site = FileSite::start(folder.path(), exhibit::Headers::new()).unwrap();
    let mut world = World::with(&[Source::new("harbour", site.base_url(), "/news.html").read_by("web")]);
    let agent = world.agent_of("web");
    name_recipe(&world, RECIPE);
    sign_for(&world, &agent);

    let tried = agent.tries(&format!("{}/reserved/cranes.html", site.base_url()), "article").ok().said();
    assert!(tried.contains("`/reserved/` reserves text and data mining here"), "{tried}");
    assert!(tried.contains("the site's tdmrep.json reserves text and data mining"), "{tried}");
    let before = asked(&site).len();
    agent.once().ok();
    agent.once().ok();
    let paths = asked(&site).split_off(before);
    let of_file = paths.iter().filter(|path| *path == "/.well-known/tdmrep.json").count();
    assert_eq!((paths[0].as_str(), of_file), ("/.well-known/tdmrep.json", 1), "once, and before any page: {paths:?}");
    let _ = world.settled();

    let found = records(&world, "harbour");
    let current = |title: &str| {
        let of = |record: &&Value| record["revisions"][0]["record"]["title"] == title;
        found.iter().find(of).unwrap_or_else(|| panic!("{found:#?}"))["revisions"][0]["record"].clone()
    };
    let (closed, open) = (current("Cranes arrive"), current("Ferry timetable"));
    assert_eq!((&closed["text"], &closed["links"]), (&Value::Null, &Value::Null), "{closed:#}");
    assert_eq!(closed["extra"]["tdm_reservation"], terms);
    assert_eq!(closed["extra"]["tdm_said_by"], "tdmrep.json");
    assert_eq!(open["text"], "The ferry leaves at nine.");
    assert_eq!(open["extra"]["tdm_reservation"], Value::Null);

    world.holds("with a reserved page");
    world.stop();
    let web = program("vigie-web");
    let again = world.vigie(&["rederive", "--all", "--json", "--with", web.to_str().unwrap()]).ok().json();
    assert_eq!((&again["segments_that_differ"], &again["equal"]), (&0.into(), &again["lines"]), "{again}");
    assert!(again["lines"].as_u64().unwrap() > 4, "{again}");
}

#[test]
fn a_newsroom_of_the_exhibit_is_read_by_its_front_page_and_by_its_sitemap() {
    let exhibit = Exhibit::start(Options::only(&["harbour"])).unwrap();
    let url = exhibit.url("harbour").to_owned();
    let mut world = World::with(&[Source::new("front", &url, "/").read_by("web")]);
    name_recipe(&world, "format = 1\n\n[list]\nitem = \"body > ul > li\"\n");
    sign(&world);
    world.agent_of("web").once().ok();
    let _ = world.settled();
    let truth = exhibit.truth_of("harbour");
    let found = titles(&records(&world, "front"));
    let listed = truth.entries.iter().filter_map(|entry| Some(entry.wordings.last()?.title.clone()));
    let listed: BTreeSet<String> = listed.collect();
    assert!(!found.is_empty() && found.is_subset(&listed), "{found:?}\n{listed:?}");
    name_recipe(&world, "format = 1\n\n[sitemap]\nonly = [\"/articles/\"]\n");
    world.stop();
}

#[test]
fn the_recipe_of_a_starter_source_is_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("euvsdisinfo-cases.toml");
    let written =
        Command::new(program("vigie")).args(["policy", "starters", "euvsdisinfo-cases", "--recipe"]).output().unwrap();
    assert!(written.status.success());
    fs::write(&file, &written.stdout).unwrap();
    let checked = Command::new(program("vigie-web")).args(["recipe", "check"]).arg(&file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
