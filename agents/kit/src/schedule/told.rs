//! What was a person told last? A state that lasts is told once, and so is its end.

use std::sync::{Mutex, PoisonError};

/// Something that is in order or not.
#[derive(Debug, Default)]
pub struct Told(Mutex<Option<String>>);

impl Told {
    /// It is not in order. True where that, or the reason, is news.
    pub fn trouble(&self, why: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = told.as_deref() != Some(why);
        *told = Some(why.to_owned());
        news
    }

    /// It is in order. True where it was not before.
    pub fn good(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Told;

    #[test]
    fn change_is_news_and_what_lasts_is_not() {
        let told = Told::default();
        let said =
            [told.good(), told.trouble("away"), told.trouble("away"), told.trouble("full"), told.good(), told.good()];
        assert_eq!(said, [false, true, false, true, true, false]);
    }
}
