//! Each trap of the metadata conventions on an invented page.

use url::Url;

use super::{About, Article, Origin, Page, Strength, Wall, about, extract};

const ADDRESS: &str = "https://news.example.org/2026/11/21/invented-story?from=list";

const EXAMPLE: &str = r#"<!doctype html><html lang="en-CA"><head><meta charset="utf-8"><title>Invented story | Example Daily</title>
<link rel="canonical" href="/2026/11/21/invented-story"><link rel="alternate" hreflang="fr-CA" href="https://news.example.org/fr/histoire-inventee">
<meta property="og:type" content="article"><meta property="og:title" content="Invented &amp;quot;story&amp;quot;"><meta property="og:site_name" content="Example Daily"><meta property="og:locale" content="en_CA"><meta property="og:image" content="https://cdn.example.org/i.jpg">
<meta property="article:published_time" content="2026-11-21T17:00:00-05:00"><meta property="article:modified_time" content="2026-11-21T19:30:00-05:00"><meta property="article:author" content="https://social.example.com/example"><meta property="article:tag" content="election"><meta name="robots" content="max-image-preview:large"><meta name="tdm-reservation" content="1">
<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":["NewsArticle"],"headline":"Invented \"story\"","datePublished":"2026-11-21T22:00:00Z","dateModified":"2026-11-22T00:30:00Z","author":[{"@type":"Person","name":"Example Desk"}],"publisher":{"@type":"Organization","name":"Example Daily"},"mainEntityOfPage":"https://news.example.org/2026/11/21/invented-story","inLanguage":"en-CA","isAccessibleForFree":true}]}</script></head>
<body><nav>Home</nav><article><h1>Invented "story"</h1><p>First paragraph, invented, long enough to be scored.</p><p>Second with a <a href="https://example.com/source">source</a>.</p></article><aside class="related">Other</aside></body></html>"#;

fn read(html: &str) -> Article {
    extract(&Page::read(html, &Url::parse(ADDRESS).unwrap()))
}

fn head(head: &str) -> About {
    said(&format!("<!doctype html><html><head>{head}</head><body><p>words</p></body></html>"))
}

fn said(html: &str) -> About {
    about(&Page::read(html, &Url::parse(ADDRESS).unwrap()))
}

fn title(about: &About) -> Option<(&str, Origin)> {
    about.title.as_ref().map(|title| (title.value.as_str(), title.from))
}

fn names(about: &About) -> Vec<&str> {
    about.authors.iter().filter_map(|author| author.name.as_deref()).collect()
}

#[test]
fn the_example_of_the_conventions() {
    let Article { about, body } = read(EXAMPLE);
    assert_eq!(title(&about), Some(("Invented \"story\"", Origin::JsonLd)));
    assert_eq!((names(&about), about.authors_from), (vec!["Example Desk"], Some(Origin::JsonLd)));
    let published = about.published.unwrap().value;
    assert_eq!(
        (published.raw.as_str(), published.at.unwrap().to_string().as_str()),
        ("2026-11-21T22:00:00Z", "2026-11-21T22:00:00Z")
    );
    assert_eq!(about.modified.unwrap().value.at.unwrap().to_string(), "2026-11-22T00:30:00Z");
    // The path's day and the meta element's text are kept as further claims.
    assert_eq!(about.published_said.len(), 3);
    assert_eq!(about.canonical.unwrap().value.as_str(), "https://news.example.org/2026/11/21/invented-story");
    assert_eq!(about.alternates.len(), 1);
    assert_eq!(about.alternates[0].language, "fr-CA");
    assert_eq!(about.site.unwrap().value, "Example Daily");
    assert_eq!(about.tags, ["election"]);
    assert_eq!((about.language.unwrap().value.as_str(), about.language_disputed), ("en-CA", false));
    assert_eq!(about.image.unwrap().value.as_str(), "https://cdn.example.org/i.jpg");
    assert_eq!(about.kind.unwrap().value, "NewsArticle");
    assert_eq!(about.tdm.reserved, Some(true));
    assert_eq!(about.robots[0].rules, ["max-image-preview:large"]);
    assert!(!about.sponsored && !about.paywalled && about.wall.is_none());
    assert!(
        body.text.contains("First paragraph") && !body.text.contains("Home") && !body.text.contains("Other"),
        "{}",
        body.text
    );
    assert_eq!(body.links[0].url.as_str(), "https://example.com/source");
    assert_eq!(body.strength, Strength::Weak);
}

