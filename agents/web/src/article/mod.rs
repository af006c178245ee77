//! What does an article's page say: text, title, dates, authors, languages, reservations?
