//! Does the collector keep the contract, over answers with everything that the library's files are known or feared to do?

#[test]
fn keeps_the_contract() {
    kit::conformance::assert_conforms(&snapads::SnapAds, "fixtures");
}
