use std::{collections::BTreeSet, fs, path::Path};

use serde::Deserialize;

use super::*;

/// `assets/glossary.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Glossary {
    format: u32,
    term: Vec<Term>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    en: String,
    r#use: String,
    never: Vec<String>,
    r#where: Vec<String>,
}

fn glossary() -> Glossary {
    toml::from_str(include_str!("../../../assets/glossary.toml")).unwrap()
}

/// The source of a message, its plural forms included.
fn message(source: &str, key: &str) -> String {
    let mut lines = source.lines().skip_while(|line| !line.starts_with(&format!("{key} =")));
    let first = lines.next().unwrap_or_else(|| panic!("no message `{key}`"));
    let mut text = first.split_once('=').unwrap().1.to_owned();
    for line in lines.take_while(|line| line.starts_with(' ')) {
        text.push('\n');
        text.push_str(line);
    }
    text
}

/// A message without what stands for code: placeables, backticks, addresses of the query language.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut in_code = false;
    for (at, part) in text.split('`').enumerate() {
        in_code = at % 2 == 1;
        if !in_code {
            out.push_str(part);
        }
    }
    assert!(!in_code, "a backtick is not closed in {text}");
    for code in ["is:gone", "is:vanished", "source:…", "lang:…", "\"expression exacte\""] {
        out = out.replace(code, "");
    }
    let mut plain = String::new();
    let mut depth = 0;
    for c in out.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                plain.push('◌');
            }
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

#[test]
fn both_languages_have_the_same_keys_and_arguments() {
    assert_eq!(keys(Lang::En), keys(Lang::Fr));
    assert_eq!(keys(Lang::En).iter().collect::<BTreeSet<_>>().len(), keys(Lang::En).len(), "a key stands twice");
    for source in [ENGLISH, FRENCH] {
        assert!(FluentResource::try_new(source.to_owned()).is_ok());
    }
    let arguments = |source: &str, key: &str| -> BTreeSet<String> {
        let text = message(source, key);
        text.split('$').skip(1).map(|rest| rest.chars().take_while(char::is_ascii_lowercase).collect()).collect()
    };
    for key in keys(Lang::En) {
        // English may spell out `once` where French counts.
        let (english, french) = (arguments(ENGLISH, key), arguments(FRENCH, key));
        assert_eq!(english, french, "{key}");
    }
}

