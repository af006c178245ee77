//! The files every page needs, under names that change with their content.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use schemas::Digest;

const CSS: &str = include_str!("../../assets/vigie.css");
const SCRIPT: &str = include_str!("../../assets/vigie.js");
const ICON: &str = include_str!("../../assets/vigie.svg");

struct Asset {
    name: String,
    media: &'static str,
    body: &'static str,
}

static ALL: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    let named = |kind: &str, media, body: &'static str| {
        let hash: String = Digest::of(body.as_bytes()).to_string().chars().take(16).collect();
        Asset { name: format!("vigie-{hash}.{kind}"), media, body }
    };
    [
        named("css", "text/css; charset=utf-8", CSS),
        named("svg", "image/svg+xml", ICON),
        named("js", "text/javascript; charset=utf-8", SCRIPT),
    ]
});

/// Address of the style sheet.
pub fn css_path() -> String {
    format!("/assets/{}", ALL[0].name)
}

/// Address of the mark.
pub fn icon_path() -> String {
    format!("/assets/{}", ALL[1].name)
}

/// Address of the script.
pub fn script_path() -> String {
    format!("/assets/{}", ALL[2].name)
}

/// An asset by its full name; none for the name of an earlier release.
pub fn find(name: &str) -> Option<Response> {
    let asset = ALL.iter().find(|asset| asset.name == name)?;
    let headers = [(header::CONTENT_TYPE, asset.media), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Some((headers, asset.body).into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The colours of the sheet's first `:root` behind `from`.
    fn colours(from: &str) -> BTreeMap<String, [f64; 3]> {
        let block = CSS.split(from).nth(1).unwrap().split('}').next().unwrap();
        let found = block.split(';').filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
            let part = |at: usize| u8::from_str_radix(value.get(at..at + 2)?, 16).ok().map(f64::from);
            Some((name.to_owned(), [part(0)?, part(2)?, part(4)?]))
        });
        found.collect()
    }

    /// Contrast ratio (WCAG 2.1, success criterion 1.4.3).
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let [r, g, b] = colour.map(|part| {
                let part = part / 255.0;
                if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_on_its_ground_in_both_schemes() {
        for scheme in [":root {", "@media (prefers-color-scheme: dark) {\n  :root {"] {
            let colours = colours(scheme);
            assert!(colours.len() > 20, "{scheme} is not understood");
            for (ink, grounds, least) in [
                ("ink", &["paper", "sheet", "faint", "accent-soft", "bad-ground"][..], 7.0),
                ("soft", &["paper", "sheet", "faint"][..], 4.5),
                ("accent", &["paper", "sheet", "faint"][..], 4.5),
                ("paper", &["accent"][..], 4.5),
                ("good", &["paper", "good-ground", "c-empty"][..], 4.5),
                ("bad", &["paper", "bad-ground"][..], 4.5),
                ("warn", &["paper", "warn-ground"][..], 4.5),
                ("mark-ink", &["mark"][..], 4.5),
                ("focus", &["paper", "sheet"][..], 3.0),
                ("bar", &["paper"][..], 3.0),
                ("c-failed", &["paper"][..], 3.0),
            ] {
                for ground in grounds {
                    let ratio = contrast(colours[ink], colours[*ground]);
                    assert!(ratio >= least, "{scheme} {ink} on {ground}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn the_mark_is_a_drawing_and_nothing_else() {
        for odd in ["<script", "href", "onload", "<style", "<foreignObject"] {
            assert!(!ICON.contains(odd), "{odd}");
        }
    }
}
