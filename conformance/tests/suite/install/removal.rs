//! `uninstall`, which needs neither cargo nor a backend.

use conformance::Crate;

use super::Pair;

#[test]
fn packages_and_binaries_are_removed_as_cargo_removes_them() {
    let pair = Pair::new();
    pair.registry.publish(Crate::program("tool", "1.0.0").binary("extra", "extra"));
    pair.registry.publish(Crate::program("other", "1.0.0"));
    pair.registry.publish(Crate::program("third", "1.0.0"));
    pair.both(&["install", "--list"]).exited(0);
    pair.both(&["install", "tool", "other", "third"]).exited(0);
    pair.both(&["uninstall", "tool", "--bin", "none"]).exited(101).says(&["binary `none` not installed as part of"]);
    pair.both(&["uninstall", "tool", "--bin", "extra"]).exited(0).has(&["other", "third", "tool"]);
    pair.both(&["uninstall", "toul"]).exited(101).says(&["a package with a similar name exists: `tool`"]);
    pair.both(&["uninstall", "tool@2"]).exited(101);
    pair.both(&["uninstall", "tool", "other", "--bin", "tool"]).exited(101);
    pair.both(&["uninstall", "tool@1.0", "missing-entirely", "-v"]).exited(101).has(&["other", "third"]);
    pair.both(&["uninstall", "--locked", "--package", "other"]).exited(0).has(&["third"]);
    for root in [pair.root(), pair.cargo_root()] {
        std::fs::remove_file(root.join("bin/third")).expect("it is there");
    }
    pair.both(&["uninstall", "third"]).exited(101).says(&["corrupt metadata"]);
    pair.both(&["install", "--list"]).exited(0);
}
