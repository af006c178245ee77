//! Which pages does a recipe ask for, and who reads what comes?

use std::sync::{Arc, Mutex, PoisonError};

use kit::{About, Answer, Ask, Collector, Halt, Reading, Recipes, Request, Target, Unreadable, Work};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    explain::Explains,
    list, page,
    recipe::{Recipe, Start},
    sitemap,
};

/// Platform of every record: ids are the web's, scoped by site.
pub const PLATFORM: &str = "web";

/// What pages should come as.
const HTML: &str = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1";

/// What sitemaps should come as.
const XML: &str = "application/xml, text/xml;q=0.9, */*;q=0.1";

/// Most recipes kept parsed: an agent has few, and one run has one.
const KEPT: usize = 16;

/// Collects web pages by a recipe of CSS selectors, which is part of what was signed.
///
/// One article is one record, named `HOST|ADDRESS` by its canonical address where that is on the host that answered, else by the address that answered.
/// A page in another language is a record of its own. Misses whatever a listing dropped between two runs, and pages that only scripts fill.
#[derive(Debug, Default)]
pub struct Web {
    recipes: Mutex<Vec<(String, Arc<Recipe>)>>,
}

/// Why a page was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// It lists items.
    List,
    /// It is a sitemap, below so many indexes.
    Sitemap {
        /// Indexes above it.
        depth: u8,
    },
    /// It is an item.
    Article(Asked),
}

/// What is known of an item before its page is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Its id, where it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its date as the listing has it, for pages that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<String>,
    /// Address of the page that named it as its version in another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin_of: Option<String>,
}

/// How an item is asked for again: its address, or this where the address alone would give another record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handle {
    url: String,
    #[serde(flatten)]
    asked: Asked,
}

impl Asked {
    /// The handle of the item at an address.
    pub fn handle(&self, url: &str) -> String {
        if self.listed.is_none() && self.twin_of.is_none() {
            return url.to_owned();
        }
        let handle = Handle { url: url.to_owned(), asked: Self { id: None, ..self.clone() } };
        serde_json::to_string(&handle).unwrap_or_else(|_| url.to_owned())
    }

    /// Address and facts of a known item. An id alone still holds the address: `HOST|ADDRESS`.
    fn again(id: &str, handle: &str) -> Option<(String, Self)> {
        let id = Some(id.to_owned());
        if let Ok(Handle { url, asked }) = serde_json::from_str(handle) {
            return Some((url, Self { id, ..asked }));
        }
        let (_, after) = handle.split_once('|').unwrap_or_default();
        let url = [handle, after].into_iter().find(|url| Url::parse(url).is_ok())?;
        Some((url.to_owned(), Self { id, ..Self::default() }))
    }
}

impl Web {
    /// The recipe of a target, parsed once.
    ///
    /// # Errors
    ///
    /// The target has none, or it is broken.
    pub(crate) fn recipe(&self, target: &Target) -> Result<Arc<Recipe>, Unreadable> {
        let Some(text) = &target.recipe else {
            return Err(Unreadable::new(
                "recipe",
                "the entry names none; `recipe = { file = …, digest = … }` belongs to it",
            ));
        };
        let mut kept = self.recipes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, recipe)) = kept.iter().find(|(known, _)| known == text) {
            return Ok(Arc::clone(recipe));
        }
        let recipe = Recipe::read(text, "recipe").map_err(|problems| {
            let first = problems.first().map(|problem| {
                let line = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
                format!("{line}{}; {}", problem.message, problem.hint)
            });
            Unreadable::new("recipe", first.unwrap_or_default())
        })?;
        let recipe = Arc::new(recipe);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((text.clone(), Arc::clone(&recipe)));
        Ok(recipe)
    }
}

impl Recipe {
    /// The languages its pages are asked in.
    fn accepts(&self) -> String {
        let all: Vec<&str> = self.language.iter().map(String::as_str).collect();
        all.join(", ")
    }

    /// A request for a listing.
    pub(crate) fn listing(&self, url: impl AsRef<str>) -> Request<Step> {
        Request::get(url, Step::List).accept(HTML, self.accepts())
    }

    /// A request for a sitemap.
    pub(crate) fn sitemap(&self, url: impl AsRef<str>, depth: u8) -> Request<Step> {
        Request::get(url, Step::Sitemap { depth }).accept(XML, "")
    }

    /// A request for an item's page.
    pub(crate) fn item(&self, url: impl AsRef<str>, asked: Asked) -> Request<Step> {
        Request::get(url, Step::Article(asked)).accept(HTML, "")
    }
}

impl Collector for Web {
    const NAME: &'static str = "web";
    type Cursor = ();
    type Step = Step;

    fn about(&self) -> About {
        About {
            misses: "what a listing dropped between two runs; pages that only scripts fill; edits later than eight days after first sight".to_owned(),
            overlap: true,
            // An hour, six, a day, a week: articles change soon or not at all.
            recheck_after_secs: vec![3_600, 21_600, 86_400, 604_800],
            batch: 1,
            ..About::of("web pages by a recipe of CSS selectors")
        }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Vec<Request<Step>> {
        // A target without a sound recipe rests: `recipes` says why before a run begins.
        let Ok(recipe) = self.recipe(ask.target) else { return Vec::new() };
        match &ask.work {
            Work::Poll => vec![match recipe.start {
                Start::List(_) => recipe.listing(&ask.target.url).if_changed(),
                Start::Sitemap(_) => recipe.sitemap(&ask.target.url, 0).if_changed(),
                Start::Page => recipe.item(&ask.target.url, Asked::default()).if_changed(),
            }],
            Work::Window { .. } => Vec::new(),
            Work::Items { due, .. } => due
                .iter()
                .filter_map(|known| Asked::again(&known.id, &known.handle))
                .map(|(url, asked)| recipe.item(url, asked))
                .collect(),
        }
    }

    fn read(&self, answer: &Answer<'_, Step>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Step>> {
        let recipe = self.recipe(answer.target)?;
        match answer.step {
            Step::List => list::read(&recipe, answer, out),
            Step::Sitemap { depth } => sitemap::read(&recipe, *depth, answer, out),
            Step::Article(asked) => page::read(&recipe, asked, answer, out),
        }
    }

    fn recipes(&self) -> Option<&dyn Recipes> {
        Some(&Explains)
    }
}