#[test]
fn every_key_that_templates_and_code_name_is_there() {
    let folder_of = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut named = BTreeSet::new();
    let mut files = Vec::new();
    for (folder, ends) in [("templates", "html"), ("src/pages", "rs"), ("src/pages/custody", "rs")] {
        let all = fs::read_dir(folder_of(folder)).unwrap().map(|file| file.unwrap().path());
        files.extend(all.filter(|path| path.extension().is_some_and(|end| end == ends)));
    }
    for file in files {
        // A call's key may stand on the next line.
        let text = fs::read_to_string(&file).unwrap();
        let text: Vec<&str> = text.split('(').map(str::trim_start).collect();
        let text = text.join("(").replace("f, \n", "f, ");
        let text = text.split("f,\n").map(str::trim_start).collect::<Vec<_>>().join("f, ");
        for call in [
            "f.t(\"",
            "f.n(\"",
            "f.w(\"",
            "f.say(\"",
            "plain(f, \"",
            "code(f, \"",
            "quote(f, \"",
            "put(\"",
            "asked.frame(\"",
            "written(\"",
            "titled(\"",
            "missing(\"",
        ] {
            named.extend(text.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    let known: BTreeSet<&str> = keys(Lang::En).into_iter().collect();
    let missing: Vec<_> = named.iter().filter(|key| !known.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(named.len() > 220, "the search for keys finds only {}", named.len());
}

#[test]
fn every_reason_to_refuse_is_explained_with_what_a_person_can_do() {
    let mut codes = BTreeSet::new();
    for schema in
        [schemars::schema_for!(schemas::gate::DecisionCode), schemars::schema_for!(schemas::leaf::RefusalCode)]
    {
        let schema = schema.to_value();
        let known = schema["oneOf"].as_array().unwrap();
        codes.extend(known.iter().map(|one| one["const"].as_str().unwrap().replace('_', "-")));
    }
    assert!(codes.len() > 20, "{codes:?}");
    for code in codes.iter().filter(|code| *code != "permitted") {
        for key in [format!("code-{code}"), format!("means-{code}"), format!("todo-{code}")] {
            assert!(knows(Lang::En, &key) && knows(Lang::Fr, &key), "{key}");
        }
    }
}

#[test]
fn every_mistake_in_a_query_is_said_in_both_languages() {
    use crate::search::{Query, query::Fault};
    let deep = format!("{}a", "(".repeat(40));
    let many = "a ".repeat(200);
    let long = "a".repeat(5000);
    let mut seen = BTreeSet::new();
    for query in [
        "a )",
        "a OR",
        &deep,
        "-",
        "(a",
        "NOT a",
        "a*b",
        "...",
        "lang:",
        &many,
        "\"a",
        "language:fr",
        "xyzzyx:1",
        "kind:x",
        "after:x",
        "seen:x",
        "seen:2026-10-05..2026-10-01",
        "link:",
        "link:http://",
        &long,
    ] {
        let why = Query::parse(query).unwrap_err();
        let code = why.fault.code();
        seen.insert(code);
        let english = plain(Lang::En, &format!("query-{code}"), &why.fault.args());
        let mut letters = english.trim_end_matches('.').chars();
        let english: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
        assert_eq!(english, why.message, "the pages' English is the interface's own");
        for key in [format!("query-{code}"), format!("query-{code}-hint")] {
            assert!(knows(Lang::Fr, &key) && knows(Lang::En, &key), "{key}");
            assert!(!plain(Lang::Fr, &key, &why.fault.args()).contains("{$"), "{key} lacks an argument");
        }
    }
    // One of each kind: whoever adds one adds its words.
    let all = |fault: &Fault| match fault {
        Fault::TooLong { .. } | Fault::StrayBracket | Fault::NoWord | Fault::TooDeep { .. } | Fault::LoneMinus => 5,
        Fault::OpenBracket | Fault::Not | Fault::StarInside { .. } | Fault::NoLetter { .. } | Fault::NoValue { .. } => {
            10
        }
        Fault::TooMany { .. } | Fault::OpenQuote | Fault::NoField { .. } | Fault::NotOneOf { .. } => 15,
        Fault::NoMoment { .. } | Fault::NoSpan { .. } | Fault::DaysTurned { .. } | Fault::NoHost { .. } => 19,
    };
    assert_eq!(seen.len(), all(&Fault::NoHost { value: String::new() }), "{seen:?}");
}

#[test]
fn counts_choose_their_form_and_are_grouped() {
    let count =
        |lang, count: u64| say(lang, "search-found", &[("count", count.into())]).replace(['\u{2068}', '\u{2069}'], "");
    assert_eq!(count(Lang::En, 0), "Nothing found");
    assert_eq!(count(Lang::En, 1), "1 record");
    assert_eq!(count(Lang::En, 12_345), "12,345 records");
    assert_eq!(count(Lang::Fr, 0), "Aucune fiche trouvée");
    assert_eq!(count(Lang::Fr, 1), "1 fiche");
    assert_eq!(count(Lang::Fr, 12_345), "12\u{a0}345 fiches");
}

#[test]
fn french_uses_the_terms_of_the_glossary_and_none_of_the_refused() {
    let glossary = glossary();
    assert_eq!(glossary.format, 1);
    for term in &glossary.term {
        for key in &term.r#where {
            let text = say(Lang::Fr, key, &[("count", 2_u64.into())]).to_lowercase();
            let wanted = term.r#use.trim_end_matches('s');
            assert!(text.contains(wanted), "{}: `{key}` does not say `{}`: {text}", term.en, term.r#use);
        }
        for key in keys(Lang::Fr) {
            let text = format!(" {} ", prose(&message(FRENCH, key))).to_lowercase();
            for never in &term.never {
                assert!(
                    !text.contains(never.as_str()),
                    "{}: `{key}` says `{never}`, which the glossary refuses: {text}",
                    term.en
                );
            }
        }
    }
}

#[test]
fn french_holds_no_english_that_was_left_over() {
    // Words of English that are no words of French.
    let english = [
        "the",
        "of",
        "and",
        "is",
        "was",
        "not",
        "by",
        "with",
        "this",
        "that",
        "what",
        "nothing",
        "everything",
        "seen",
        "kept",
        "asked",
        "under",
        "record",
        "records",
        "leaves",
        "evidence",
        "source’s",
        "when",
        "who",
        "which",
        "from",
        "to",
        "for",
        "in",
        "it",
        "has",
        "have",
        "be",
        "here",
    ];
    for key in keys(Lang::Fr) {
        let text = prose(&message(FRENCH, key)).to_lowercase();
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '’') {
            assert!(key == "other-language" || !english.contains(&word), "`{key}` says `{word}`");
        }
        let (own, other) = (message(FRENCH, key), message(ENGLISH, key));
        let is_sentence =
            prose(&other).split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count() > 3;
        assert!(!is_sentence || own != other, "`{key}` is not translated");
    }
}

#[test]
fn french_is_set_as_canadian_french_is() {
    for key in keys(Lang::Fr) {
        let text = prose(&message(FRENCH, key));
        let chars: Vec<char> = text.chars().collect();
        for (at, c) in chars.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or(' ');
            let after = chars.get(at + 1).copied().unwrap_or(' ');
            match c {
                ':' => assert_eq!(before, '\u{a0}', "`{key}`: a no-break space belongs before the colon"),
                '?' | '!' | ';' => assert!(!before.is_whitespace(), "`{key}`: no space belongs before {c}"),
                '«' => assert_eq!(after, '\u{a0}', "`{key}`: a no-break space belongs inside guillemets"),
                '»' => assert_eq!(before, '\u{a0}', "`{key}`: a no-break space belongs inside guillemets"),
                '"' | '“' | '”' | '\'' => panic!("`{key}`: {c} is no French mark"),
                _ => {}
            }
        }
    }
}

#[test]
fn english_is_set_with_its_own_marks() {
    for key in keys(Lang::En) {
        // What is typed keeps the marks that are typed.
        let text = prose(&message(ENGLISH, key).replace("\"exact words\"", ""));
        assert!(!text.contains(['\'', '"', '«']), "`{key}`: {text}");
    }
}
