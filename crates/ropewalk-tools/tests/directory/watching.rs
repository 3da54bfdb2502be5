//! Changes while a directory is open.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::support::{Place, call, names, ok, problems, sh, text, tool, until};

/// §7.6 Watcher: on modification a tool is loaded again. New files come and deleted ones go too, where
/// Strands ignores deletions.
#[tokio::test]
async fn new_changed_and_deleted_programs_are_noticed() {
    let place = Place::new();
    place.sh("a", "echo 1");
    let directory = place.open_with(place.options()).await;
    assert_eq!(names(&directory), ["a"]);
    let first = tool(&directory, "a");

    place.sh("b", "echo b");
    until("`b`", || names(&directory) == ["a", "b"]).await;
    assert!(Arc::ptr_eq(&first, &tool(&directory, "a")));

    place.sh("a", "echo 2");
    until("the new `a`", || !Arc::ptr_eq(&first, &tool(&directory, "a"))).await;
    assert_eq!(text(&call(&tool(&directory, "a"), json!({})).await), ok("2"));

    std::fs::remove_file(place.tools().join("a")).unwrap();
    until("the end of `a`", || names(&directory) == ["b"]).await;
}

#[tokio::test]
async fn a_program_that_breaks_is_left_out_until_it_is_mended() {
    let place = Place::new();
    place.sh("a", "echo 1");
    place.sh("b", "echo b");
    let directory = place.open_with(place.options()).await;
    place.program("a", "#!/bin/sh\nexit 1\n");
    until("the break", || names(&directory) == ["b"]).await;
    assert!(problems(&directory)[0].starts_with("a: "));
    place.sh("a", "echo 3");
    until("the mending", || names(&directory) == ["a", "b"]).await;
    assert_eq!(problems(&directory), [""; 0]);
}

/// Written in place, slowly, and made executable at the end.
#[tokio::test]
async fn a_file_is_a_tool_when_it_is_whole() {
    use std::io::Write as _;
    let place = Place::new();
    let directory = place.open_with(place.options()).await;
    let path = place.file("slow", "");
    crate::support::executable(&path);
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    for line in sh("slow", "echo whole").lines() {
        writeln!(file, "{line}").unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    // For longer than it is tried to run a file that somebody writes.
    tokio::time::sleep(Duration::from_millis(900)).await;
    drop(file);
    until("`slow`", || names(&directory) == ["slow"]).await;
    assert_eq!(problems(&directory), [""; 0]);
}

#[tokio::test]
async fn permissions_count_too() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let path = place.sh("a", "cat");
    let directory = place.open_with(place.options()).await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    until("the end of `a`", || names(&directory).is_empty()).await;
    crate::support::executable(&path);
    until("`a`", || names(&directory) == ["a"]).await;
}

/// Nothing is asked again because it was run, nor because another file has changed.
#[tokio::test]
async fn reading_and_running_is_no_change() {
    let place = Place::new();
    let log = place.tools().join("log").display().to_string();
    let script = |spec: &str| format!("#!/bin/sh\necho asked >> '{log}'\necho '{spec}'\n");
    place.program("a", &script(r#"{"description": "Runs."}"#));
    place.program("broken", &script("{"));
    let directory = place.open_with(place.options()).await;
    let asked = || std::fs::read_to_string(place.tools().join("log")).unwrap().lines().count();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(asked(), 2, "each was asked once, though both write into the folder");
    let a = tool(&directory, "a");
    call(&a, json!({})).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(asked(), 3);
    assert!(Arc::ptr_eq(&a, &tool(&directory, "a")));
}

#[tokio::test]
async fn a_folder_that_was_put_in_the_place_of_another_is_watched() {
    let place = Place::new();
    place.sh("a", "cat");
    let directory = place.open_with(place.options()).await;
    let path = place.tools();
    std::fs::rename(&path, path.with_file_name("away")).unwrap();
    until("the end of `a`", || names(&directory).is_empty()).await;
    std::fs::create_dir(&path).unwrap();
    place.sh("b", "cat");
    until("`b`", || names(&directory) == ["b"]).await;
    place.sh("c", "cat");
    until("`c`", || names(&directory) == ["b", "c"]).await;
}

#[tokio::test]
async fn nothing_is_left_when_the_directory_is_dropped() {
    let place = Place::new();
    let directory = place.open_with(place.options()).await;
    drop(directory);
    place.program("late", "#!/bin/sh\ntouch ran\necho '{\"description\": \"x\"}'\n");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!place.work().join("ran").exists());
}
