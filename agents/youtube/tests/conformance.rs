//! Does the collector keep the contract, on answers of the API rewritten with invented channels?

#[test]
fn keeps_the_contract() {
    kit::conformance::assert_conforms(&youtube::Youtube, concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
}
