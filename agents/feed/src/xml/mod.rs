//! How is markup read that need not be well formed?
//!
//! `token` cuts text into tags and text, `entity` decodes references, `names` knows the namespaces of feeds, and `document` builds
//! entries from the tokens. One pass, nothing external, no DTD, no entity definitions: a hostile document costs what its bytes cost.
//!
//! Why not an XML parser: after an unescaped `<` or `&`, a missing end tag or an open CDATA section, the entries that follow must still be
//! read. On well-formed fixtures the tests compare the tokens with those of `quick-xml`.

pub mod document;
pub mod entity;
pub mod names;
pub mod token;
