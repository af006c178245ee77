//! How does a permitted request become bytes that can be kept?
//!
//! [`Web`] is the agents' only way to the network of others. It takes a [`Permitted`](crate::gate::Permitted), which the gate alone makes, looks a name up
//! once, connects to the addresses that were judged and to no others, follows redirects by hand through the gate, and keeps what was sent and received.
//! Every bound has an error that names the address and the bound. No cookies, no proxies, no decoding, no second try: the engine decides on those.

mod arrived;
mod arriving;
mod client;
mod framer;
mod keep;
mod limits;
mod lookup;
mod network;
mod outgoing;
mod receive;
mod reservation_file;
mod robots_txt;
mod send;
mod status;
mod stream;
mod trip;
mod trouble;
mod web;
mod wire;

pub use client::ClientError;
pub use limits::Limits;
pub use lookup::{Lookup, SystemLookup};
pub use receive::FetchError;
pub use web::{Setup, Web, WebError, user_agent};

pub(crate) use client::{chain, tls};
pub(crate) use trouble::why;
