//! Does the demonstration tell its story within a minute, and does every page it names show what it says?

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use tests::{get, program};

/// What a visitor is to see, and a word that the page must hold.
const CHAPTERS: [(&str, &str); 8] = [
    ("permitted", "harbour"),
    ("collecting", "harbour"),
    ("refused", "robots.txt"),
    ("gap", "partial"),
    ("edited", "2"),
    ("wave", "mirror-b"),
    ("withdrawn", "withdr"),
    ("proof", "robots.txt"),
];

#[test]
fn the_demonstration_tells_its_story_and_every_page_it_names_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(program("vigie"))
        .args(["up", "--demo", "--tick", "2", "--listen", "127.0.0.1:0", "--for", "120", "--folder"])
        .arg(folder.path().join("unit"))
        .env("VIGIE_LOG", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BTreeMap::new();
    let mut said = String::new();
    let mut chapter = None;
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some((name, _)) = words.get(1).and_then(|word| CHAPTERS.iter().find(|(name, _)| name == word)) {
            chapter = Some(*name);
        } else if let (Some(url), Some(name)) = (line.trim().strip_prefix("http://"), chapter.take()) {
            let (host, page) = url.split_once('/').unwrap();
            told.insert(name, get(host.parse().unwrap(), &format!("/{page}")).unwrap());
        }
        if line.contains("erase one") {
            Command::new("kill").arg("-TERM").arg(demo.id().to_string()).status().unwrap();
        }
    }
    assert!(demo.wait().unwrap().success(), "{said}");
    for (name, word) in CHAPTERS {
        let page = told.get(name).unwrap_or_else(|| panic!("nothing was told of `{name}`:\n{said}"));
        assert_eq!(page.status, 200, "{name}:\n{said}");
        assert!(page.text().contains(word), "the page of `{name}` does not show `{word}`:\n{said}\n{}", page.text());
        assert!(page.text().contains("TRIAL"), "the page of `{name}` does not say that it is a trial");
    }
}
