//! What does a request that carried a credential excuse?

use super::*;

/// What is found to contradict a request that carried a credential and was redirected: sent to `sent`, asked for as `asked`.
fn redirected(sent: &str, asked: &str) -> Vec<&'static str> {
    let (file, _) = made_with(&[], |writer, target| {
        let mut put = |path: &str, asked: &str, origin: Origin, response: &[u8]| {
            let url = format!("https://news.example.org{asked}");
            let line = format!("GET {path} HTTP/1.1\r\n");
            let request = format!("{line}Host: news.example.org\r\nX-Key: ********\r\n\r\n");
            let struck = |from: usize, len: usize| crate::capture::Struck {
                part: "request".into(),
                from: from as u64,
                len: len as u64,
                slot: "key".into(),
            };
            let all = request.match_indices("********").map(|(from, found)| struck(from, found.len())).collect();
            let fetch = Fetch {
                id: None,
                url: &url,
                date: at(1),
                request: request.as_bytes(),
                response: response.to_vec().into(),
                payload_digest: Digest::of(b""),
                kind: ResponseKind::Full,
                ip: None,
                truncated: None,
            };
            let exchange = |response| Exchange {
                ask: GateAsk { url: url.clone(), origin, slot: Some("key".into()), ..ask() },
                decision: Decision { url: Some(url.clone()), ..decision() },
                struck: all,
                ..exchanged(response, target)
            };
            writer.exchange(fetch, exchange).unwrap()
        };
        let moved = b"HTTP/1.1 302 Found\r\nLocation: /moved?id=1\r\n\r\n";
        let from = put("/first?key=********", "/first?key=********", Origin::Plan, moved);
        put(sent, asked, Origin::Redirect { from, hop: 1 }, b"HTTP/1.1 200 OK\r\n\r\n");
    });
    let segment = Segment::read(&file).unwrap();
    let view = segment.view().unwrap();
    contradictions(&segment, &view)
        .into_iter()
        .map(|found| found.code)
        .filter(|code| ["redirect", "request", "struck"].contains(code))
        .filter({
            let mut usual = true;
            // The exchange that is in each of these segments has no decision, and says so.
            move |code| !(*code == "request" && std::mem::take(&mut usual))
        })
        .collect()
}

#[test]
fn a_credential_excuses_no_other_redirect_and_no_other_request() {
    let moved = "/moved?id=1&key=********";
    assert_eq!(redirected(moved, moved), [""; 0]);
    assert_eq!(redirected("/moved?id=1", "/moved?id=1"), [""; 0]);
    assert_eq!(redirected("/other?id=1&key=********", "/other?id=1&key=********"), ["redirect"]);
    assert_eq!(redirected("/moved********y=********", moved), ["request"]);
}