#[test]
fn titles_by_precedence() {
    assert_eq!(
        title(&head(
            "<title>Page</title><meta name=title content=Named><meta property=twitter:title content=Bird><meta name=og:title content=Open>"
        )),
        Some(("Open", Origin::Meta))
    );
    assert_eq!(
        title(&head("<meta property='x:title DC.Title' content='Catalogue'><meta property=og:title content=Open>"))
            .unwrap()
            .0,
        "Catalogue"
    );
    assert_eq!(
        title(&head("<meta property=og:title content=' '><title>An invented headline of five | Site</title>")),
        Some(("An invented headline of five", Origin::Page))
    );
    assert_eq!(title(&head("<meta property=og:title content='Short - Example Daily'><meta property=og:site_name content='Example Daily'>")).unwrap().0, "Short");
    assert_eq!(
        title(&said("<body><svg><title>Logo</title></svg><h1>The <em>heading</em></h1>")),
        Some(("The heading", Origin::Page))
    );
    assert_eq!(title(&said("<body>Test")), None);
}

#[test]
fn escaped_twice_is_decoded_and_no_further() {
    assert_eq!(title(&head("<meta property=og:title content='R&amp;amp;D &amp;#8211; now'>")).unwrap().0, "R&D – now");
    assert_eq!(title(&head("<meta property=og:title content='&amp;amp;amp;'>")).unwrap().0, "&amp;");
}

#[test]
fn authors_by_precedence() {
    assert!(names(&head("<meta property=article:author content=www.social.example.com/desk>")).is_empty());
    assert!(names(&head("<meta property=article:author content=//social.example.com/desk>")).is_empty());
    assert_eq!(
        names(&head(
            "<meta property=article:author content=https://social.example.com/x><meta name=author content='By Ada Example'>"
        )),
        ["Ada Example"]
    );
    assert_eq!(
        names(&head(
            "<meta name=citation_author content='Example, Ada'><meta name=citation_author content='Sample, Ben'>"
        )),
        ["Example, Ada", "Sample, Ben"]
    );
    let page = said(
        "<html lang=fr><body><div class=related-posts><span class=byline>Par Autre Personne</span></div>
         <article itemscope itemtype=https://schema.org/NewsArticle><p class=byline>Par Ada Exemple et Ben Modèle</p></article>",
    );
    assert_eq!((names(&page), page.authors_from), (vec!["Ada Exemple", "Ben Modèle"], Some(Origin::Page)));
    let page = said(
        "<body><article itemscope itemtype=https://schema.org/NewsArticle><p>words</p><aside>
         <span itemprop=author itemscope itemtype=https://schema.org/Person><span itemprop=name>Ada Example</span> —</span>
         <div itemscope itemtype=https://schema.org/Comment><i itemprop=author>A Reader</i></div></aside></article>",
    );
    assert_eq!(names(&page), ["Ada Example"]);
}

#[test]
fn dates_keep_what_they_say() {
    let published = |about: &About| {
        about
            .published
            .as_ref()
            .map(|said| (said.value.at.map(|at| at.to_string()), said.value.local.clone(), said.from))
    };
    assert_eq!(
        published(&head("<meta property=article:published_time content=2026-11-20T09:00:00>")),
        Some((None, Some("2026-11-20T09:00:00".to_owned()), Origin::Meta))
    );
    assert_eq!(
        published(&head(
            "<script type='application/ld+json; charset=utf-8'>{\"@type\":\"Article\",\"datePublished\":\"2026-11-20\"}</script><meta name=DC.date.issued content=2026-11-19>"
        )),
        Some((None, Some("2026-11-20".to_owned()), Origin::JsonLd))
    );
    assert_eq!(published(&said("<body>x")), Some((None, Some("2026-11-21".to_owned()), Origin::Address)));
    let page = "<body><article><time itemprop=dateModified datetime=2026-11-22T01:00Z>now</time><time itemprop=datePublished datetime=2026-11-20T01:00Z>then</time></article>
        <aside><time datetime=2020-01-01T00:00Z>old</time></aside>";
    assert_eq!(published(&said(page)), Some((Some("2026-11-20T01:00:00Z".to_owned()), None, Origin::Page)));
    assert_eq!(said(page).modified.unwrap().value.at.unwrap().to_string(), "2026-11-22T01:00:00Z");
}

