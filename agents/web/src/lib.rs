//! How are web pages read: listings, articles and sitemaps, by a recipe of CSS selectors?

pub mod article;
mod collector;

pub use collector::Web;
