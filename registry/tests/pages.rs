//! What do people see in a browser: whole, in two languages, harmless whatever was collected, and only for those who may?

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use jiff::SignedDuration;
use registry::{
    api::Desk,
    core::{
        Config, Registry,
        storage::RealDisk,
        store::{Store as _, Token},
        testing::{self, Agent, Made, Page, World},
    },
    desk::RecordId,
    listener,
    search::SqliteIndex,
};
use schemas::{Digest, receipt::Receipt, statement::Statement, trust::TrustRoot};
use tempfile::TempDir;
use tower::ServiceExt as _;

const HOSTILE: &str = "<script>alert(1)</script> \"quoted\" & \u{202e}gnp.exe <img src=x onerror=alert(2)>";

struct Site {
    _folder: TempDir,
    world: World,
    desk: Desk,
    router: Router,
    agent: Agent,
    made: Vec<Made>,
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Site {
    /// A registry that everybody on the machine may read, or one with tokens.
    fn new(local: bool) -> Self {
        let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
        let registry =
            Registry::open(world.config_with(folder.path(), Arc::new(RealDisk), Arc::new(SqliteIndex))).unwrap();
        let agent = world.found(&registry);
        let desk = Desk::new(registry, local, false);
        let router = listener::router(desk.clone());
        Self { _folder: folder, world, desk, router, agent, made: Vec::new() }
    }

    /// The same with a few records, one of them revised, one of them hostile.
    fn with_records(local: bool) -> Self {
        let mut site = Self::new(local);
        site.collect(&[("a", "The harbour is free of ice"), ("b", "A ferry leaves at nine"), ("h", HOSTILE)]);
        site.collect(&[("a", "The harbour is full of ice"), ("b", "A ferry leaves at nine")]);
        site
    }

    fn collect(&mut self, items: &[(&str, &str)]) {
        self.world.pass(SignedDuration::from_mins(15));
        let made = self.agent.collect(&self.world, self.desk.registry(), &[Page::of(items)]);
        let answer = self.desk.registry().put_segment(&made.name, &made.bytes, 0).unwrap();
        assert!(matches!(testing::receipt_of(&answer), Receipt::Receipt { .. }), "{}", answer.receipt);
        self.agent.heard(&answer);
        self.made.push(made);
        self.settle();
    }

    fn settle(&self) {
        let registry = self.desk.registry();
        assert!(
            registry.wait_followed(registry.checkpoint().size, Duration::from_secs(30)),
            "{:?}",
            registry.trouble()
        );
    }

    async fn ask(&self, request: Request<Body>) -> Seen {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Seen { status: parts.status, headers: parts.headers, html: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Seen {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn get_with(&self, path: &str, name: &str, value: &str) -> Seen {
        self.ask(Request::get(path).header(name, value).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Seen {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Where the page of the item with that id is.
    fn record(&self, native: &str) -> String {
        let row: i64 = self
            .desk
            .store()
            .read(|db| {
                db.query_row(
                    "SELECT r.id FROM revisions r JOIN items i ON i.id = r.item WHERE i.native = ?1 ORDER BY r.number DESC LIMIT 1",
                    [format!("news.example.org|{native}")],
                    |row| row.get(0),
                )
            })
            .unwrap();
        format!("/record/{}", RecordId::of_row(row))
    }
}

/// What is wrong with a page as markup, if anything: tags that do not close, ids that stand twice, anything that runs.
fn fault(html: &str) -> Option<String> {
    let mut open: Vec<String> = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for piece in html.split('<').skip(1) {
        let (tag, _) = piece.split_once('>')?;
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('!') || ["meta", "link", "input", "br", "img", "col"].contains(&name.as_str()) {
            continue;
        }
        if tag.starts_with('/') {
            let last = open.pop();
            if last.as_deref() != Some(name.as_str()) {
                return Some(format!("</{name}> closes {last:?}"));
            }
        } else if !tag.ends_with('/') {
            open.push(name.clone());
        }
        // The one script is a file of our own, and nothing stands between its tags.
        let own = tag.starts_with("script src=\"/assets/vigie-") && html.contains(&format!("<{tag}></script>"));
        if ["style", "iframe", "object", "embed", "base"].contains(&name.as_str())
            || (name == "script" && !tag.starts_with('/') && !own)
        {
            return Some(format!("<{name}> has no place here"));
        }
        if let Some(id) = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next())
            && !ids.insert(id.to_owned())
        {
            return Some(format!("the id {id} stands twice"));
        }
        if tag.contains(" style=") || tag.split(' ').any(|part| part.starts_with("on") && part.contains('=')) {
            return Some(format!("<{tag}> carries style or script"));
        }
    }
    (!open.is_empty()).then(|| format!("{open:?} stay open"))
}

#[tokio::test]
async fn every_page_stands_in_both_languages() {
    let site = Site::with_records(true);
    let paths = [
        "/".to_owned(),
        "/?q=harbour".to_owned(),
        "/?q=nothing-like-it".to_owned(),
        site.record("a"),
        "/sources".to_owned(),
        "/sources/news".to_owned(),
        "/denials".to_owned(),
        "/denials?entry=news".to_owned(),
        "/denials?code=robots".to_owned(),
        "/sources/news?day=2026-11-21".to_owned(),
        "/coverage".to_owned(),
        "/coverage?to=2026-10-01".to_owned(),
        "/agents".to_owned(),
    ];
    for path in &paths {
        for (lang, tag, word) in [("en", "en-CA", "Skip to the content"), ("fr", "fr-CA", "Passer au contenu")] {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = site.get(&format!("{path}{mark}lang={lang}")).await;
            assert_eq!(page.status, StatusCode::OK, "{path} {lang}: {}", page.html);
            assert_eq!(fault(&page.html), None, "{path} {lang}");
            assert!(page.html.contains(&format!("<html lang=\"{tag}\">")), "{path}");
            assert!(page.html.contains(word), "{path} {lang}");
            for once in ["<h1", "<main", "<footer", "<head>"] {
                assert_eq!(page.html.matches(once).count(), 1, "{path} {lang} {once}");
            }
            assert!(!page.html.contains(if lang == "en" { "TRIAL" } else { "ESSAI" }), "{path} is no trial");
            assert!(page.html.contains("vigie.example.org/log"), "{path} names the log in its foot");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_a_browser_tame() {
    let site = Site::with_records(true);
    let css = site
        .get("/")
        .await
        .html
        .split("href=\"/assets/")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap()
        .to_owned();
    for path in
        ["/".to_owned(), site.record("h"), "/nowhere".to_owned(), "/record/9999.0".to_owned(), format!("/assets/{css}")]
    {
        let page = site.get(&path).await;
        let policy = page.header("content-security-policy");
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
    assert_eq!(site.get("/").await.header("cache-control"), "private, no-store");
    let sheet = site.get(&format!("/assets/{css}")).await;
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert!(sheet.header("cache-control").contains("immutable"));
    assert!(!sheet.html.contains("url(") && !sheet.html.contains("@import"), "the sheet loads nothing");
    assert_eq!(site.get("/assets/vigie-0000000000000000.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_collected_is_text_and_nothing_else() {
    let site = Site::with_records(true);
    for path in [site.record("h"), "/?q=alert".to_owned(), "/".to_owned()] {
        let page = site.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(fault(&page.html), None, "{path}");
        assert!(page.html.contains("script&#62;") || page.html.contains("script&gt;"), "{path} shows it, escaped");
        assert!(page.html.matches("<script").count() == 1 && !page.html.contains("<img src=x"), "{path}");
        assert!(!page.html.contains('\u{202e}') && page.html.contains("[U+202E]"), "{path} writes the override out");
    }
    let page = site.get("/?q=%3Cscript%3Ealert(1)%3C/script%3E%22onfocus=x").await;
    assert_eq!(fault(&page.html), None, "what was asked for comes back as text");
    assert_eq!(page.html.matches("<script").count(), 1);
}

#[tokio::test]
async fn a_record_shows_its_versions_and_its_chain_of_custody() {
    let site = Site::with_records(true);
    let path = site.record("a");
    let page = site.get(&path).await;
    assert!(page.html.contains("<del><span class=\"hidden\">Removed: </span>free "), "{}", page.html);
    assert!(page.html.contains("<ins><span class=\"hidden\">Added: </span>full "));
    for question in [
        "Who approved collecting it, and why?",
        "What did robots.txt say?",
        "What was fetched, byte for byte?",
        "Which program made the record?",
        "Was anything changed or removed since?",
        "What this cannot prove",
    ] {
        assert!(page.html.contains(question), "{question}");
    }
    assert!(page.html.contains("Every step was computed again and holds."));
    assert!(page.html.contains("the test site is ours"), "why robots.txt did not apply");
    assert!(page.html.contains("That the source really said this."));
    assert!(page.html.contains(&format!("/v1/records/{}/bundle", path.trim_start_matches("/record/"))));
    let answer = site.router.clone().oneshot(
        Request::get(format!("/v1/records/{}/bundle", path.trim_start_matches("/record/")))
            .body(Body::empty())
            .unwrap(),
    );
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn no_limit_of_a_trace_is_missing_in_french() {
    let site = Site::with_records(true);
    let path = site.record("a");
    let limits = |html: &str| -> Vec<String> {
        let list = html.split("<ul class=\"limits\">").nth(1).and_then(|rest| rest.split("</ul>").next()).unwrap();
        list.split("<li").skip(1).map(str::to_owned).collect()
    };
    let english = limits(&site.get(&format!("{path}?lang=en")).await.html);
    let french = limits(&site.get(&format!("{path}?lang=fr")).await.html);
    assert!(english.len() >= 5);
    assert_eq!(english.len(), french.len());
    for limit in &french {
        assert!(!limit.starts_with(" lang=\"en\""), "a limit has no French yet: {limit}");
    }
}

#[tokio::test]
async fn what_a_record_was_read_from_can_be_taken_away_byte_for_byte() {
    let site = Site::with_records(true);
    let path = site.record("b");
    let page = site.get(&path).await;
    let id = path.trim_start_matches("/record/");
    for part in ["body", "answer"] {
        assert!(page.html.contains(&format!("href=\"/v1/records/{id}/evidence?part={part}\" download")), "{part}");
    }
    let body = site.get(&format!("/v1/records/{id}/evidence?part=body")).await;
    assert_eq!(body.status, StatusCode::OK);
    assert!(body.html.contains("b: A ferry leaves at nine\n"), "{}", body.html);
    assert!(page.html.contains(&Digest::of(body.html.as_bytes()).to_string()), "its digest stands on the page");
    assert!(body.header("content-disposition").starts_with("attachment"));
    assert_eq!(body.header("content-type"), "application/octet-stream");
    assert!(body.header("content-security-policy").starts_with("sandbox"));
    let answer = site.get(&format!("/v1/records/{id}/evidence?part=answer")).await;
    assert!(answer.html.starts_with("HTTP/1.1 200 OK\r\n") && answer.html.ends_with(&body.html));
    // The test site is ours: its robots.txt was not asked.
    assert_eq!(site.get(&format!("/v1/records/{id}/evidence?part=robots")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&format!("/v1/records/{id}/evidence?part=other")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_language_of_the_page() {
    let site = Site::with_records(true);
    for (path, french) in [
        ("/?q=colour:red", "Il n’y a pas de champ <code>"),
        ("/?q=%22open", "Ce guillemet n’est pas fermé."),
        ("/?q=after:soon", "n’est ni un jour ni un instant."),
        ("/?cursor=nonsense", "Recommencez par les plus récentes."),
        ("/?colour=red", "n’est pas connu"),
        ("/record/9999.0", "Elle a peut-être été effacée."),
        ("/sources/none", "liste d’autorisation actuelle"),
        ("/coverage?to=soon", "n’est pas un jour"),
    ] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let page = site.get(&format!("{path}{mark}lang=fr")).await;
        assert!(page.html.contains(french), "{path}: {}", page.html);
        let main = page.html.split("<main").nth(1).unwrap();
        assert!(!main.contains("lang=\"en\""), "{path} quotes English");
    }
}

#[tokio::test]
async fn the_calendar_shows_a_gap_as_a_gap_in_colour_sign_and_words() {
    let mut site = Site::with_records(true);
    site.world.pass(SignedDuration::from_hours(72));
    site.collect(&[("c", "The quay is open again")]);
    let page = site.get("/coverage").await;
    assert_eq!(page.status, StatusCode::OK);
    let cell = |day: &str| {
        let cells = page.html.split("<td").find(|cell| cell.contains(&format!("href=\"/sources/news?day={day}\"")));
        cells.unwrap_or_else(|| panic!("no cell for {day}: {}", page.html)).to_owned()
    };
    // Three days of runs that were due every 15 minutes, and a later run that says nothing of them.
    let gap = cell("2026-11-22");
    assert!(gap.contains("class=\"slot not-attempted\"") && gap.contains(">–<"), "{gap}");
    assert!(gap.contains("due, and did not run"), "{gap}");
    assert!(page.html.contains("class=\"slot unpermitted\""), "before the entry was in force nothing was due");
    let day = site.get("/sources/news?day=2026-11-22").await;
    assert!(day.html.contains("22\u{a0}November\u{a0}2026\u{2069}, by half hour"), "{}", day.html);
}

#[tokio::test]
async fn an_erased_record_leaves_its_tombstone_and_no_word() {
    let site = Site::with_records(true);
    let path = site.record("h");
    let id: RecordId = path.trim_start_matches("/record/").parse().unwrap();
    let erasure = site.world.erasure(site.made[0].name, &[id.unit], &["eve", "finn"]);
    site.desk.registry().add_statement(&erasure).unwrap();
    site.settle();
    let page = site.get(&path).await;
    assert_eq!(page.status, StatusCode::GONE, "{}", page.html);
    assert_eq!(fault(&page.html), None);
    assert!(page.html.contains("lawfully erased") && !page.html.contains("alert(1)"));
    assert!(!site.get("/?q=alert").await.html.contains("onerror"));
}

#[tokio::test]
async fn what_is_not_known_is_refused_and_what_is_not_there_is_said() {
    let site = Site::with_records(true);
    for (path, status) in [
        ("/?colour=red", 400),
        ("/?q=a&q=b", 400),
        ("/?lang=de", 400),
        ("/?q=colour:red", 400),
        ("/?cursor=nonsense", 400),
        ("/sources?x=1", 400),
        ("/coverage?to=yesterday", 400),
        ("/sources/news?day=2026-13-01", 400),
        ("/agents?x=1", 400),
        ("/record/9999.0", 404),
        ("/record/abc", 404),
        ("/sources/none", 404),
        ("/nowhere", 404),
        ("/record/9999.0?lang=fr", 404),
    ] {
        let page = site.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert_eq!(fault(&page.html), None, "{path}");
    }
    let page = site.get("/?colour=red").await;
    assert!(page.html.contains("<code><bdi>colour</bdi></code> is not known"), "{}", page.html);
    assert!(site.get("/record/9999.0?lang=fr").await.html.contains("Introuvable"));
    let api = site.get("/v1/none").await;
    assert_eq!((api.status, api.header("content-type")), (StatusCode::NOT_FOUND, "application/problem+json"));
}

#[tokio::test]
async fn the_language_follows_address_then_cookie_then_browser() {
    let site = Site::new(true);
    assert!(site.get_with("/", "accept-language", "fr-CA,en;q=0.5").await.html.contains("lang=\"fr-CA\">"));
    let page = site
        .ask(
            Request::get("/")
                .header("accept-language", "en")
                .header("cookie", "a=b; vigie-lang=fr")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert!(page.html.contains("<html lang=\"fr-CA\">"));
    let page = site.get_with("/?lang=en", "cookie", "vigie-lang=fr").await;
    assert!(page.html.contains("<html lang=\"en-CA\">"));
    assert!(page.header("set-cookie").starts_with("vigie-lang=en;"));
    assert!(page.html.contains("href=\"/sources?lang=en\""), "links go on naming the language");
    assert!(page.html.contains("name=\"lang\" value=\"en\""), "and so does the form");
    let page = site.get("/?q=harbour").await;
    assert!(
        page.html.contains("href=\"/?q=harbour&#38;lang=fr\"")
            || page.html.contains("href=\"/?q=harbour&amp;lang=fr\"")
    );
}

#[tokio::test]
async fn pages_over_the_network_need_a_token_and_a_purpose() {
    let site = Site::with_records(false);
    let path = site.record("a");
    for path in ["/", path.as_str(), "/sources", "/coverage", "/agents", "/denials"] {
        let page = site.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.header("location").starts_with("/sign-in?next=%2F"), "{path}");
    }
    let form = site.get("/sign-in?next=/sources").await;
    assert_eq!((form.status, fault(&form.html)), (StatusCode::OK, None));
    assert!(!form.html.contains("vigie.example.org/log"), "the state of the log is for readers");
    let row = Token {
        name: "ana".to_owned(),
        role: "analyst".to_owned(),
        made_at: site.world.now(),
        expires_at: None,
        revoked_at: None,
    };
    site.desk.store().keep_token(&Digest::of(b"vgt_open"), &row).unwrap();
    let here = [("sec-fetch-site", "same-origin")];
    let fields = "token=vgt_open&purpose=file+2026-0042&next=%2Fsources";
    assert_eq!(
        site.post("/sign-in", fields, &[("origin", "https://example.net"), ("host", "vigie.example.org")]).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        site.post("/sign-in", "token=vgt_wrong&purpose=x&next=%2F", &here).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(site.post("/sign-in", "token=vgt_open&purpose=+&next=%2F", &here).await.status, StatusCode::BAD_REQUEST);
    let entered = site.post("/sign-in", fields, &here).await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/sources"));
    let cookie = entered.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie} lacks {part}");
    }
    let pair = cookie.split(';').next().unwrap();
    let page = site.get_with(&path, "cookie", pair).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("Sign out"));
    let purposes: Vec<String> = site
        .desk
        .store()
        .read(|db| {
            db.prepare("SELECT DISTINCT purpose FROM audit WHERE who = 'ana'")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
        .unwrap();
    assert_eq!(purposes, ["file 2026-0042"]);
    let left = site.post("/sign-out", "", &here).await;
    assert!(left.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn a_trial_says_so_on_every_page() {
    const ORIGIN: &str = "demo.vigie.invalid/log";
    let (world, folder) = (World::default(), tempfile::tempdir().unwrap());
    let key = testing::key(ORIGIN);
    let root = TrustRoot { origin: ORIGIN.to_owned(), trial: true, log_key: key.vkey().to_string(), ..world.root() };
    let config = Config { key, ..world.config_with(folder.path(), Arc::new(RealDisk), Arc::new(SqliteIndex)) };
    let registry = Registry::open(config).unwrap();
    let statement = Statement::Root { v: 1, root, salt: Digest([7; 32]) };
    registry.add_statement(&testing::sign(&statement, &["bob", "cleo"])).unwrap();
    let desk = Desk::new(registry, true, false);
    let router = listener::router(desk.clone());
    let site = Site { _folder: folder, agent: Agent::new("agent-1"), world, desk, router, made: Vec::new() };
    for path in ["/", "/sources", "/coverage", "/denials", "/agents", "/nowhere", "/record/1.1"] {
        for (lang, word) in [("en", "TRIAL"), ("fr", "ESSAI")] {
            let html = site.get(&format!("{path}?lang={lang}")).await.html;
            assert!(html.contains(&format!("<title>{word} – ")), "{path} {lang}: in the title");
            assert!(html.contains(&format!("role=\"note\"><strong>{word}</strong>")), "{path} {lang}: in a banner");
        }
    }
}
