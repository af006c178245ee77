//! Is an article's text, title, date and author what Mozilla's Readability expects of its own test pages, and at least what the best of
//! the extraction libraries finds in them?
//!
//! Runs over `../shared/real/articles`; `cargo test -p web --test articles -- --nocapture` prints the table. Where Python has trafilatura,
//! readability-lxml and newspaper4k (`target/venv`, filled by `.ci/run`), they read the same files in the same run and are scored by the
//! same code (`compare/articles.py` only asks them). `dom_smoothie` alone, the scorer inside ours, is shown beside them, not as a peer.
//!
//! How it is scored. Text as in article-extraction-benchmark: runs of word letters are tokens, four in a row a shingle; shingles are compared
//! as multisets; each page counts the same (its true, false and missed shingles are shares of their sum), precision and recall are of the
//! sums. HTML, expected or a peer's, becomes text by one function here. Titles are equal once spaces are collapsed, an empty one equals none. A date is
//! equal as an instant, or as a local time where the expectation has no zone; by day, its first ten characters are. Authors are
//! *exact* where the names joined with commas are the expected byline once spaces are collapsed, and *named* where the byline, less "By" or
//! "Par", begins with the first name and contains all others. Where the expectation has no author (or date), saying none is equal.
//!
//! What this does not show: the expectations are the output of Readability, reviewed by its authors, so extractors that follow its rules
//! do well here. Some are odd and are counted as they are: bylines with a date or an outlet in them, the byline of a related article
//! (`liberation-1`), none where JSON-LD names an author (`tumblr`), titles with the site's name left in, no date where the page shows one.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads fixtures and asks other programs; the collector does neither"
)]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use scraper::{Html, Node};
use serde_json::Value;
use url::Url;
use web::article::{self, Page};

/// Below these, in permille, or in cases for the columns that count, something was lost that worked.
const FLOORS: Row =
    Row { precision: 990, recall: 990, f1: 990, titles: 24, exact_authors: 19, named_authors: 22, dates: 22, days: 22 };

/// What somebody says of one page.
#[derive(Clone, Debug, Default)]
struct Answer {
    text: String,
    title: String,
    /// A second try at the title; the better of both counts.
    short_title: Option<String>,
    authors: Vec<String>,
    published: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Row {
    precision: u32,
    recall: u32,
    f1: u32,
    titles: u32,
    exact_authors: u32,
    named_authors: u32,
    dates: u32,
    days: u32,
}

impl Row {
    fn columns(&self) -> [(&'static str, u32); 8] {
        [
            ("precision", self.precision),
            ("recall", self.recall),
            ("F1", self.f1),
            ("title", self.titles),
            ("author exact", self.exact_authors),
            ("author named", self.named_authors),
            ("date", self.dates),
            ("day", self.days),
        ]
    }
}

struct Case {
    name: String,
    source: String,
    expected: Answer,
}

#[test]
fn articles_are_read_at_least_as_well_as_by_the_best_library() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let folder = root.join("../shared/real/articles");
    if !folder.is_dir() {
        skipped("../shared/real/articles is not here");
        return;
    }
    let cases = cases(&folder);
    assert!(cases.len() >= 24, "{} cases", cases.len());
    let ours: BTreeMap<String, Answer> = cases.iter().map(|case| (case.name.clone(), ours(case))).collect();
    let engine: BTreeMap<String, Answer> = cases.iter().map(|case| (case.name.clone(), engine(case))).collect();
    let peers = peers(root, &folder);

    let mut table = format!("{} pages\n{:<18}", cases.len(), "");
    for (column, _) in FLOORS.columns() {
        let _ = write!(table, "{column:>14}");
    }
    table.push('\n');
    let row = score(&cases, &ours);
    line(&mut table, "ours", row);
    let peer_rows: Vec<(&str, Row)> =
        peers.iter().map(|(name, answers)| (name.as_str(), score(&cases, answers))).collect();
    for (name, peer) in &peer_rows {
        line(&mut table, name, *peer);
    }
    line(&mut table, "(dom_smoothie)", score(&cases, &engine));
    table.push_str(&differences(&cases, &ours));
    println!("{table}");

    for ((column, found), (_, floor)) in row.columns().into_iter().zip(FLOORS.columns()) {
        assert!(found >= floor, "{column}: {found}, the floor is {floor}\n{table}");
    }
    for (name, peer) in peer_rows {
        for ((column, found), (_, theirs)) in row.columns().into_iter().zip(peer.columns()) {
            assert!(found >= theirs, "{column}: {found}, {name} has {theirs}\n{table}");
        }
    }
}

#[test]
fn real_pages_cut_anywhere_are_read_alike_twice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let folder = root.join("../shared/real/articles");
    if !folder.is_dir() {
        skipped("../shared/real/articles is not here");
        return;
    }
    let url = Url::parse("http://fakehost/test/page.html").unwrap();
    for case in cases(&folder).into_iter().filter(|case| case.source.len() < 50_000) {
        for tenth in [3, 7, 10] {
            let mut end = case.source.len() * tenth / 10;
            while !case.source.is_char_boundary(end) {
                end -= 1;
            }
            let cut = &case.source[..end];
            let first = article::extract(&Page::read(cut, &url));
            assert!(first == article::extract(&Page::read(cut, &url)), "{} cut at {end}", case.name);
        }
    }
}

