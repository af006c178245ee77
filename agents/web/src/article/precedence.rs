//! Which of the things a page says of itself hold?

use std::borrow::Cow;

use url::Url;

use super::{
    About, Alternate, Directive, Origin, Page, Said, Tdm, Wall, dates,
    jsonld::Found,
    names,
    survey::{DateMark, MAX_WALL_LETTERS, Survey},
    titles,
};

/// Names of `meta` elements as [`Survey::metas`] spells them (`:` for `.` and `_`), best first. Dublin Core comes before OpenGraph: who
/// fills it in catalogues, while `og:` texts are written to be shared.
const TITLES: &[&str] = &[
    "dc:title",
    "dcterm:title",
    "dcterms:title",
    "og:title",
    "twitter:title",
    "citation:title",
    "weibo:article:title",
    "weibo:webpage:title",
    "parsely-title",
    "sailthru:title",
    "title",
];
const AUTHORS: &[&str] = &[
    "article:author",
    "dc:creator",
    "dcterm:creator",
    "dcterms:creator",
    "citation:author",
    "parsely-author",
    "sailthru:author",
    "byl",
    "author",
];
const SITES: &[&str] = &[
    "og:site:name",
    "dc:publisher",
    "dcterms:publisher",
    "article:publisher",
    "application-name",
    "twitter:site",
    "copyright",
];
const DESCRIPTIONS: &[&str] = &[
    "og:description",
    "dc:description",
    "dcterms:description",
    "description",
    "twitter:description",
    "weibo:article:description",
    "sailthru:description",
];
const IMAGES: &[&str] = &["og:image", "og:image:url", "og:image:secure:url", "twitter:image", "twitter:image:src"];
const PUBLISHED: &[&str] = &[
    "article:published:time",
    "og:article:published:time",
    "og:published:time",
    "parsely-pub-date",
    "sailthru:date",
    "dc:date:issued",
    "dcterms:issued",
    "dc:date:created",
    "dcterms:created",
    "dc:date",
    "dcterms:date",
    "citation:publication:date",
    "citation:date",
    "pubdate",
    "publishdate",
    "publish-date",
    "publication:date",
    "date",
];
const MODIFIED: &[&str] = &[
    "article:modified:time",
    "og:article:modified:time",
    "og:updated:time",
    "dc:date:modified",
    "dcterms:modified",
    "last-modified",
    "revised",
];
/// Most subjects kept.
const MAX_TAGS: usize = 50;
/// Longest line kept, in characters.
const MAX_LINE: usize = 1_000;

/// What the page says of itself.
pub(super) fn about(page: &Page<'_>, survey: &Survey<'_>, found: &Found) -> About {
    let language = languages(survey, found);
    let site = site(survey, found);
    let tag = language.first().map(|said| said.value.clone());
    let (authors, authors_from) = authors(survey, found, tag.as_deref());
    let published_said = published(page.url(), survey, found);
    let (canonical, canonical_elsewhere) = canonical(page, survey);
    About {
        title: title(page, survey, found, site.as_ref().map(|site| site.value.as_str())),
        authors,
        authors_from,
        published: published_said.first().cloned(),
        modified: modified(survey, found),
        published_said,
        language_disputed: disputed(&language),
        language: language.into_iter().next(),
        canonical,
        canonical_elsewhere,
        alternates: alternates(page, survey),
        amp: linked(page, survey, "amphtml"),
        description: meta_line(survey, DESCRIPTIONS).or_else(|| said(found.description(), Origin::JsonLd)),
        tags: tags(survey, found),
        section: survey.meta("article:section").map(line).or_else(|| found.section()).filter(|text| !text.is_empty()),
        image: image(page, survey, found),
        kind: said(found.kind().map(str::to_owned), Origin::JsonLd).or_else(|| meta_line(survey, &["og:type"])),
        license: linked(page, survey, "license").or_else(|| found.license().and_then(|address| page.join(&address))),
        robots: robots(survey),
        tdm: tdm(page, survey),
        sponsored: found.is_advertising(),
        paywalled: found.is_locked() || survey.paywall_class || tiered(survey),
        wall: wall(survey),
        site,
    }
}

/// One line of a `meta` element: references are decoded once more than the parser did, since many systems escape twice.
fn line(content: &str) -> String {
    let decoded = match content.contains('&') {
        true => html_escape::decode_html_entities(content),
        false => Cow::Borrowed(content),
    };
    decoded.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_LINE).collect()
}

