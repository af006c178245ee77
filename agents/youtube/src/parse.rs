//! What does the API say of a video? Its JSON read place by place, so that what is odd is named by where it stands.

use kit::{Json as _, Record, Unreadable, dates::claimed};
use schemas::record::{Author, Kind, Media};
use serde_json::Value;

/// Counters by our name, and where they stand: as text, and absent where the channel hides them.
const COUNTERS: [(&str, &str); 3] =
    [("views", "/statistics/viewCount"), ("likes", "/statistics/likeCount"), ("comments", "/statistics/commentCount")];

/// The items of a list. None only where the API counts none: of an unknown channel it leaves out the list itself.
pub fn items(json: &Value) -> Result<&[Value], Unreadable> {
    let items = json.maybe_list("/items")?.unwrap_or_default();
    match json.need::<u64>("/pageInfo/totalResults")? {
        total if items.is_empty() && total > 0 => Err(Unreadable::new("/items", format_args!("no list of {total}"))),
        _ => Ok(items),
    }
}

/// One item of `videos`.
pub fn video(item: &Value) -> Result<Record, Unreadable> {
    match item.need("/status/privacyStatus")? {
        "public" => {}
        hidden @ ("unlisted" | "private") => {
            return Err(Unreadable::new("/status/privacyStatus", format_args!("left out: {hidden}")));
        }
        other => return Err(Unreadable::unknown_value("/status/privacyStatus", other)),
    }
    let id: &str = item.need("/id")?;
    let mut video = Record::new(Kind::Video, crate::PLATFORM, id);
    video.url = Some(format!("https://www.youtube.com/watch?v={id}"));
    let (channel, name) = (item.need("/snippet/channelId")?, item.need("/snippet/channelTitle")?);
    video.author = Some(Author { id: Some(channel), name: Some(name), ..Author::default() });
    video.published_at = claimed(item.need("/snippet/publishedAt")?);
    video.title = Some(item.need("/snippet/title")?);
    video.text = Some(item.need("/snippet/description")?);
    video.language = item.maybe("/snippet/defaultAudioLanguage")?.or(item.maybe("/snippet/defaultLanguage")?);
    video.tags = item.maybe("/snippet/tags")?.unwrap_or_default();
    let picture = item.maybe("/snippet/thumbnails/high/url")?;
    video.media = picture.map(|url| Media { alt: None, media_type: None, url }).into_iter().collect();
    for (name, place) in COUNTERS {
        let count = item.maybe(place)?.map(str::parse).transpose();
        video.set_metric(name, count.map_err(|why| Unreadable::new(place, why))?);
    }
    video.set_extra("duration", item.maybe::<String>("/contentDetails/duration")?);
    video.set_extra("paid_promotion", item.maybe::<bool>("/paidProductPlacementDetails/hasPaidProductPlacement")?);
    video.set_extra("synthetic_media", item.maybe::<bool>("/status/containsSyntheticMedia")?);
    video.set_extra("volatile_live", item.maybe::<String>("/snippet/liveBroadcastContent")?);
    Ok(video)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn harbour() -> Value {
        json!({
            "id": "EXAMPLEvid1",
            "snippet": {
                "publishedAt": "2026-11-20T08:00:07Z", "channelId": "UCexample000000000000001", "channelTitle": "Harbour",
                "title": "Strait reopened", "description": "Since Friday.", "defaultLanguage": "en"
            },
            "status": { "privacyStatus": "public" },
            "statistics": { "viewCount": "15321" }
        })
    }

    /// What becomes of a video when one value of it is another.
    fn with(place: &str, value: Value) -> Result<Record, String> {
        let mut item = harbour();
        *item.pointer_mut(place).unwrap() = value;
        video(&item).map_err(|why| why.to_string())
    }

    #[test]
    fn hidden_counts_are_absent_and_not_zero() {
        let read = video(&harbour()).unwrap();
        assert_eq!(read.metrics.into_iter().collect::<Vec<_>>(), [("views".to_owned(), 15_321)]);
    }

    #[test]
    fn marks_that_the_api_does_not_give_are_absent() {
        assert_eq!(video(&harbour()).unwrap().extra.len(), 0);
    }

    #[test]
    fn language_of_the_sound_goes_before_that_of_the_text() {
        assert_eq!(video(&harbour()).unwrap().language.as_deref(), Some("en"));
        let mut item = harbour();
        item["snippet"]["defaultAudioLanguage"] = json!("en-GB");
        assert_eq!(video(&item).unwrap().language.as_deref(), Some("en-GB"));
    }

    #[test]
    fn what_is_not_public_or_not_known_is_left_out_with_its_reason() {
        assert!(with("/status/privacyStatus", json!("unlisted")).unwrap_err().contains("left out: unlisted"));
        assert!(with("/status/privacyStatus", json!("friends")).unwrap_err().contains("friends"));
    }

    #[test]
    fn odd_values_are_named_by_their_place() {
        assert!(with("/statistics/viewCount", json!("many")).unwrap_err().contains("/statistics/viewCount"));
        assert!(with("/snippet/title", Value::Null).unwrap_err().contains("/snippet/title"));
        assert!(with("/statistics", json!("hidden")).unwrap_err().contains("/statistics/viewCount"));
    }

    #[test]
    fn nothing_is_believed_only_where_the_api_counts_nothing() {
        assert!(items(&json!({ "pageInfo": { "totalResults": 0 } })).unwrap().is_empty());
        assert!(items(&json!({ "items": [], "pageInfo": { "totalResults": 2 } })).is_err());
        assert!(items(&json!({ "items": [] })).is_err());
    }
}
