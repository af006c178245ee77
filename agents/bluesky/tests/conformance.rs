//! Does the collector keep the contract?

#[test]
fn keeps_the_contract() {
    kit::conformance::assert_conforms(&bluesky::Bluesky, "fixtures");
}
