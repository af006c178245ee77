//! Which pages does a recipe ask for, and who reads what comes?

use kit::{About, Answer, Ask, Collector, Halt, Reading, Recipes, Request, Unreadable, Work};

use crate::{
    ask::{Asked, Step},
    explain::Explains,
    list, page,
    recipe::Start,
    sitemap,
    web::Web,
};

impl Collector for Web {
    const NAME: &'static str = "web";
    type Cursor = ();
    type Step = Step;

    fn about(&self) -> About {
        About {
            misses: "what a listing dropped between two runs; pages that only scripts fill; edits later than eight days after first sight".to_owned(),
            overlap: true,
            reservations: true,
            // An hour, six, a day, a week: articles change soon or not at all.
            recheck_after_secs: vec![3_600, 21_600, 86_400, 604_800],
            batch: 1,
            ..About::of("web pages by a recipe of CSS selectors")
        }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<Step>>, Unreadable> {
        // A target without a sound recipe rests: `recipes` says why before a run begins.
        let Ok(recipe) = self.recipe(ask.target) else { return Ok(Vec::new()) };
        Ok(match &ask.work {
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
        })
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