fn said(value: Option<String>, from: Origin) -> Option<Said<String>> {
    value.map(|value| line(&value)).filter(|value| !value.is_empty()).map(|value| Said { value, from })
}

/// The first of these names that says something.
fn meta_line(survey: &Survey<'_>, names: &[&str]) -> Option<Said<String>> {
    names.iter().flat_map(|name| survey.all(name)).find_map(|content| said(Some(content.to_owned()), Origin::Meta))
}

fn title(page: &Page<'_>, survey: &Survey<'_>, found: &Found, site: Option<&str>) -> Option<Said<String>> {
    let of_page = survey.title.as_deref().map(line).unwrap_or_default();
    if let Some(mut title) = said(found.title(&of_page), Origin::JsonLd).or_else(|| meta_line(survey, TITLES)) {
        title.value = titles::shared(&title.value, site);
        return Some(title);
    }
    if let Some(headline) = said(survey.headline.clone(), Origin::Page) {
        return Some(headline);
    }
    let host = page.url().host_str().unwrap_or_default();
    // Headings come last: the first one of a page is as often the site's name.
    said(Some(titles::cut(&of_page, site, host)), Origin::Page)
        .or_else(|| survey.headings.iter().find_map(|heading| said(Some(heading.clone()), Origin::Page)))
}

fn authors(
    survey: &Survey<'_>,
    found: &Found,
    language: Option<&str>,
) -> (Vec<schemas::record::Author>, Option<Origin>) {
    let of_blocks = found.authors();
    if !of_blocks.is_empty() {
        return (of_blocks, Some(Origin::JsonLd));
    }
    for name in AUTHORS {
        let contents = survey.all(name).filter(|content| !is_address(content));
        let mut people = Vec::new();
        for content in contents.take(names::MAX_AUTHORS) {
            // "Last, First" is how citations write names.
            if *name == "citation:author" {
                people.extend(names::one(&line(content)));
            } else {
                people.extend(names::in_line(&line(content), language));
            }
        }
        people.truncate(names::MAX_AUTHORS);
        people.dedup();
        if !people.is_empty() {
            return (people, Some(Origin::Meta));
        }
    }
    for rank in 0..=2 {
        let mut people: Vec<schemas::record::Author> = Vec::new();
        for byline in survey.bylines.iter().filter(|byline| byline.rank == rank) {
            for person in names::in_line(&byline.line, language) {
                if !people.iter().any(|other| other.name == person.name) {
                    people.push(person);
                }
            }
            // Several marks are several authors only where the marks are exact.
            if rank == 2 && !people.is_empty() {
                break;
            }
        }
        people.truncate(names::MAX_AUTHORS);
        if !people.is_empty() {
            return (people, Some(Origin::Page));
        }
    }
    (Vec::new(), None)
}

fn is_address(content: &str) -> bool {
    let content = content.trim();
    !content.contains(char::is_whitespace)
        && (content.contains("://") || content.starts_with("//") || content.starts_with("www."))
}

fn published(url: &Url, survey: &Survey<'_>, found: &Found) -> Vec<Said<schemas::record::ClaimedTime>> {
    let of_block = found.date("datePublished");
    let in_path = dates::in_path(url);
    let marks = |certain: bool| {
        survey
            .dates
            .iter()
            .filter(move |mark| mark.published && mark.certain == certain)
            .map(|mark| (mark.raw.as_str(), Origin::Page))
    };
    dates::ranked(
        of_block
            .iter()
            .map(|raw| (raw.as_str(), Origin::JsonLd))
            .chain(PUBLISHED.iter().flat_map(|name| survey.all(name)).map(|raw| (raw, Origin::Meta)))
            .chain(marks(true))
            .chain(marks(false))
            .chain(in_path.iter().map(|raw| (raw.as_str(), Origin::Address))),
    )
}

fn modified(survey: &Survey<'_>, found: &Found) -> Option<Said<schemas::record::ClaimedTime>> {
    let of_block = found.date("dateModified");
    let marks =
        survey.dates.iter().filter(|mark: &&DateMark| mark.modified).map(|mark| (mark.raw.as_str(), Origin::Page));
    dates::ranked(
        of_block
            .iter()
            .map(|raw| (raw.as_str(), Origin::JsonLd))
            .chain(MODIFIED.iter().flat_map(|name| survey.all(name)).map(|raw| (raw, Origin::Meta)))
            .chain(marks),
    )
    .into_iter()
    .next()
}

