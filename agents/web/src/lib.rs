//! How are web pages read: listings, articles and sitemaps, by a recipe of CSS selectors?
//!
//! A site is a file, not a program: [`recipe`] says what one may hold, `README.md` beside the crate explains every key. The text of the recipe is signed
//! with the allowlist and kept with every run, so an old page is read again by its own recipe.
//!
//! What a page says and a record has no field for stands in `extra`: `site`, `description`, `authors` (where there are several), `alternates` (language to
//! address), `canonical_elsewhere` (an address of choice on another host, which names nothing here), `robots`, `tdm_reservation` and
//! `tdm_said_by` (what [`signals`] found), `withheld` (what was left out, and why), `extraction` (`weak` or `js_only`), `section`, `license`, `paywalled`, `sponsored`, the recipe's own `[extra]` fields, and outside the
//! content hash `volatile_unmatched` (keys of the recipe that matched nothing on this page) and `volatile_tdmrep` (`unreadable`: the site's reservation file is no JSON).

pub mod article;
mod ask;
mod collector;
mod explain;
mod lines;
mod list;
mod moment;
mod page;
pub mod recipe;
pub mod signals;
mod sitemap;
mod text;
mod walk;
mod web;
mod whole;

pub use ask::{Asked, Step};
pub use web::Web;