#[test]
fn canonical_addresses_that_count() {
    let of = |html: &str| head(html).canonical.map(|said| said.value.to_string());
    assert_eq!(of("<link rel=canonical href=/>"), None);
    assert_eq!(
        of("<link rel=canonical href=https://www.example.org/a#part>").as_deref(),
        Some("https://www.example.org/a")
    );
    assert_eq!(
        of("<link rel='x Canonical' href='?id=7'>").as_deref(),
        Some("https://news.example.org/2026/11/21/invented-story?id=7")
    );
    assert_eq!(of("<base href=/fr/><link rel=canonical href=b>").as_deref(), Some("https://news.example.org/fr/b"));
    assert_eq!(
        of("<link rel=canonical href=/><meta property=og:url content=https://news.example.org/c>").as_deref(),
        Some("https://news.example.org/c")
    );
    let elsewhere = head("<link rel=canonical href=https://wire.example.com/a>");
    assert_eq!(
        (elsewhere.canonical, elsewhere.canonical_elsewhere.unwrap().as_str()),
        (None, "https://wire.example.com/a")
    );
    for bad in ["javascript:void(0)", "https://", "mailto:desk@example.org", "data:text/html,x"] {
        assert_eq!(of(&format!("<link rel=canonical href='{bad}'>")), None, "{bad}");
    }
}

#[test]
fn languages_and_their_disagreement() {
    let page = said("<html lang=fr-CA><head><meta property=og:locale content=en_CA></head>");
    assert_eq!((page.language.unwrap().value.as_str(), page.language_disputed), ("fr-CA", true));
    let page = said("<head><meta property=og:locale content=fr_CA><meta name=dcterms.language content=fra></head>");
    assert_eq!((page.language.unwrap().value.as_str(), page.language_disputed), ("fr-CA", false));
    let page = said("<head><meta http-equiv=Content-Language content='de, en'></head>");
    assert_eq!(page.language.unwrap().value, "de");
    assert_eq!(said("<html lang='not a tag'>").language, None);
}

