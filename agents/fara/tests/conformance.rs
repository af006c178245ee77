//! Does the collector keep the contract, for every answer the suite can make of its cases?

#[test]
fn keeps_the_contract() {
    kit::conformance::assert_conforms(&fara::Fara, concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
}