/// Written past the capture of test output: what was skipped is said even where the test passes.
fn skipped(why: &str) {
    assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none(), "{why}");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: articles: {why}\n").as_bytes());
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
        .into_iter()
        .map(|folder| {
            let read = |name: &str| String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap()).into_owned();
            let said: Value = serde_json::from_str(&read("expected-metadata.json")).unwrap();
            let text = |key: &str| said[key].as_str().map(collapsed).filter(|text| !text.is_empty());
            Case {
                name: folder.file_name().unwrap().to_string_lossy().into_owned(),
                source: read("source.html"),
                expected: Answer {
                    text: text_of(&read("expected.html")),
                    title: text("title").unwrap_or_default(),
                    short_title: None,
                    authors: text("byline").into_iter().collect(),
                    published: text("publishedTime"),
                },
            }
        })
        .collect()
}

fn ours(case: &Case) -> Answer {
    let url = Url::parse("http://fakehost/test/page.html").unwrap();
    let page = Page::read(&case.source, &url);
    let article = article::extract(&page);
    Answer {
        text: article.body.text,
        title: article.about.title.map(|title| title.value).unwrap_or_default(),
        short_title: None,
        authors: article.about.authors.into_iter().filter_map(|author| author.name.or(author.handle)).collect(),
        published: article.about.published.map(|date| date.value.raw),
    }
}

fn engine(case: &Case) -> Answer {
    let read = dom_smoothie::Readability::new(case.source.as_str(), None, None).and_then(|mut page| page.parse());
    let Ok(article) = read else { return Answer::default() };
    Answer {
        text: text_of(&article.content),
        title: article.title,
        short_title: None,
        authors: article.byline.into_iter().collect(),
        published: article.published_time,
    }
}

/// The libraries' answers by name; none where Python has not all of them.
fn peers(root: &Path, folder: &Path) -> BTreeMap<String, BTreeMap<String, Answer>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let own = target.join("venv/bin/python3");
    let python = [own.as_path(), Path::new("python3")].into_iter().find(|python| {
        let asked = Command::new(python).args(["-c", "import trafilatura, readability, newspaper"]).output();
        asked.is_ok_and(|answer| answer.status.success())
    });
    let Some(python) = python else {
        skipped("peers: Python has not trafilatura, readability-lxml and newspaper4k");
        return BTreeMap::new();
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("compare/articles.py");
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("peers.json");
    let run = Command::new(python).arg(script).arg(folder).arg(&out).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said: Value = serde_json::from_slice(&fs::read(out).unwrap()).unwrap();
    println!("versions: {}", said["versions"]);
    let answers = said["answers"].as_object().unwrap();
    answers
        .iter()
        .map(|(name, pages)| {
            let pages = pages.as_object().unwrap().iter().map(|(case, said)| (case.clone(), answer(said))).collect();
            (name.clone(), pages)
        })
        .collect()
}

