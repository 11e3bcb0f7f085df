//! Holds JSON against the schemas of docs/provisioning.json. It knows the words that this file uses, and fails for others.

use serde_json::Value;

/// What only explains.
const EXPLAINS: [&str; 5] = ["description", "examples", "format", "pattern", "title"];

/// The file with the schemas.
pub(crate) struct Schemas(pub(crate) Value);

impl Schemas {
    /// What stands where `node` points, if it points anywhere, else `node` itself.
    pub(crate) fn follow<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            Some(way) => self.0.pointer(way.trim_start_matches('#')).unwrap_or_else(|| panic!("{way} leads nowhere")),
            None => node,
        }
    }

    /// Why `value` is not as `schema` says; nothing when it is.
    pub(crate) fn fault(&self, schema: &Value, value: &Value) -> Option<String> {
        let schema = self.follow(schema);
        let mut words = schema.as_object().expect("a schema").keys().filter(|word| !EXPLAINS.contains(&word.as_str()));
        words.find_map(|word| self.breaks(schema, word, value))
    }

    fn breaks(&self, schema: &Value, word: &str, value: &Value) -> Option<String> {
        let wanted = &schema[word];
        match word {
            "type" => (!is(value, wanted.as_str().unwrap())).then(|| format!("{value} is no {wanted}")),
            "enum" => (!wanted.as_array().unwrap().contains(value)).then(|| format!("{value} is none of {wanted}")),
            "required" => {
                let missing = wanted.as_array().unwrap().iter().find(|key| value.get(key.as_str().unwrap()).is_none());
                missing.map(|key| format!("{key} is missing in {value}"))
            }
            "properties" => wanted.as_object().unwrap().iter().find_map(|(key, schema)| {
                let fault = self.fault(schema, value.get(key)?)?;
                Some(format!("{key}: {fault}"))
            }),
            "additionalProperties" => {
                let known = schema["properties"].as_object();
                let mut others =
                    value.as_object()?.iter().filter(|(key, _)| !known.is_some_and(|k| k.contains_key(*key)));
                match wanted {
                    Value::Bool(false) => others.next().map(|(key, _)| format!("{key} is not described")),
                    schema => others.find_map(|(_, value)| self.fault(schema, value)),
                }
            }
            "items" => value.as_array()?.iter().find_map(|item| self.fault(wanted, item)),
            "oneOf" => {
                let faults: Vec<_> =
                    wanted.as_array().unwrap().iter().filter_map(|schema| self.fault(schema, value)).collect();
                let fits = wanted.as_array().unwrap().len() - faults.len();
                (fits != 1).then(|| format!("it is {fits} of the kinds: {faults:?}"))
            }
            other => panic!("this checker does not know {other}"),
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        other => panic!("this checker does not know {other}"),
    }
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let schemas = Schemas(serde_json::json!({ "one": { "type": "string", "enum": ["a"] } }));
    let object = serde_json::json!({
        "type": "object", "required": ["x"], "additionalProperties": false,
        "properties": { "x": { "oneOf": [{ "$ref": "#/one" }, { "type": "array", "items": { "type": "integer" } }] } },
    });
    for good in [r#"{"x":"a"}"#, r#"{"x":[1,2]}"#, r#"{"x":[]}"#] {
        assert_eq!(schemas.fault(&object, &serde_json::from_str(good).unwrap()), None, "{good}");
    }
    for bad in ["1", "{}", r#"{"x":"b"}"#, r#"{"x":["1"]}"#, r#"{"x":"a","y":1}"#] {
        assert!(schemas.fault(&object, &serde_json::from_str(bad).unwrap()).is_some(), "{bad}");
    }
}