/// All languages said, best first.
fn languages(survey: &Survey<'_>, found: &Found) -> Vec<Said<String>> {
    let tag = |raw: &str| {
        let raw = raw.trim().replace('_', "-");
        let first = raw.split(',').next().unwrap_or_default().trim();
        let fits = first.len() <= 35
            && first.split('-').next().is_some_and(|primary| (2..=8).contains(&primary.len()))
            && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        fits.then(|| first.to_owned())
    };
    let of_block = found.language();
    let metas = ["og:locale", "dc:language", "dcterms:language", "content-language", "language"];
    survey
        .language
        .map(|raw| (raw, Origin::Page))
        .into_iter()
        .chain(metas[..1].iter().filter_map(|name| survey.meta(name)).map(|raw| (raw, Origin::Meta)))
        .chain(of_block.as_deref().map(|raw| (raw, Origin::JsonLd)))
        .chain(metas[1..].iter().filter_map(|name| survey.meta(name)).map(|raw| (raw, Origin::Meta)))
        .filter_map(|(raw, from)| tag(raw).map(|value| Said { value, from }))
        .collect()
}

/// Whether two tags have different primary languages; three-letter codes of Dublin Core (`eng`) are compared by their first letters.
fn disputed(languages: &[Said<String>]) -> bool {
    let primary = |said: &Said<String>| {
        let primary = said.value.split('-').next().unwrap_or_default().to_ascii_lowercase();
        match primary.as_str() {
            "fra" | "fre" => "fr".to_owned(),
            "deu" | "ger" => "de".to_owned(),
            "spa" => "es".to_owned(),
            "zho" | "chi" => "zh".to_owned(),
            _ => primary.chars().take(2).collect(),
        }
    };
    languages.windows(2).any(|pair| primary(&pair[0]) != primary(&pair[1]))
}

fn site(survey: &Survey<'_>, found: &Found) -> Option<Said<String>> {
    said(found.publisher(), Origin::JsonLd).or_else(|| {
        SITES
            .iter()
            .flat_map(|name| survey.all(name))
            .filter(|content| !is_address(content))
            .find_map(|content| said(Some(content.trim_start_matches(['@', '©']).to_owned()), Origin::Meta))
    })
}

fn canonical(page: &Page<'_>, survey: &Survey<'_>) -> (Option<Said<Url>>, Option<Url>) {
    let links = survey
        .links
        .iter()
        .filter(|link| link.rel.split_whitespace().any(|rel| rel == "canonical"))
        .map(|link| link.href);
    let metas = ["og:url", "twitter:url"].into_iter().filter_map(|name| survey.meta(name));
    let mut elsewhere = None;
    for href in links.chain(metas) {
        let Some(mut url) = page.join(href) else { continue };
        url.set_fragment(None);
        if is_home(&url) && !is_home(page.url()) {
            continue;
        }
        if same_site(&url, page.url()) {
            return (Some(Said { value: url, from: Origin::Meta }), elsewhere);
        }
        elsewhere.get_or_insert(url);
    }
    (None, elsewhere)
}

fn is_home(url: &Url) -> bool {
    let path = url.path().trim_matches('/').to_ascii_lowercase();
    url.query().is_none() && matches!(path.as_str(), "" | "index.html" | "index.php" | "index.htm")
}

/// One registrable domain (Public Suffix List), or one host where there is none.
fn same_site(one: &Url, other: &Url) -> bool {
    let site = |url: &Url| {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        match url.host() {
            Some(url::Host::Domain(_)) => psl::domain_str(&host).map(str::to_owned).unwrap_or(host),
            _ => host,
        }
    };
    site(one) == site(other)
}

fn alternates(page: &Page<'_>, survey: &Survey<'_>) -> Vec<Alternate> {
    let mut found: Vec<Alternate> = Vec::new();
    for link in survey.links.iter().filter(|link| link.rel.split_whitespace().any(|rel| rel == "alternate")) {
        let Some(language) = link.hreflang.map(str::trim).filter(|tag| !tag.is_empty() && tag.len() <= 35) else {
            continue;
        };
        let Some(url) = page.join(link.href) else { continue };
        let alternate = Alternate { language: language.to_owned(), url };
        if !found.contains(&alternate) {
            found.push(alternate);
        }
    }
    found
}

