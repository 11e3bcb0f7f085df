//! The container's entrypoint, without a container: what each of its runs does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// A program that does what the real one does to files, and says how it was called; and one that drops privileges.
const PRETEND: [(&str, &str); 3] = [
    ("matrix-webqq", "#!/bin/sh\necho \"ran $*\"\nif [ $1 = -e ]; then : > $3; fi\nif [ $1 = -g ]; then : > $5; fi\n"),
    ("setpriv", "#!/bin/sh\necho \"as $1 $2\"\nwhile [ $1 != -- ]; do shift; done\nshift\nexec \"$@\"\n"),
    ("chown", "#!/bin/sh\n"),
];

/// One run of the container over `folder`: how it ended, and what it said.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let bin = folder.join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        fs::create_dir(folder.join("data")).unwrap();
        for (name, text) in PRETEND {
            fs::write(bin.join(name), text).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/entrypoint.sh");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let mut shell = Command::new("sh");
    shell.arg(script).args(arguments).env_clear().env("PATH", path).env("DATA", folder.join("data"));
    let Output { status, stdout, stderr } = shell.env("GID", "1500").output().unwrap();
    let said = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (status.code(), said.replace(&folder.display().to_string(), ""))
}

#[test]
fn the_entrypoint_writes_the_configuration_then_the_registration_then_runs() {
    let folder = tempfile::tempdir().unwrap();
    for (call, after) in [
        ("ran -e -c /data/config.yaml", "start this container again"),
        ("ran -g -c /data/config.yaml -r /data/registration.yaml", "Let the homeserver read"),
        ("ran -n -c /data/config.yaml", ""),
        ("ran -n -c /data/config.yaml", ""),
    ] {
        let (code, said) = run(folder.path(), &[]);
        assert_eq!((code, said.contains(call), said.contains(after)), (Some(0), true, true), "{said}");
        assert_eq!(said.matches("ran ").count(), 1, "one thing in each run: {said}");
    }
    let (_, said) = run(folder.path(), &["doctor", "-c", "config.yaml"]);
    assert!(said.contains("ran doctor -c config.yaml"), "{said}");
}

#[test]
fn the_unit_waits_longer_than_the_bridge_does_and_runs_what_there_is() {
    let read =
        |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).unwrap();
    let (unit, compose, image) = (read("matrix-webqq.service"), read("compose.yaml"), read("Dockerfile"));
    assert!(unit.contains("TimeoutStopSec=45s") && compose.contains("stop_grace_period: 45s"));
    assert!(unit.contains("matrix-webqq -n -c ") && image.contains("ENTRYPOINT [\"/usr/local/bin/entrypoint.sh\"]"));
    serde_yaml::from_str::<serde_yaml::Value>(&compose).unwrap();
}
