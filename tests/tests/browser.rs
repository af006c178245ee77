//! What do people see in a real browser? Every page in Chromium: three widths, two languages, with and without scripts, light and dark;
//! the five questions from the pages alone; keyboard, scripts from the right, paper, forced colours; and axe's judgement of all of it.
//!
//! `VIGIE_SHOTS=FOLDER` keeps a picture of every page.

#![expect(clippy::unwrap_used, reason = "a test says best where it stands that something is missing")]

#[path = "browser/weeks.rs"]
mod weeks;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use exhibit::{Exhibit, FileSite, Headers, Options};
use schemas::Digest;
use serde_json::{Value, json};
use tests::{Source, World, long, skipped};
use weeks::Weeks;

/// A feed of our own: its bytes are known to the last one.
const FEED: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<id>tag:quay.example.org,2026:feed</id><title>Quay notices</title><updated>2026-11-20T09:00:00Z</updated>
<entry><id>tag:quay.example.org,2026:1</id><title>Lantern drill at the breakwater</title><updated>2026-11-20T09:00:00Z</updated>
<author><name>Quay office</name></author><content type="text">The lanterns of the breakwater are lit at noon for a drill.</content></entry>
<entry xml:lang="fa"><id>tag:quay.example.org,2026:2</id><title>تمرین فانوس در موج‌شکن</title><updated>2026-11-19T09:00:00Z</updated>
<content type="text">فانوس‌های موج‌شکن ظهر روشن می‌شوند.</content></entry>
</feed>
"#;
const ROBOTS: &str = "# notices are for everybody\nUser-agent: *\nDisallow: /private/\nAllow: /\n";

/// A browser and what drives it; none of them is part of Vigie.
fn tools() -> Result<(PathBuf, PathBuf), &'static str> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    let chromium = named.into_iter().chain(known).find(|file| file.exists()).ok_or("chromium")?;
    if !Command::new("node").arg("--version").output().is_ok_and(|said| said.status.success()) {
        return Err("node");
    }
    if !folder.join("node_modules/puppeteer-core").exists() || !folder.join("node_modules/axe-core").exists() {
        return Err("`npm ci` in tests/browser");
    }
    Ok((chromium, folder))
}

#[test]
fn pages_hold_in_a_real_browser() {
    let (chromium, folder) = match tools() {
        Ok(found) => found,
        Err(missing) => return skipped("pages_hold_in_a_real_browser", missing),
    };
    let weeks = weeks::weeks();
    let site = tempfile::tempdir().unwrap();
    fs::write(site.path().join("notices.atom"), FEED).unwrap();
    fs::write(site.path().join("robots.txt"), ROBOTS).unwrap();
    let quay = FileSite::start(site.path(), Headers::new()).unwrap();
    let exhibit = Exhibit::start(Options::only(&["harbour", "closed", "moved", "broken-robots", "wall"])).unwrap();
    let mut world = live(&exhibit, &quay);
    let closed = weeks::closed();
    let found = look(&chromium, &folder, (&weeks, &closed), &world);
    println!("browser: {found}");
    // The bundle that the pages gave proves the record on its own.
    let verdict = world.verify(&world.scratch().join("page.vigie-bundle")).exits(7);
    assert!(verdict.out.contains("TRIAL: VALID"), "{}", verdict.said());
    world.stop();
}

/// Real processes: a registry and an agent that looked twice.
fn live(exhibit: &Exhibit, quay: &FileSite) -> World {
    let mut sources: Vec<Source> =
        exhibit.listing().newsrooms.iter().map(|place| Source::new(&place.name, &place.url, &place.feed)).collect();
    sources.push(Source::new("quay", quay.base_url(), "/notices.atom"));
    let world = World::with(&sources);
    for _ in 0..2 {
        world.agent().once().exits(3);
        exhibit.advance();
    }
    let _ = world.settled();
    world
}

fn look(chromium: &Path, folder: &Path, (weeks, closed): (&Weeks, &Weeks), world: &World) -> Value {
    let (past, live) = (format!("http://{}", weeks.address), format!("http://{}", world.listen()));
    let closed = format!("http://{}", closed.address);
    let record = |name: &str| {
        let (_, path) = weeks.records.iter().find(|(known, _)| *known == name).unwrap();
        format!("{past}{path}")
    };
    let page = |name: &str, url: String, status: u16| json!({ "name": name, "url": url, "status": status });
    let pages = vec![
        page("search", format!("{past}/"), 200),
        page("search-words", format!("{past}/?q=harbour"), 200),
        page("search-nothing", format!("{past}/?q=zebra"), 200),
        page("search-wrong", format!("{past}/?q=colour:red"), 400),
        page("search-hostile", format!("{past}/?q=exe"), 200),
        page("record-arabic", record("arabic"), 200),
        page("record-hebrew", record("hebrew"), 200),
        page("record-hostile", record("hostile"), 200),
        page("record-long", record("long"), 200),
        page("record-account", record("account"), 200),
        page("record-revised", record("revised"), 200),
        page("record-erased", record("erased"), 410),
        page("sources", format!("{past}/sources"), 200),
        page("source", format!("{past}/sources/harbour"), 200),
        page("source-day", format!("{past}/sources/ferry?day=2026-11-18"), 200),
        page("source-unsigned", format!("{past}/sources/council"), 200),
        page("coverage", format!("{past}/coverage"), 200),
        page("refusals-none", format!("{past}/denials"), 200),
        page("refusals", format!("{live}/denials"), 200),
        page("refusals-one", format!("{live}/denials?code=robots"), 200),
        page("agents", format!("{past}/agents"), 200),
        page("agents-live", format!("{live}/agents"), 200),
        page("trial", format!("{live}/"), 200),
        page("sign-in", format!("{closed}/sources"), 200),
        page("nowhere", format!("{past}/nowhere"), 404),
    ];
    let bundle = world.scratch().join("page.vigie-bundle");
    let plan = json!({
        "chromium": chromium,
        "origins": [past, live, closed],
        "long": long(),
        "shots": std::env::var("VIGIE_SHOTS").ok(),
        "pages": pages,
        "walk": { "search": format!("{past}/?q=harbour"), "record": record("revised"), "calendar": format!("{past}/coverage") },
        "rtl": [record("arabic"), record("hebrew"), format!("{past}/?q=lang:ar"), format!("{past}/?q=%D8%A7%D9%84%D9%85%D9%8A%D9%86%D8%A7%D8%A1")],
        "questions": {
            "start": format!("{live}/"),
            "words": "lantern drill source:quay",
            "answers": {
                "allowed": ["bob.demo approved", "quay", "alice.demo had asked", "showing what Vigie does", "From the signed statements, the decision comes out the same"],
                "robots": ["allows this address", "Allow: /", "4"],
                "bytes": ["received on", "/notices.atom", "200"],
                "reader": ["feed 0.1.0", Digest::of(&fs::read(tests::program("vigie-feed")).unwrap()).to_string()],
                "changed": ["Nothing was changed or removed", "as leaf"],
            },
            "body": Digest::of(FEED.as_bytes()).to_string(),
            "robots": Digest::of(ROBOTS.as_bytes()).to_string(),
            "bundle": bundle,
        },
    });
    let file = world.scratch().join("plan.json");
    fs::write(&file, plan.to_string()).unwrap();
    let said = Command::new("node").arg(folder.join("run.mjs")).arg(&file).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}\n{err}");
    serde_json::from_str(&out).unwrap()
}
