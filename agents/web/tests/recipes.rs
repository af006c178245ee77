//! Is whoever writes a recipe told where it is wrong, and what it makes of a page?

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the program and reads fixtures; the collector does neither"
)]

use std::{fs, path::Path, process::Command};

use web::recipe::Recipe;

/// Problems of a recipe, as they are shown.
fn wrong(text: &str) -> String {
    let problems = Recipe::read(text, "site.toml").expect_err(text);
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn every_mistake_names_file_line_and_remedy() {
    let cases = [
        ("", "site.toml:", "the key `format` is missing"),
        ("format = 2\n", "site.toml:1:", "this release reads `format = 1`"),
        ("format = 1\n\n[list]\nitems = \"li\"\n", "site.toml:4:", "unknown key `items`"),
        ("format = 1\n[list]\nnext = \"a\"\n", "site.toml:2:", "the key `item` is missing"),
        ("format = 1\n[list]\nitem = \"li[\"\n", "site.toml:3:", "`list.item`: `li[` is no CSS selector"),
        ("format = 1\n[list]\nitem = \"li:contains(a)\"\n", "site.toml:3:", "`:contains` and `::text` are no CSS"),
        (
            "format = 1\n[article]\nremove = [\n  \"aside\",\n  \"..x\",\n]\n",
            "site.toml:5:",
            "`..x` is no CSS selector",
        ),
        ("format = 1\n[article]\ntitle = { css = \"h1\", first = 1 }\n", "site.toml:3:", "unknown key `first`"),
        ("format = 1\n[article]\ntitle = 5\n", "site.toml:3:", "a selector in quotes"),
        ("format = 1\nzone = \"Ottawa\"\n", "site.toml:2:", "`America/Toronto`"),
        ("format = 1\ndates = \"dmy\"\n", "site.toml:2:", "`day/month/year`"),
        ("format = 1\nkind = \"post\"\n", "site.toml:2:", "write `article`"),
        ("format = 1\nlanguages = [\"fr\", \"in French\"]\n", "site.toml:2:", "`in French` is no language tag"),
        ("format = 1\n[list]\nitem = \"li\"\n[sitemap]\n", "site.toml:4:", "not both"),
        ("format = 1\n[list]\nitem = \"li\"\ntitle = \"h2\"\n", "site.toml:4:", "`follow = false`"),
        ("format = 1\n[list]\nitem = \"li\"\nfollow = false\n", "site.toml:3:", "add `title"),
        ("format = 1\n[sitemap]\nonly = [\"en\"]\n", "site.toml:3:", "write it as `/en/news/`"),
        ("format = 1\n[sitemap]\ndays = 0\n", "site.toml:3:", "1 to 3,650"),
        (
            "format = 1\n[article]\ntext = { css = \"main\", after = \"By\" }\n",
            "site.toml:3:",
            "`article.text` takes the text of whole",
        ),
        (
            "format = 1\n[list]\nitem = \"li\"\ntext = \"p @title\"\n",
            "site.toml:4:",
            "`list.text` takes the text of whole",
        ),
        ("format = 1\n[extra]\nrobots = \"p\"\n", "site.toml:3:", "cannot be a field's name"),
    ];
    for (text, place, words) in cases {
        let said = wrong(text);
        assert!(said.contains(place) && said.contains(words) && said.contains("\nhint: "), "{text}\n{said}");
    }
    let all = wrong("format = 1\nzone = \"Ottawa\"\n[list]\nitem = \"li[\"\nnext = \"a[\"\n");
    assert_eq!(all.matches("error: ").count(), 3, "all of them at once: {all}");
    let all = wrong(
        "zone = \"Ottawa\"\nlang = \"en\"\n[list]\nnxt = \"a\"\nnone = \"p[\"\n[article]\ntitle = 5\nplace = { css = \"p\", aftr = \"x\" }\ntext = \"p::text\"\n",
    );
    assert_eq!(all.matches("error: ").count(), 9, "unreadable keys hide nothing: {all}");
    for words in ["`format` is missing", "`item` is missing", "did you mean `next`?", "did you mean `after`?"] {
        assert!(all.contains(words), "{words}: {all}");
    }
    let all = wrong("format = 1\n[list]\nitem = 5\nnext = \"a[\"\n");
    assert!(all.matches("error: ").count() == 2 && !all.contains("missing"), "told once: {all}");
    assert!(wrong("format = 1\nzone = \"a\n").contains("there may be more"));
    for inner in ["eport this", "Unsupported", "Dangling", "EOL"] {
        let all = wrong("format = 1\n[article]\ntitle = \"p::text\"\ntext = \"p >\"\nremove = [\"p[\", \"a @\"]\n");
        assert!(!all.contains(inner), "`{inner}` is another program's word: {all}");
    }
    let all = wrong("format = 1\nlanguage = \"english\"\n");
    assert!(all.contains("`english` is no language tag\nhint: write `en`\n"), "{all}");
}

#[test]
fn a_try_names_marks_that_nothing_holds_and_makes_addresses_absolute() {
    let folder = std::env::temp_dir().join(format!("vigie-web-marks-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let (recipe, page) = (folder.join("marks.toml"), folder.join("page.html"));
    let written = "format = 1\n[list]\nitem = \"ul.none > li\"\n[article]\ntitle = \"h1\"\ntext = \"div\"\nplace = { css = \"p\", after = \"Place:\" }\n\
                   [extra]\nkeyword = { css = \"p\", after = \"Keyword:\" }\nfile = \"a.file @href\"\n";
    fs::write(&recipe, written).expect("a recipe");
    let text = "<html><body><h1>Title</h1><div>Text of the page</div><p>One</p><p>Place: Pier 4</p><a class=file href=/a.pdf>File</a></body></html>";
    fs::write(&page, text).expect("a page");
    let (recipe, page) = (recipe.display().to_string(), page.display().to_string());
    let at = ["try", "https://www.example.org/news/1", "--recipe", &recipe, "--file", &page];
    let (code, said) = tried(&at);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("read as a list; for an item's page add `--as article`"), "{said}");
    let (code, said) = tried(&[&at[..], &["--as", "article"]].concat());
    fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("1 of 2 matches") && said.contains("2 matches, none holds `Keyword:`"), "{said}");
    assert_eq!(said.matches("https://www.example.org/a.pdf").count(), 2, "shown and kept: {said}");
    assert!(!said.contains("for an item's page"), "{said}");
}

fn tried(arguments: &[&str]) -> (Option<i32>, String) {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let output = Command::new(env!("CARGO_BIN_EXE_vigie-web")).current_dir(case).arg("recipe").args(arguments).output();
    let output = output.expect("the program runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

#[test]
fn a_try_says_what_each_part_found_and_what_a_run_would_make_of_it() {
    let at = "https://news.harbour.example.org/en/news/";
    let recipe = ["--recipe", "harbour/recipe.toml"];
    let (code, said) = tried(&["try", at, recipe[0], recipe[1], "--file", "harbour/page-1.html"]);
    assert_eq!(code, Some(0), "{said}");
    for words in [
        "nothing was sent",
        "read as  list",
        "list.item",
        "line 7",
        "2 matches",
        "in 2 of 2 items",
        "follow   2 pages",
        "https://news.harbour.example.org/en/news/cranes, once",
        "go on    1 page",
        "while the page lists something new",
    ] {
        assert!(said.contains(words), "`{words}` is not in:\n{said}");
    }
    let (code, said) = tried(&["try", at, recipe[0], recipe[1], "--as", "article", "--file", "harbour/cranes.html"]);
    assert_eq!(code, Some(0), "{said}");
    for words in ["read as  article", "Cranes arrive", "2026-11-20T15:00:00Z", "office", "Pier 4", "TranslationOf"] {
        assert!(said.contains(words), "`{words}` is not in:\n{said}");
    }
    let (code, said) = tried(&["try", at, recipe[0], recipe[1], "--file", "odd/changed.html"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("! list.item") && said.contains("nothing") && said.contains("! halt"), "{said}");
    let (code, said) = tried(&["try", at, recipe[0], recipe[1], "--as", "sitemap", "--file", "odd/changed.html"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--as takes list, article"), "{said}");
}

#[test]
fn a_check_gives_the_line_for_the_allowlist_or_every_problem() {
    let (code, said) = tried(&["check", "harbour/recipe.toml"]);
    assert_eq!(code, Some(0), "{said}");
    let text = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/harbour/recipe.toml")).expect("a file");
    let line = format!("recipe = {{ file = \"recipe.toml\", digest = \"{}\" }}", schemas::Digest::of(&text));
    assert!(said.contains(&line), "{said}");
    let (code, said) = tried(&["check", "harbour/recipe.toml", "--json"]);
    assert!(code == Some(1) && said.contains("leave `--json` out") && !said.contains("no problems"), "{said}");
    let (code, said) = tried(&["check", "harbour/cranes.html"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error: harbour/cranes.html:1:"), "{said}");
}
