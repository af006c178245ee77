//! Whose keys are they, and when is it?

use jiff::Timestamp;
use schemas::{Digest, manifest::Minute, policy::sign_statement, statement::Statement};
use tlog::SigningKey;

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &Digest::of(name.as_bytes()).0).unwrap()
}

pub fn id(name: &str) -> String {
    key(name).vkey().id_text()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn minute(text: &str) -> Minute {
    text.parse().unwrap()
}

pub fn sign(statement: &Statement, by: &[&str]) -> String {
    let keys: Vec<_> = by.iter().map(|name| key(name)).collect();
    sign_statement(statement, &keys.iter().collect::<Vec<_>>()).unwrap()
}
