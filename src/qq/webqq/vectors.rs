//! The test vectors of the protocol dossier.

use serde_json::Value;

/// The cases of one group.
pub(crate) fn cases(group: &str) -> Vec<Value> {
    let text = include_str!("../../../tests/fixtures/webqq/vectors.json");
    let mut vectors: Value = serde_json::from_str(text).unwrap();
    let cases: Vec<Value> = serde_json::from_value(vectors[group]["cases"].take()).unwrap();
    assert!(!cases.is_empty(), "{group}");
    cases
}
