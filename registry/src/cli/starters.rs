//! `vigie policy starters`: which sources might a unit begin with, and what must people decide first?
//!
//! A starter is a proposal: an entry of the allowlist with blanks. Nobody has signed it, nothing collects it, and `policy check` refuses it while
//! a blank is left.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use schemas::{Digest, policy::UNDECIDED};
use serde::Deserialize;

use super::Say;

/// Which starters to write out.
#[derive(Debug, Args)]
pub struct StartersArgs {
    /// Names or groups of starter sources; none lists them all
    pub names: Vec<String>,
    /// Key id of the person who asks for them (`name+0a1b2c3d`, as `vigie root show` prints it)
    #[arg(long)]
    pub requested_by: Option<String>,
    /// Write the recipe of the one named source instead, to be saved beside allowlist.toml under the name that its entry gives
    #[arg(long)]
    pub recipe: bool,
}

/// Recipes of starters, by file name.
const RECIPES: [(&str, &str); 1] = [("euvsdisinfo-cases.toml", include_str!("../../assets/euvsdisinfo-cases.toml"))];

/// A source that a unit might begin with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Starter {
    /// Id of the entry it becomes.
    name: String,
    /// What it is listed under.
    group: String,
    /// What is published there, and in which language.
    covers: String,
    /// What is known of its terms.
    terms: String,
    /// How sure its address is.
    address: String,
    /// What a person must settle before signing, beside the blanks of the entry.
    decide: Vec<String>,
    collector: String,
    /// File of [`RECIPES`].
    recipe: Option<String>,
    /// Name of the key that its interface asks for.
    credential: Option<String>,
    /// Ground in law that is proposed, from the closed list; none where no personal information is meant to be kept.
    basis: Option<String>,
    /// Fields to keep; absent for those of an article without its author.
    fields: Option<Vec<String>>,
    seeds: Vec<String>,
    #[serde(rename = "match")]
    matches: Vec<Place>,
    schedule: String,
    zone: String,
    rate_secs: u32,
    daily: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    host: String,
    path: String,
}

#[derive(Debug, Deserialize)]
struct Shelf {
    source: Vec<Starter>,
}

fn shelf() -> Result<Vec<Starter>> {
    let shelf: Shelf =
        toml::from_str(include_str!("../../assets/starters.toml")).context("the starter sources cannot be read")?;
    Ok(shelf.source)
}

/// Lists starter sources, or writes the named ones as entries for `allowlist.toml`, with blanks.
///
/// # Errors
///
/// Where no starter has a name that is asked for.
pub fn run(args: &StartersArgs, say: &Say) -> Result<()> {
    let shelf = shelf()?;
    if args.names.is_empty() {
        let json = shelf.iter().map(|one| serde_json::json!({ "name": one.name, "group": one.group, "covers": one.covers, "terms": one.terms, "address": one.address, "decide": one.decide, "seeds": one.seeds })).collect();
        return say.json_or(&serde_json::Value::Array(json), || list(&shelf));
    }
    let mut chosen = Vec::new();
    for name in &args.names {
        let before = chosen.len();
        chosen.extend(shelf.iter().filter(|one| one.name == *name || one.group == *name));
        if chosen.len() == before {
            let names = shelf.iter().map(|one| one.name.as_str());
            let hint = match schemas::policy::nearest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`vigie policy starters` lists them".to_owned(),
            };
            bail!("no starter source is called `{name}`: {hint}");
        }
    }
    if args.recipe {
        let [one] = chosen.as_slice() else { bail!("`--recipe` goes with one source, not with {}", chosen.len()) };
        let Some(text) = recipe(one) else { bail!("`{}` needs no recipe", one.name) };
        return say.json_or(&serde_json::json!({ "toml": text }), || text.to_owned());
    }
    let text = chosen.iter().map(|one| entry(one, args.requested_by.as_deref())).collect::<String>();
    say.json_or(&serde_json::json!({ "toml": text }), || text.clone())
}

fn recipe(one: &Starter) -> Option<&'static str> {
    let file = one.recipe.as_deref()?;
    RECIPES.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
}

fn list(shelf: &[Starter]) -> String {
    let mut out = "Proposals, unsigned. None of these addresses has been asked by this project; `!` marks one that is not confirmed.\n".to_owned();
    let mut group = "";
    for one in shelf {
        if one.group != group {
            group = &one.group;
            let _ = write!(out, "\n{group}\n");
        }
        let mark = if one.address.starts_with("UNCONFIRMED") { '!' } else { ' ' };
        let covers = one.covers.split_inclusive(". ").next().unwrap_or_default();
        let _ = writeln!(out, "{mark} {:<27} {}", one.name, covers.trim_end());
    }
    out.push_str(
        "\nTo propose some of them:\n  vigie policy starters NAME... --requested-by KEY_ID >> allowlist.toml\nthen write what each DECIDE asks for, `vigie policy check`, and let two people sign.\n",
    );
    out
}

