//! Four small collectors with made-up sources, each of another shape, run through the suite.

mod stubs;

use kit::conformance::assert_conforms;

fn fixtures(name: &str) -> String {
    format!("{}/tests/stubs/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn paged_query_with_a_credential_and_billed_units_conforms() {
    assert_conforms(&stubs::paged::Paged, fixtures("paged"));
}

#[test]
fn stream_read_in_chunks_conforms() {
    assert_conforms(&stubs::stream::Stream, fixtures("stream"));
}

#[test]
fn register_in_a_zip_conforms() {
    assert_conforms(&stubs::register::Register, fixtures("register"));
}

#[test]
fn listing_and_its_articles_conform() {
    assert_conforms(&stubs::listing::Listing, fixtures("listing"));
}
