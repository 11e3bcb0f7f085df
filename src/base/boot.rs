//! Since when this machine has been running: what a process wrote and did not sync is lost only when that changes.

/// A text that is another after each start of the machine; `None` where nothing tells.
///
/// Source: Linux, `Documentation/admin-guide/sysctl/kernel.rst`, `random`. Containers show that of the machine that they run on, whose memory
/// holds what they wrote.
#[must_use]
pub fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_keeps_running_tells_the_same() {
        assert!(boot().is_some());
        assert_eq!(boot(), boot());
    }
}