fn linked(page: &Page<'_>, survey: &Survey<'_>, rel: &str) -> Option<Url> {
    survey
        .links
        .iter()
        .find(|link| link.rel.split_whitespace().any(|other| other == rel))
        .and_then(|link| page.join(link.href))
}

fn tags(survey: &Survey<'_>, found: &Found) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let mut add = |tag: &str| {
        let tag = line(tag);
        let tag = tag.trim_matches(['"', '#']).trim();
        let is_new = || !tags.iter().any(|other| other.eq_ignore_ascii_case(tag));
        if !tag.is_empty() && tag.chars().count() <= 100 && tags.len() < MAX_TAGS && is_new() {
            tags.push(tag.to_owned());
        }
    };
    survey.all("article:tag").chain(survey.all("og:article:tag")).for_each(&mut add);
    found.keywords().iter().for_each(|tag| add(tag));
    for name in ["news:keywords", "keywords", "parsely-tags", "citation:keywords", "dc:subject", "dcterms:subject"] {
        survey.all(name).flat_map(|list| list.split([',', ';', '，', '、'])).for_each(&mut add);
    }
    tags
}

fn image(page: &Page<'_>, survey: &Survey<'_>, found: &Found) -> Option<Said<Url>> {
    let of_meta = IMAGES.iter().flat_map(|name| survey.all(name)).find_map(|content| page.join(&line(content)));
    of_meta.map(|value| Said { value, from: Origin::Meta }).or_else(|| {
        found.image().and_then(|address| page.join(&address)).map(|value| Said { value, from: Origin::JsonLd })
    })
}

/// Crawlers' names as pages use them beside `robots`; others are read too if they end in `bot`.
fn robots(survey: &Survey<'_>) -> Vec<Directive> {
    survey
        .metas
        .iter()
        .filter(|(name, _)| {
            name == "robots"
                || (name.ends_with("bot") && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
                || name.starts_with("googlebot-")
        })
        .map(|(name, content)| Directive {
            agent: name.clone(),
            rules: content
                .split(',')
                .map(|rule| rule.trim().to_ascii_lowercase())
                .filter(|rule| !rule.is_empty())
                .collect(),
        })
        .take(50)
        .collect()
}

fn tdm(page: &Page<'_>, survey: &Survey<'_>) -> Tdm {
    Tdm {
        reserved: match survey.meta("tdm-reservation") {
            Some("1") => Some(true),
            Some("0") => Some(false),
            _ => None,
        },
        policy: survey.meta("tdm-policy").and_then(|address| page.join(address)),
    }
}

/// `article:content_tier` is `free`, `metered` or `locked` (Facebook's OpenGraph reference).
fn tiered(survey: &Survey<'_>) -> bool {
    ["article:content:tier", "og:article:content:tier"]
        .into_iter()
        .filter_map(|name| survey.meta(name))
        .any(|tier| matches!(tier.to_ascii_lowercase().as_str(), "metered" | "locked"))
}

fn wall(survey: &Survey<'_>) -> Option<Wall> {
    if survey.letters > MAX_WALL_LETTERS {
        return None;
    }
    let mut beginning = String::new();
    for text in &survey.beginning {
        if beginning.len() >= 4_000 {
            break;
        }
        beginning.extend(text.chars().take(1_000).flat_map(char::to_lowercase));
        beginning.push(' ');
    }
    let text: String = beginning.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = survey.title.as_deref().unwrap_or_default().to_lowercase();
    let says = |phrases: &[&str]| {
        phrases.iter().any(|phrase| text.contains(phrase) || title.contains(phrase) || survey.noscript.contains(phrase))
    };
    const CHALLENGE: &[&str] = &[
        "verify you are human",
        "verifying you are human",
        "are you a robot",
        "enable javascript and cookies to continue",
        "checking your browser",
        "unusual traffic from your",
        "complete the captcha",
        "press & hold to confirm",
        "vérifiez que vous êtes humain",
        "vérifier que vous êtes humain",
        "just a moment...",
        "attention required! | cloudflare",
    ];
    const CONSENT: &[&str] = &[
        "before you continue to",
        "we value your privacy",
        "accept all cookies to continue",
        "avant d’accéder à",
        "avant de continuer",
        "nous respectons votre vie privée",
        "votre vie privée est importante",
    ];
    if says(CHALLENGE) {
        Some(Wall::Challenge)
    } else if survey.letters < 800 && says(CONSENT) {
        Some(Wall::Consent)
    } else {
        None
    }
}
