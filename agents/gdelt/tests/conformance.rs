//! Does this collector keep the contract?

#[test]
fn keeps_the_contract() {
    kit::conformance::assert_conforms(&gdelt::Gdelt, "fixtures");
}
