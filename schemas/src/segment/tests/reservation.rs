//! What may an answer say of the site's reservation file?

use jiff::SignedDuration;

use super::*;
use crate::reservation::PATH;

const FILE: &[u8] =
    b"HTTP/1.1 200 OK\r\n\r\n[{\"location\": \"/a\", \"tdm-reservation\": 1, \"tdm-policy\": \"https://news.example.org/terms\"}]";

/// What is found to contradict a page at `/a/1` whose reservation is what `change` makes of the truth, in a segment with that file; `asked` on that host.
fn found(asked: &str, change: impl FnOnce(&mut Option<Reservation>)) -> Vec<&'static str> {
    let (file, _) = made_with(&[], |writer, target| {
        let mut put = |url: String, origin: Origin, response: &[u8], reservation: Option<Reservation>| {
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            let host = url.split('/').nth(2).unwrap_or_default();
            let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
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
                ask: GateAsk { url: url.clone(), origin, ..ask() },
                decision: Decision { url: Some(url.clone()), ..decision() },
                reservation,
                read: false,
                ..exchanged(response, target)
            };
            writer.exchange(fetch, exchange).unwrap()
        };
        let named = put(format!("https://{asked}{PATH}"), Origin::Reservation { hop: 0 }, FILE, None);
        let mut said = Some(Reservation {
            said_by: Some(named),
            fetched_at: at(1),
            outcome: ReservationOutcome::Read,
            rule: Some(ReservationRule {
                location: "/a".into(),
                reserved: true,
                policy: Some("https://news.example.org/terms".into()),
            }),
        });
        change(&mut said);
        put("https://news.example.org/a/1".into(), Origin::Plan, b"HTTP/1.1 200 OK\r\n\r\nbody", said);
    });
    let segment = Segment::read(&file).unwrap();
    let view = segment.view().unwrap();
    let codes = contradictions(&segment, &view).into_iter().map(|found| found.code);
    codes.filter(|code| *code == "reservation").collect()
}

#[test]
fn a_reservation_is_what_the_named_file_says() {
    let site = "news.example.org";
    assert_eq!(found(site, |_| {}), [""; 0]);
    assert_eq!(found("www.example.org", |_| {}), ["reservation"], "another site's file");
    let lies: [fn(&mut Reservation); 7] = [
        |said| said.rule = None,
        |said| said.outcome = ReservationOutcome::Absent,
        |said| said.said_by = None,
        |said| {
            said.rule.iter_mut().for_each(|rule| rule.reserved = false);
        },
        |said| {
            said.rule.iter_mut().for_each(|rule| rule.policy = None);
        },
        |said| said.fetched_at = at(1) - SignedDuration::from_hours(25),
        |said| said.fetched_at = at(1) + SignedDuration::from_hours(1),
    ];
    for change in lies {
        assert_eq!(found(site, |said| said.iter_mut().for_each(change)), ["reservation"]);
    }
    // A file of an earlier segment is not at hand; the lack of any is the reader's to judge.
    let earlier = "urn:uuid:6f1c0a52-3b8e-4c43-9d3f-0a1b2c3d4e5f";
    assert_eq!(found(site, |said| said.iter_mut().for_each(|said| said.said_by = Some(earlier.into()))), [""; 0]);
    assert_eq!(found(site, |said| *said = None), [""; 0]);
    let unread = |said: &mut Reservation| {
        (said.said_by, said.outcome, said.rule) = (None, ReservationOutcome::Unreachable, None);
    };
    assert_eq!(found(site, |said| said.iter_mut().for_each(unread)), [""; 0]);
}
