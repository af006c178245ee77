//! How are public, hashtag and account timelines of the Mastodon client API collected?
//!
//! **Ids.** A post is named by its ActivityPub `uri`, an account by its `uri` (else its `url`): the same through every server that shows it. The
//! server's own `id` is the handle by which this server is asked again; it is opaque, and compared only where all ids of a page are decimal
//! numbers (Mastodon's own rule: the longer is the newer, then the greater).
//!
//! **Walks.** The first look pages back from the newest post, 400 posts unless the seed says otherwise. From then on servers whose `Link` header
//! leads forward with `min_id` are walked forward, page by page, until a page is empty. Servers without it (snac) are read from the newest page
//! back until a page holds nothing new, because what they make of `min_id` is anybody's guess. An empty first page asks the instance document
//! before it is believed: a feed that the server closes is a halt, never worked around.
//!
//! **Seeds** are addresses, of the API or of the page people see: `/public`, `/public/local`, `/public/remote`, `/tags/NAME`, `/@user`,
//! `/@user@host`, `/api/v1/timelines/public`, `/api/v1/timelines/tag/NAME`, `/api/v1/accounts/ID/statuses`. The API's own parameters (`local`,
//! `remote`, `only_media`, `any[]`, `all[]`, `none[]`, `exclude_replies`, `exclude_reblogs`, `tagged`) are passed on. Two are for this program
//! and never sent: `first=N`, the bound of the first look (0 to 10,000; whole pages are read), and `noindex=keep`.
//!
//! **Whose posts.** Kept are posts of visibility `public` and `unlisted`, nothing else. On public and hashtag timelines, posts of accounts that ask
//! not to be indexed (`noindex`) are left out and counted as unreadable, unless the seed says `noindex=keep`; an account that an entry names is
//! kept whatever it says, since two people signed for it. `discoverable` and `indexable` are off by default on most servers, so no wish can be read
//! from them: they are noted in the account's record and decide nothing.
//!
//! **Again.** Posts are asked for again an hour, a day and a week after they were first seen: an edit is a new revision, 404 or 410 says that the
//! post is gone, now private, or no longer known to this server. Where the API's `/api/v1/statuses/ID` needs an account (snac), the ActivityPub
//! object at the post's own address is asked instead; it tells deletions only, edits show while the post stands on the newest page.
//!
//! In `extra`: `content_warning`, `sensitive`, `poll` (`options`, `multiple`, `expires_at`), `application`, `fields` and `moved_to` of accounts;
//! outside the content hash `volatile_card`, `volatile_poll`, `volatile_quote_state`, `volatile_account`. Link previews are made by each server some
//! time after the post, so they are no part of what its author published.
//!
//! An entry's `match` covers `/api/` of the server; for servers without `Link` headers also the posts' own addresses there.
//!
//! Tried against Mastodon's recorded answers and a live snac; GoToSocial, Pleroma and Akkoma answer in the same form and are untested, as are
//! Friendica and Pixelfed. Left out on purpose: streaming and search (both need an account), `/history` of edits (what stood between two looks
//! was never seen by us), pictures themselves.

mod collector;
pub mod parse;
pub mod text;
mod timeline;
mod wire;

pub use collector::Mastodon;
pub use timeline::Timeline;

/// Platform of every record: ids are ActivityPub's.
pub const PLATFORM: &str = "mastodon";
