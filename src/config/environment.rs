//! Options from the environment: `MATRIX_WEBQQ_APPSERVICE__AS_TOKEN` counts over `appservice.as_token` in the file.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::key::Key;
use super::tree::Tree;

/// What every name begins with.
pub const PREFIX: &str = "MATRIX_WEBQQ_";

/// The variables that set options: those that begin with [`PREFIX`] and hold `__`, which stands for the dot of a key.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes what belongs to us out of `variables`.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |(name, _): &(String, String)| name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains("__"));
        Self(variables.into_iter().filter(ours).collect())
    }

    /// The variables of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        Self::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Sets every option that is named, and says which variable set it. Of `secrets`, a value replaces the file's
    /// `…_file` and the other way round.
    pub(super) fn lay_over(&self, tree: &mut Tree, secrets: &[&str]) -> BTreeMap<Key, String> {
        let named: Vec<(String, &String, &String)> =
            self.0.iter().map(|(name, value)| (dotted(name), name, value)).collect();
        for secret in secrets {
            let file = format!("{secret}_file");
            if named.iter().any(|(key, ..)| key == secret || *key == file) {
                tree.remove(&Key::of(secret));
                tree.remove(&Key::of(&file));
            }
        }
        let mut variables = BTreeMap::new();
        for (key, name, value) in named {
            tree.set(&Key::of(&key), Tree::Text(value.clone()));
            variables.insert(Key::of(&key), name.clone());
        }
        variables
    }
}

/// The key that the variable `name` sets.
fn dotted(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).replace("__", ".").to_lowercase()
}