fn answer(said: &Value) -> Answer {
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    Answer {
        text: text("text").or_else(|| text("html").map(|html| text_of(&html))).unwrap_or_default(),
        title: text("title").unwrap_or_default(),
        short_title: text("short_title"),
        authors: said["authors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        published: text("published"),
    }
}

/// HTML as text: all of it, with a break at every element that is not part of a line.
fn text_of(html: &str) -> String {
    const INLINE: &[&str] = &[
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark",
        "q", "s", "samp", "small", "span", "strong", "sub", "sup", "tt", "u", "var", "wbr",
    ];
    let page = Html::parse_document(html);
    let mut text = String::new();
    for edge in page.tree.root().traverse() {
        let (node, opens) = match edge {
            ego_tree::iter::Edge::Open(node) => (node, true),
            ego_tree::iter::Edge::Close(node) => (node, false),
        };
        match node.value() {
            Node::Text(part) if opens => text.push_str(part),
            Node::Element(element) if !INLINE.contains(&element.name()) => text.push('\n'),
            _ => {}
        }
    }
    text
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shingles(text: &str) -> BTreeMap<Vec<&str>, u32> {
    let tokens: Vec<&str> = text
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .filter(|token| !token.is_empty())
        .collect();
    let mut found = BTreeMap::new();
    let wide = tokens.len().clamp(1, 4);
    for shingle in tokens.windows(wide) {
        *found.entry(shingle.to_vec()).or_insert(0) += 1;
    }
    found
}

/// True, false and missed shingles, as shares of their sum.
fn shares(expected: &str, found: &str) -> [f64; 3] {
    let (expected, found) = (shingles(expected), shingles(found));
    let both: u32 = expected.iter().map(|(shingle, count)| *count.min(found.get(shingle).unwrap_or(&0))).sum();
    let (all_expected, all_found): (u32, u32) = (expected.values().sum(), found.values().sum());
    let counts = [both, all_found - both, all_expected - both].map(f64::from);
    let sum: f64 = counts.iter().sum();
    counts.map(|count| if sum > 0.0 { count / sum } else { 0.0 })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares are between 0 and 1")]
fn permille(share: f64) -> u32 {
    (share * 1000.0).round() as u32
}

fn score(cases: &[Case], answers: &BTreeMap<String, Answer>) -> Row {
    let mut row = Row::default();
    let mut sums = [0.0_f64; 3];
    for case in cases {
        let answer = answers.get(&case.name).cloned().unwrap_or_default();
        for (sum, share) in sums.iter_mut().zip(shares(&case.expected.text, &answer.text)) {
            *sum += share;
        }
        row.titles += u32::from(same_title(&case.expected, &answer));
        row.exact_authors += u32::from(exact_authors(&case.expected, &answer));
        row.named_authors += u32::from(named_authors(&case.expected, &answer));
        row.dates += u32::from(same_date(&case.expected, &answer));
        row.days += u32::from(same_day(&case.expected, &answer));
    }
    let [hit, wrong, missed] = sums;
    let (precision, recall) = (hit / (hit + wrong), hit / (hit + missed));
    row.precision = permille(precision);
    row.recall = permille(recall);
    row.f1 = permille(2.0 * precision * recall / (precision + recall));
    row
}

fn same_title(expected: &Answer, answer: &Answer) -> bool {
    std::iter::once(&answer.title).chain(&answer.short_title).any(|title| collapsed(title) == expected.title)
}

fn exact_authors(expected: &Answer, answer: &Answer) -> bool {
    collapsed(&answer.authors.join(", ")) == expected.authors.first().cloned().unwrap_or_default()
}

fn named_authors(expected: &Answer, answer: &Answer) -> bool {
    let Some(byline) = expected.authors.first() else { return answer.authors.is_empty() };
    let bare = |text: &str| {
        let text = collapsed(text);
        ["By ", "Par "].iter().find_map(|by| text.strip_prefix(by)).unwrap_or(&text).to_owned()
    };
    let byline = bare(byline);
    let names: Vec<String> = answer.authors.iter().map(|name| bare(name)).collect();
    names.first().is_some_and(|first| byline.starts_with(first.as_str()))
        && names.iter().all(|name| byline.contains(name.as_str()))
}

fn same_date(expected: &Answer, answer: &Answer) -> bool {
    let read = |raw: &Option<String>| raw.as_deref().and_then(kit::dates::claimed).map(|claim| (claim.at, claim.local));
    read(&expected.published) == read(&answer.published)
}

fn same_day(expected: &Answer, answer: &Answer) -> bool {
    let day = |raw: &Option<String>| raw.as_deref().and_then(|raw| raw.get(..10)).map(str::to_owned);
    day(&expected.published) == day(&answer.published)
}

fn line(table: &mut String, name: &str, row: Row) {
    let _ = write!(table, "{name:<18}");
    for (column, value) in row.columns() {
        let permille = matches!(column, "precision" | "recall" | "F1");
        let shown = if permille { format!("{}.{:03}", value / 1000, value % 1000) } else { value.to_string() };
        let _ = write!(table, "{shown:>14}");
    }
    table.push('\n');
}

/// Where ours is not what was expected.
fn differences(cases: &[Case], ours: &BTreeMap<String, Answer>) -> String {
    let mut found = String::from("where ours differs:\n");
    for case in cases {
        let (expected, answer) = (&case.expected, &ours[&case.name]);
        let [hit, wrong, missed] = shares(&expected.text, &answer.text);
        if wrong + missed > 0.005 {
            let _ = writeln!(found, "  {}: text {hit:.3} true, {wrong:.3} false, {missed:.3} missed", case.name);
        }
        if !same_title(expected, answer) {
            let _ = writeln!(found, "  {}: title {:?}, expected {:?}", case.name, answer.title, expected.title);
        }
        if !exact_authors(expected, answer) {
            let _ = writeln!(found, "  {}: authors {:?}, expected {:?}", case.name, answer.authors, expected.authors);
        }
        if !same_date(expected, answer) {
            let _ =
                writeln!(found, "  {}: published {:?}, expected {:?}", case.name, answer.published, expected.published);
        }
    }
    found
}
