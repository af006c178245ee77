//! What does an entry say, and what was changed in it?

use std::fmt::Write as _;

use schemas::permission::Entry;

/// One entry in one sentence.
pub fn sentence(entry: &Entry) -> String {
    let recipe = entry.recipe.as_ref().map_or_else(String::new, |recipe| format!(" by the recipe `{}`", recipe.file));
    let credential = entry.credential.as_ref().map_or_else(String::new, |name| format!(" and the credential `{name}`"));
    format!(
        "collect {} with `{}`{recipe}{credential}, {} ({}), at most {} requests a day, keep {} days, TLP:{}",
        entry.seeds.join(", "),
        entry.collector,
        entry.schedule,
        entry.zone,
        entry.daily,
        entry.retain_days,
        serde_json::to_value(entry.tlp).ok().and_then(|tlp| tlp.as_str().map(str::to_uppercase)).unwrap_or_default()
    )
}

/// What differs between two versions of an entry, a line each.
pub fn differences(before: &Entry, after: &Entry, words: &mut String) {
    let (Ok(serde_json::Value::Object(before)), Ok(serde_json::Value::Object(after))) =
        (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return;
    };
    let none = serde_json::Value::Null;
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        if old != new {
            let _ = writeln!(words, "    {name}: {old} -> {new}");
        }
    }
}
