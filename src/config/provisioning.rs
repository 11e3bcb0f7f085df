//! `provisioning:`, the API by which other programs log people in.

use serde::Deserialize;

use super::fault::Fault;
use super::key::Key;
use crate::base::Secret;

/// What stands for a secret that `-g` makes.
const UNMADE: &str = "generate";
/// What turns the API off.
const DISABLED: &str = "disable";
/// How long a secret has to be, in bytes.
const LEAST: usize = 16;

/// `provisioning:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provisioning {
    /// What a program shows that may act for everybody.
    pub shared_secret: Secret,
    /// A file that holds `shared_secret`.
    pub shared_secret_file: Option<String>,
    /// Whether people may act for themselves with their own access token of the homeserver.
    pub allow_matrix_auth: bool,
}

impl Provisioning {
    /// Whether there is no such API.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.shared_secret.matches(DISABLED)
    }

    /// Whether the secret is still to be made.
    #[must_use]
    pub fn is_unmade(&self) -> bool {
        self.shared_secret.is_empty() || self.shared_secret.matches(UNMADE)
    }

    /// Whether `shown` is the secret. One that is not made yet is nobody's.
    #[must_use]
    pub fn is_secret(&self, shown: &str) -> bool {
        !self.is_disabled() && !self.is_unmade() && self.shared_secret.matches(shown)
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let secret = self.shared_secret.expose();
        let fix = if self.is_disabled() || self.is_unmade() {
            return;
        } else if secret.len() < LEAST {
            "it is shorter than 16 characters; write a longer one, generate, or disable"
        } else if secret.chars().any(|c| !c.is_ascii_graphic()) {
            "it holds spaces or letters beyond ASCII; write another one, generate, or disable"
        } else {
            return;
        };
        faults.push(Fault::new(Key::of("provisioning.shared_secret"), "***", fix));
    }
}

impl Default for Provisioning {
    fn default() -> Self {
        Self { shared_secret: Secret::new(UNMADE), shared_secret_file: None, allow_matrix_auth: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(secret: &str) -> Provisioning {
        Provisioning { shared_secret: Secret::new(secret), ..Provisioning::default() }
    }

    #[test]
    fn a_secret_is_long_enough_and_only_itself_opens() {
        for (secret, is_wrong) in [
            ("generate", false),
            ("disable", false),
            ("", false),
            ("0123456789abcdef", false),
            ("short", true),
            ("0123456789 abcdef", true),
        ] {
            let mut faults = Vec::new();
            with(secret).check(&mut faults);
            assert_eq!(!faults.is_empty(), is_wrong, "{secret}");
            assert!(faults.iter().all(|fault| fault.value == "***"));
        }
        assert!(with("0123456789abcdef").is_secret("0123456789abcdef"));
        for (secret, shown) in [("generate", "generate"), ("disable", "disable"), ("", ""), ("0123456789abcdef", "")] {
            assert!(!with(secret).is_secret(shown), "{secret} opens");
        }
        assert!(with("disable").is_disabled() && with("generate").is_unmade());
    }
}
