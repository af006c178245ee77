//! Are real answers of the API read, and does none of their damage pass in silence?
//!
//! Runs over `../shared/real/platforms/youtube`: answers to other people's requests, of 2019, which asked for other parts than this collector does. So each is
//! read twice: as it stands, and with the parts that it was not asked for put beside those it has.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads files; the collector reads nothing")]

use std::{fs, path::Path};

use serde_json::{Value, json};

const API: &str = "https://youtube.googleapis.com/youtube/v3";

/// A case of one exchange in `folder`.
fn case(folder: &Path, step: &Value, status: u16, body: &Value) {
    fs::create_dir_all(folder).unwrap();
    let case = json!({
        "target": { "id": "real", "entry": "real", "url": format!("{API}/channels?id=UC_x5XG1OV2P6uZZ5FSM9Ttw") },
        "now": "2026-11-22T09:00:00Z",
        "exchanges": [{
            "step": step, "url": format!("{API}/anything"), "status": status,
            "headers": [["content-type", "application/json; charset=UTF-8"]], "body": "body.json"
        }]
    });
    fs::write(folder.join("case.json"), case.to_string()).unwrap();
    fs::write(folder.join("body.json"), body.to_string()).unwrap();
}

/// The same answer, with what the collector asks of every item.
fn completed(mut answer: Value, missing: impl Fn(&Value) -> Value) -> Value {
    for item in answer["items"].as_array_mut().unwrap() {
        let parts = missing(item);
        item.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    }
    answer
}

#[test]
fn real_answers_are_read_without_silent_loss() {
    let real = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/real/platforms/youtube"));
    if !real.is_dir() {
        eprintln!("skipped: {} is not there", real.display());
        return;
    }
    let read = |file: &str| serde_json::from_slice::<Value>(&fs::read(real.join(file)).unwrap()).unwrap();
    let videos = read("apidata/videos/videos_chart_paged_2.json");
    let uploads = read("apidata/playlist_items/playlist_items_filter_video.json");
    let channels = read("apidata/channel_info_multi.json");
    let ids = videos["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>();
    let list = json!({ "uploads": { "list": "PLOU2XLYxmsIJXsH2htG1g0NUjHGq62Q7i", "pages": 4, "under_way": false } });

    let temp = std::env::temp_dir().join(format!("vigie-youtube-real-{}", std::process::id()));
    case(&temp.join("videos"), &json!({ "videos": { "ids": ids, "left": [], "absent": [] } }), 200, &videos);
    case(&temp.join("uploads"), &list, 200, &uploads);
    case(&temp.join("channels"), &json!("channel"), 200, &channels);
    let whole = completed(
        videos,
        |_| json!({ "contentDetails": { "duration": "PT3M" }, "status": { "privacyStatus": "public" } }),
    );
    for item in whole["items"].as_array().unwrap() {
        let video = youtube::parse::video(item).unwrap();
        assert_eq!(video.title.as_deref(), item["snippet"]["title"].as_str());
        assert!(
            video.published_at.unwrap().at.is_some()
                && video.language.is_some()
                && video.tags.len() > 20
                && video.media.len() == 1
        );
    }
    case(&temp.join("videos-whole"), &json!({ "videos": { "ids": ids, "left": [], "absent": [] } }), 200, &whole);
    let whole =
        completed(uploads, |item| json!({ "contentDetails": { "videoId": item["snippet"]["resourceId"]["videoId"] } }));
    case(&temp.join("uploads-whole"), &list, 200, &whole);
    let whole = completed(channels, |_| json!({ "contentDetails": { "relatedPlaylists": { "uploads": "UUx" } } }));
    case(&temp.join("channels-whole"), &json!("channel"), 200, &whole);
    case(&temp.join("error-text"), &json!("channel"), 400, &read("error_response_simple.json"));
    case(&temp.join("error-permission"), &json!("channel"), 403, &read("apidata/error_permission_resp.json"));

    let report = kit::conformance::check(&youtube::Youtube, &temp);
    fs::remove_dir_all(&temp).unwrap();
    println!("{report}");
    for check in ["no panic on a damaged answer", "no silent loss", "damaged answers read the same again"] {
        let row = report.row(check).unwrap();
        assert!(row.tried > 0 && row.failed == 0, "{report}");
    }
}
