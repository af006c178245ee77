//! Which pages does a recipe ask for, and what does a reading of them say?

use kit::{About, Answer, Ask, Collector, Halt, Reading, Request};

/// Collects web pages by a recipe of CSS selectors, which is part of what was signed.
pub struct Web;

impl Collector for Web {
    const NAME: &'static str = "web";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About { overlap: true, ..About::of("web pages by recipe") }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Vec<Request<()>> {
        vec![Request::get(&ask.target.url, ())]
    }

    fn read(&self, answer: &Answer<'_, ()>, _out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        Err(answer.unreadable("recipe", "the target names none"))
    }
}
