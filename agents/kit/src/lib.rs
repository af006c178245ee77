//! What is every agent made of?
//!
//! A collector says what to ask and what an answer holds ([`contract`]); everything else, from the gate to the push, happens here.

pub mod address;
pub mod body;
pub mod budget;
pub mod cli;
pub mod config;
pub mod conformance;
pub mod contract;
pub mod dates;
pub mod derive;
pub mod engine;
pub mod fetch;
pub mod gate;
pub mod json;
pub mod outbox;
pub mod policy;
pub mod push;
pub mod reservations;
pub mod robots;
pub mod schedule;
pub mod sealing;
pub mod secrets;
pub mod service;
pub mod state;

pub use body::{Charset, Element, Event, Frame, FrameData, Row, Table};
pub use cli::run;
pub use contract::{
    About, Absent, Answer, Ask, Bounds, Collector, Facts, Flow, Halt, Known, Matched, Part, Place, Reading,
    RecipeProblem, Recipes, Record, Refill, Request, Scope, Slot, SlotPlace, Target, TokenStyle, Unit, Unreadable,
    What, Work,
};
pub use json::Json;