#[test]
fn reservations_and_flags() {
    let page = head(
        "<meta name=ROBOTS content='NoIndex, nofollow'><meta name=googlebot content=nosnippet><meta name=tdm-reservation content=0>
         <meta name=tdm-policy content=/policy.json><link rel=license href=https://licence.example/by>
         <script type=application/ld+json>{\"@type\":\"AdvertiserContentArticle\",\"isAccessibleForFree\":\"False\"}</script>",
    );
    assert_eq!(page.robots[0].rules, ["noindex", "nofollow"]);
    assert_eq!(page.robots[1].agent, "googlebot");
    assert_eq!(
        (page.tdm.reserved, page.tdm.policy.unwrap().as_str()),
        (Some(false), "https://news.example.org/policy.json")
    );
    assert_eq!(page.license.unwrap().as_str(), "https://licence.example/by");
    assert!(page.sponsored && page.paywalled);
    assert!(head("<meta property=article:content_tier content=metered>").paywalled);
    assert!(said("<body><div class='c-Paywall'>x</div>").paywalled);
    assert_eq!(head("<meta name=tdm-reservation content=maybe>").tdm.reserved, None);
}

#[test]
fn what_is_no_article_is_said_to_be_none() {
    let shell = format!(
        "<head><script>{}</script></head><body><div id=root></div><noscript>Please enable JavaScript.</noscript>",
        "x();".repeat(1_000)
    );
    assert_eq!(read(&shell).body.strength, Strength::JsOnly);
    assert_eq!(read("<body><p>Short.</p>").body.strength, Strength::Weak);
    assert_eq!(said("<title>Just a moment...</title><body>Checking").wall, Some(Wall::Challenge));
    assert_eq!(said("<body>We value your privacy <button>Accept</button>").wall, Some(Wall::Consent));
    let long = "A long story about pages that verify you are human, invented. ".repeat(60);
    assert_eq!(said(&format!("<body><p>{long}</p>")).wall, None);
    let links: String = (0..60)
        .map(|number| format!("<li><a href=/{number}>An invented link to something {number}</a></li>"))
        .collect();
    assert_eq!(read(&format!("<body><ul>{links}</ul>")).body.strength, Strength::Weak);
}

#[test]
fn text_that_only_json_says_is_taken() {
    let text = "An invented sentence, with commas, that goes on. ".repeat(8);
    let page = format!(
        "<body><div id=app></div><script type=application/ld+json>{{\"@type\":\"Article\",\"articleBody\":\"&lt;p&gt;{text}&lt;/p&gt;&lt;p&gt;End.&lt;/p&gt;\"}}</script>"
    );
    let body = read(&page).body;
    assert!(body.text.ends_with("\nEnd."), "{}", body.text);
    assert_eq!(body.strength, Strength::Ok);
}

#[test]
fn french_and_right_to_left_text_comes_whole() {
    let french = "L’été, d’après « l’Office », s’achève à l’aube ; rien n’est sûr, dit-on ici. ".repeat(5);
    let arabic = "هذا نص مخترع، طويل بما يكفي ليقرأ، وفيه فواصل كثيرة. ".repeat(5);
    for (tag, text) in [("fr", &french), ("ar", &arabic)] {
        let page = format!(
            "<html lang={tag} dir=rtl><title>T</title><body><nav>Menu</nav><article><h1>T</h1><p>{text}</p><p>{text}</p></article><footer>Fin</footer>"
        );
        let body = read(&page).body;
        assert_eq!(body.text, format!("{0}\n{0}", text.trim()));
        assert_eq!(body.strength, Strength::Ok);
    }
}

#[test]
fn hostile_nesting_and_repetition_end_soon() {
    for piece in [
        "<div>",
        "<b>",
        "<p>",
        "<a href=x>",
        "<table>",
        "<svg>",
        "<li><ul>",
        "<form><div></form>",
        "<span><div></span>",
        "<table><td></table><b>",
        "<select>",
        "</p>",
        "<!--",
        "<meta name=a content=b>",
        "<h1>x",
        "<i class=byline>x",
        "<div itemscope>",
    ] {
        hostile(&piece.repeat(20_000));
    }
    let formatting: String = (0..5_000).map(|number| format!("<b id={number}><p>x")).collect();
    hostile(&formatting);
    let attributes: String = (0..20_000).map(|number| format!(" a{number}")).collect();
    hostile(&format!("<p{attributes}>x"));
}

/// Reads a page and looks at what bounds the time for it: how deep its tree is, and how many nodes were made of its tags.
#[track_caller]
fn hostile(html: &str) {
    let page = Page::read(html, &Url::parse(ADDRESS).unwrap());
    let (mut depth, mut deepest, mut nodes) = (0_usize, 0, 0_usize);
    for edge in page.html().tree.root().traverse() {
        match edge {
            ego_tree::iter::Edge::Open(_) => {
                depth += 1;
                nodes += 1;
                deepest = deepest.max(depth);
            }
            ego_tree::iter::Edge::Close(_) => depth -= 1,
        }
    }
    let start: String = html.chars().take(40).collect();
    assert!(deepest <= 600, "{start}: {deepest} deep");
    assert!(nodes <= 300_000, "{start}: {nodes} nodes");
    let _ = extract(&page);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("<p>".to_owned()),
            Just("</p>".to_owned()),
            Just("<div class=\"byline\">".to_owned()),
            Just("</div>".to_owned()),
            Just("<article itemscope itemtype=https://schema.org/Article>".to_owned()),
            Just("<table><tr><td>".to_owned()),
            Just("<a href=\"//x\">".to_owned()),
            Just("<b>".to_owned()),
            Just("<pre>".to_owned()),
            Just("<script type=application/ld+json>".to_owned()),
            Just("{\"@type\":\"Article\",\"author\":[{\"name\":".to_owned()),
            Just("</script>".to_owned()),
            Just("<meta property=og:title content=\"".to_owned()),
            Just("\">".to_owned()),
            Just("<title>a - b | c".to_owned()),
            Just("<time datetime=\"".to_owned()),
            Just("<link rel=canonical href=\"".to_owned()),
            Just("&amp;#x0;&quot;".to_owned()),
            "\\PC{0,20}",
            any::<String>().prop_map(|text| text.chars().take(20).collect()),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn nothing_panics_and_twice_is_the_same(page in pieces()) {
            prop_assert_eq!(read(&page), read(&page));
        }

        #[test]
        fn apart_is_as_together(page in pieces()) {
            let parsed = Page::read(&page, &Url::parse(ADDRESS).unwrap());
            let whole = extract(&parsed);
            prop_assert_eq!(&whole.about, &about(&parsed));
            prop_assert_eq!(&whole.body, &super::super::body(&parsed));
        }
    }
}
