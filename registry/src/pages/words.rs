//! What is said, in each language? Fluent messages of `assets/locales`, read once.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use super::lang::Lang;

const ENGLISH: &str = include_str!("../../assets/locales/en.ftl");
const FRENCH: &str = include_str!("../../assets/locales/fr.ftl");

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| [bundle(Lang::En, ENGLISH), bundle(Lang::Fr, FRENCH)]);

fn bundle(lang: Lang, source: &str) -> Bundle {
    let tag: LanguageIdentifier = lang.tag().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![tag]);
    // What could not be read is left out; a test says that there is no such thing.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let _ = bundle.add_resource(resource);
    bundle.set_formatter(Some(match lang {
        Lang::En => |value, _| grouped(Lang::En, value),
        Lang::Fr => |value, _| grouped(Lang::Fr, value),
    }));
    bundle
}

/// Whole numbers as the language groups them; everything else as it is.
fn grouped(lang: Lang, value: &FluentValue<'_>) -> Option<String> {
    match value {
        FluentValue::Number(number) if number.value >= 0.0 && number.value.fract() == 0.0 && number.value < 9e15 => {
            format!("{:.0}", number.value).parse().ok().map(|number| lang.number(number))
        }
        _ => None,
    }
}

/// The message with that key. A key that there is not comes back itself.
#[must_use]
pub fn say(lang: Lang, key: &str, args: &[(&str, FluentValue<'_>)]) -> String {
    let Some(bundle) = BUNDLES.get(lang as usize) else {
        return key.to_owned();
    };
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    let args: FluentArgs<'_> = args.iter().cloned().collect();
    let mut errors = Vec::new();
    bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned()
}

/// The message as plain text, without marks around what it names: for where no page shows it.
#[must_use]
pub fn plain(lang: Lang, key: &str, args: &[(&'static str, String)]) -> String {
    say(lang, key, &values(args)).replace(['\u{2068}', '\u{2069}'], "")
}

/// Texts as arguments.
#[must_use]
pub fn values<'a>(args: &'a [(&'static str, String)]) -> Vec<(&'static str, FluentValue<'a>)> {
    args.iter().map(|(name, value)| (*name, FluentValue::from(value.as_str()))).collect()
}

/// The keys of a language, in the order of its file.
#[cfg(test)]
pub fn keys(lang: Lang) -> Vec<&'static str> {
    let source = match lang {
        Lang::En => ENGLISH,
        Lang::Fr => FRENCH,
    };
    let key = |line: &'static str| {
        line.split_once(" =").map(|(key, _)| key).filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    source.lines().filter_map(key).collect()
}

/// True where there is such a message.
#[must_use]
pub fn knows(lang: Lang, key: &str) -> bool {
    BUNDLES.get(lang as usize).is_some_and(|bundle| bundle.has_message(key))
}

#[cfg(test)]
mod tests;