/// The entry as TOML, with what is known of the source above it and a blank wherever a person must decide.
fn entry(one: &Starter, requested_by: Option<&str>) -> String {
    let mut out = format!("\n# {}: a proposal\n", one.name);
    let mut comment = |head: &str, text: &str| {
        let _ = writeln!(out, "# {head:<9}{text}");
    };
    comment("Covers", &one.covers);
    comment("Terms", &one.terms);
    comment("Address", &one.address);
    for what in &one.decide {
        comment("Decide", what);
    }
    let blank = |what: &str| toml::Value::String(format!("{UNDECIDED}: {what}")).to_string();
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let texts = |texts: &[String]| texts.iter().map(|one| text(one)).collect::<Vec<_>>().join(", ");
    let places =
        one.matches.iter().map(|place| format!("{{ host = {}, path = {} }}", text(&place.host), text(&place.path)));
    let recipe = match (&one.recipe, recipe(one)) {
        (Some(file), Some(recipe)) => {
            comment_recipe(&mut out, one, file);
            format!("recipe = {{ file = {}, digest = \"{}\" }}\n", text(file), Digest::of(recipe.as_bytes()))
        }
        _ => String::new(),
    };
    let credential = one.credential.as_ref().map_or_else(String::new, |name| format!("credential = {}\n", text(name)));
    let usual = ["url", "title", "text", "published_at", "edited_at", "language", "links", "media", "tags"];
    // A recipe's own fields and places tell of the page, not of its author.
    let more: &[&str] = if recipe.is_empty() { &[] } else { &["place", "extra"] };
    let usual = || usual.iter().chain(more).map(|&field| field.to_owned()).collect();
    let allow_blank = text(&format!("allow: {UNDECIDED}: is this domestic content, and why may it be kept?"));
    let _ = write!(
        out,
        r#"[[entry]]
id = {id}
collector = {collector}
seeds = [{seeds}]
match = [{places}]
{recipe}{credential}purpose = {purpose}
program = {program}
legal_basis = {{ code = {code}, reason = {basis} }}
fields = [{fields}]
question = {question}
pia = {pia}
requested_by = {requested_by}
schedule = {schedule}
zone = {zone}
jitter_secs = 120
rate_secs = {rate}
daily = {daily}
retain_days = 365
tlp = "amber"
domestic = {allow_blank}
expires_on = {expires}
notes = {{ terms = {terms} }}
"#,
        id = text(&one.name),
        collector = text(&one.collector),
        seeds = texts(&one.seeds),
        code = text(one.basis.as_deref().unwrap_or("no-personal-information")),
        fields = texts(&one.fields.clone().unwrap_or_else(usual)),
        places = places.collect::<Vec<_>>().join(", "),
        purpose = blank("what is the material collected for?"),
        program = blank("which programme or activity is it for?"),
        basis = blank("is this ground right, and why?"),
        question = blank("which question should it answer?"),
        pia = blank("the privacy assessment's reference, or `none: reason`"),
        requested_by = requested_by.map_or_else(|| blank("key id of the person who asks"), text),
        schedule = text(&one.schedule),
        zone = text(&one.zone),
        rate = one.rate_secs,
        daily = one.daily,
        expires = blank("last day in force, `YYYY-MM-DD`, at most twelve months ahead"),
        terms = blank("who read the terms, when, and what they say"),
    );
    out
}

fn comment_recipe(out: &mut String, one: &Starter, file: &str) {
    let _ = writeln!(out, "# Recipe   vigie policy starters {} --recipe > {file}", one.name);
}

#[cfg(test)]
mod tests {
    use schemas::policy::check_allowlist_file;

    use super::{UNDECIDED, entry, shelf};

    /// A production root of two invented people.
    fn root() -> schemas::trust::TrustRoot {
        let key = |name: &str, seed: u8| tlog::SigningKey::from_seed(name, &[seed; 32]).unwrap().vkey();
        let (log, ann, ben) = (key("vigie.example.org/log", 1), key("ann", 2), key("ben", 3));
        crate::cli::init::first_root(
            "vigie.example.org/log",
            false,
            Some("https://unit.example.org/contact".to_owned()),
            &log,
            [&ann, &ben],
        )
    }

    #[test]
    fn every_starter_is_refused_for_its_blanks_and_for_nothing_else() {
        let root = root();
        let who = root.people.first().map(|one| tlog::VerifierKey::parse(&one.key).unwrap().id_text()).unwrap();
        let today = jiff::civil::date(2026, 11, 22);
        for one in shelf().unwrap() {
            let file = format!("format = 1\n{}", entry(&one, Some(&who)));
            let problems = check_allowlist_file(&file, "allowlist.toml", &root, today).unwrap_err();
            let fields: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(fields.len(), 8, "{}: {fields:#?}", one.name);
            // Whoever fills the blanks needs to change nothing else.
            let filled = file
                .replace(
                    &format!("{UNDECIDED}: last day in force, `YYYY-MM-DD`, at most twelve months ahead"),
                    "2027-05-01",
                )
                .replace(UNDECIDED, "decided");
            check_allowlist_file(&filled, "allowlist.toml", &root, today)
                .unwrap_or_else(|problems| panic!("{}: {problems:#?}", one.name));
        }
    }

    #[test]
    fn every_starter_says_what_it_covers_and_what_is_open() {
        let shelf = shelf().unwrap();
        for one in &shelf {
            assert!(!one.covers.is_empty() && !one.terms.is_empty() && !one.address.is_empty(), "{}", one.name);
            assert!(!one.decide.is_empty(), "{}: somebody has to decide something", one.name);
            assert!(shelf.iter().filter(|other| other.name == one.name).count() == 1, "{} twice", one.name);
        }
    }
}
