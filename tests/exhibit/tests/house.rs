//! Does the house stand: ports, robots.txt, logs, control, doors that close?

mod common;

use std::io::Read;

use common::{ask, get, open};
use exhibit::{Exhibit, ForbiddenListener, Newsroom, Options};

#[test]
fn every_newsroom_of_the_cast_answers_on_its_own_port() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let mut ports: Vec<&str> = exhibit.listing().newsrooms.iter().map(|place| place.url.as_str()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), Newsroom::all().len());
    let status = |name: &str| get(&exhibit.feed_url(name)).status;
    let odd = [("moved", 301), ("slowdown", 429), ("login", 401), ("forbidden", 403)];
    for place in &exhibit.listing().newsrooms {
        let expected = odd.iter().find(|(name, _)| *name == place.name).map_or(200, |(_, status)| *status);
        assert_eq!(status(&place.name), expected, "{}", place.name);
        let everywhere = get(&format!("{}/{}/robots.txt", exhibit.base_url(), place.name));
        assert_eq!(everywhere.status, get(&format!("{}/robots.txt", place.url)).status, "{}", place.name);
    }
}

#[test]
fn robots_txt_is_of_every_mood() {
    let exhibit = Exhibit::start(Options::default()).unwrap();
    let robots = |name: &str| get(&format!("{}/robots.txt", exhibit.url(name)));
    assert!(robots("harbour").text().contains("Allow: /"));
    assert!(robots("riviere").text().contains("User-agent: Vigie"));
    assert_eq!(robots("mayak").status, 404);
    assert!(robots("dengta").text().contains("Disallow: /drafts/"));
    assert!(robots("quarry").text().contains("Crawl-delay: 1"));
    assert!(robots("oldpress").body.is_empty());
    assert!(robots("fast").body.starts_with(b"\xef\xbb\xbf#"));
    assert!(robots("closed").text().ends_with("Disallow: /\n"));
    assert_eq!(robots("broken-robots").status, 503);
    assert_eq!(robots("forbidden").status, 403);
}

#[test]
fn the_log_says_what_arrived() {
    let exhibit = open(&["harbour", "closed"]);
    ask("HEAD", &format!("{}?x=1", exhibit.feed_url("harbour")), &[("user-agent", "Vigie/0.1")]);
    let log = exhibit.log("harbour");
    assert_eq!(
        (log.len(), log[0].method.as_str(), log[0].path.as_str(), log[0].status),
        (1, "HEAD", "/news.atom?x=1", 200)
    );
    assert_eq!(log[0].header("user-agent"), Some("Vigie/0.1"));
    assert_eq!((exhibit.connections("harbour"), exhibit.connections("closed")), (1, 0));
}

#[test]
fn the_control_port_leads_and_tells() {
    let exhibit = open(&["harbour"]);
    let control = exhibit.listing().control.clone();
    get(&exhibit.feed_url("harbour"));
    let json = |method: &str, path: &str| -> serde_json::Value {
        serde_json::from_slice(&ask(method, &format!("{control}{path}"), &[]).body).unwrap()
    };
    assert_eq!(json("POST", "/-/advance")["round"], 1);
    assert_eq!(json("GET", "/-/round")["round"], 1);
    assert_eq!(exhibit.round(), 1);
    assert_eq!(json("GET", "/-/truth")[0]["entries"].as_array().unwrap().len(), 20);
    assert_eq!(json("GET", "/-/log/harbour")["seen"][0]["path"], "/news.atom");
    assert_eq!(json("GET", "/-/newsrooms")["newsrooms"][0]["name"], "harbour");
    assert_eq!(ask("GET", &format!("{control}/-/advance"), &[]).status, 404);
}

#[test]
fn a_stopped_exhibit_refuses_connections() {
    let exhibit = open(&["harbour"]);
    let addr = exhibit.url("harbour").trim_start_matches("http://").to_owned();
    assert!(std::net::TcpStream::connect(&addr).is_ok());
    exhibit.stop();
    assert!(std::net::TcpStream::connect(&addr).is_err());
}

#[tokio::test]
async fn it_serves_and_ends_inside_a_blocked_runtime() {
    let exhibit = open(&["harbour"]);
    assert_eq!(get(&exhibit.feed_url("harbour")).status, 200);
    drop(exhibit);
}

#[test]
fn the_forbidden_listener_counts_what_it_should_never_see() {
    use std::io::Write;
    let forbidden = ForbiddenListener::start().unwrap();
    assert_eq!((forbidden.connections(), forbidden.bytes()), (0, 0));
    let mut stream = std::net::TcpStream::connect(forbidden.addr()).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    // It closes once it has read to the end, and only then has it counted everything.
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!((forbidden.connections(), forbidden.bytes()), (1, 5));
}
