//! `cargo cloud clean` removes what is kept between builds, and nothing else.

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject};

#[test]
fn clean_removes_what_one_project_has_built_and_nothing_else() {
    let backend = ScenarioBackend::start();
    let (me, other) = (ScenarioClient::of(&backend), ScenarioClient::configured(backend.config("other")));
    let (one, two) = (ScenarioProject::hello("one", "1"), ScenarioProject::hello("two", "2"));
    for (client, project) in [(&me, &one), (&me, &two), (&other, &one)] {
        client.run(project.root(), &["build"]).succeeded();
    }
    let run = me.run(one.root(), &["clean"]).succeeded().says(&["Removed ", "iB total"]);
    assert_eq!(run.stdout, "");
    let compiled = |client: &ScenarioClient, project: &ScenarioProject| {
        client.run(project.root(), &["build"]).succeeded().compiled().len()
    };
    assert_eq!((compiled(&me, &one), compiled(&me, &two)), (1, 0));
    // A project that was never built has nothing to remove.
    me.run(ScenarioProject::hello("three", "3").root(), &["clean"]).succeeded().says(&["Removed 0 files"]);
    // All projects of the owner, from anywhere.
    me.run(std::env::temp_dir().as_path(), &["clean", "--all"]).succeeded().says(&["Removed "]);
    assert_eq!((compiled(&me, &one), compiled(&me, &two)), (1, 1));
    // A machine of the platform keeps the projects of one owner at a time, but the saved caches stay.
    assert_eq!(compiled(&other, &one), 0);
    let list = me.run(one.root(), &["builds"]).succeeded().stdout;
    assert!(list.contains("clean one") && list.contains("clean all-projects"), "{list}");
}

#[test]
fn clean_without_a_project_says_what_to_do() {
    let backend = ScenarioBackend::start();
    let empty = ScenarioProject::new();
    ScenarioClient::of(&backend).run(empty.root(), &["clean"]).exited(101).says(&["could not find `Cargo.toml`"]);
}
