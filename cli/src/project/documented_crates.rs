//! Finds the crate whose documentation `cargo doc --open` opens.

use super::DeviceProject;
use super::locate::members;
use super::manifest::CargoManifest;

/// The crates whose documentation may be meant, the likeliest first. Cargo opens the documentation of the
/// alphabetically first package named by `-p`. Without `-p`, it takes the package of the current folder, or else the
/// first member.
pub fn documented(project: &DeviceProject, specs: &[String], workspace: bool) -> Vec<String> {
    let read = |folder: &std::path::Path| CargoManifest::read(&folder.join("Cargo.toml")).ok();
    let crate_of = |manifest: &CargoManifest| Some((manifest.name()?.to_owned(), manifest.crate_name()?));
    let of_members = || -> Vec<(String, String)> {
        let Some(root) = read(&project.root) else { return Vec::new() };
        let others = members(&project.root, &root);
        let others = others.iter().filter_map(|folder| crate_of(&read(folder)?));
        let mut all: Vec<_> = crate_of(&root).into_iter().chain(others).collect();
        all.sort();
        all
    };
    if !specs.is_empty() {
        let known = of_members();
        let mut names: Vec<&str> = specs.iter().map(|spec| package_name(spec)).collect();
        names.sort_unstable();
        let crate_name = |name: &str| known.iter().find(|(package, _)| package == name).map(|(_, name)| name.clone());
        return names.into_iter().map(|name| crate_name(name).unwrap_or_else(|| name.replace('-', "_"))).collect();
    }
    match read(&project.directory).and_then(|manifest| crate_of(&manifest)).filter(|_| !workspace) {
        Some((_, here)) => vec![here],
        None => of_members().into_iter().map(|(_, name)| name).collect(),
    }
}

/// The name in a package id specification (doc.rust-lang.org/cargo, package id specifications).
fn package_name(spec: &str) -> &str {
    let name = spec.rsplit_once('#').map_or(spec, |(_, fragment)| fragment);
    name.split(['@', ':']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_package_by_name_is_opened() {
        let temp = tempfile::tempdir().unwrap();
        let top = temp.path().canonicalize().unwrap();
        let write = |path: &str, text: &str| {
            let path = top.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "[workspace]\nmembers=['z','y']");
        write("z/Cargo.toml", "[package]\nname='a-tool'");
        write("y/Cargo.toml", "[package]\nname='b'\n[lib]\nname='other'");
        let of = |folder: &str, specs: &[&str], workspace| {
            let project = DeviceProject::find(&top.join(folder), None, None).unwrap();
            let specs: Vec<String> = specs.iter().map(|spec| (*spec).to_owned()).collect();
            documented(&project, &specs, workspace)
        };
        assert_eq!(of("", &[], false), ["a_tool", "other"]);
        assert_eq!(of("y", &[], false), ["other"]);
        assert_eq!(of("y", &[], true), ["a_tool", "other"]);
        assert_eq!(of("", &["serde@1", "path+file:///x#b@0.1.0"], false), ["other", "serde"]);
    }
}
