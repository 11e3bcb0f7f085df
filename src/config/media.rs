//! `bridge.media:`, what the bridge does with pictures and files.

use serde::Deserialize;

use super::fault::Fault;

/// `bridge.media:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// How large a picture or file may be, in megabytes of 2^20 bytes.
    pub max_mb: u32,
    /// How many times QQ is asked for one.
    pub tries: u32,
}

impl Media {
    /// [`Media::max_mb`] in bytes.
    #[must_use]
    pub fn most_bytes(&self) -> usize {
        usize::try_from(self.max_mb).unwrap_or(usize::MAX).saturating_mul(1 << 20)
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        for (key, value) in [("bridge.media.max_mb", self.max_mb), ("bridge.media.tries", self.tries)] {
            if value == 0 {
                faults.push(Fault::text(key, "0", "write 1 or more"));
            }
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self { max_mb: 50, tries: 6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_at_all_is_too_little() {
        let mut faults = Vec::new();
        Media { max_mb: 0, tries: 0 }.check(&mut faults);
        let keys: Vec<String> = faults.iter().map(|fault| fault.key.to_string()).collect();
        assert_eq!(keys, ["bridge.media.max_mb", "bridge.media.tries"]);
        assert_eq!(Media { max_mb: 2, tries: 1 }.most_bytes(), 2_097_152);
    }
}
