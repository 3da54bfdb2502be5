//! Which files are tools.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::ErrorKind;
use ropewalk_tools::{ProgramTool, ToolDirectory};

use crate::support::{Place, names, problems, sh};

#[tokio::test]
async fn executable_files_are_tools_in_the_order_of_their_names() {
    let place = Place::new();
    place.sh("zip", "cat");
    place.sh("mix", "cat");
    // Named by what it prints, ordered by its file.
    place.program("add.sh", &sh("yarn", "cat"));
    let directory = place.open().await;
    assert_eq!(directory.path(), place.tools());
    assert_eq!(problems(&directory), [""; 0]);
    assert_eq!(names(&directory), ["yarn", "mix", "zip"]);
}

#[tokio::test]
async fn what_is_no_program_is_passed_over() {
    let place = Place::new();
    place.sh("works", "cat");
    place.file("notes.txt", "not a program");
    for name in ["__init__", ".hidden", "works~"] {
        place.program(name, "#!/bin/sh\ntouch ran\n");
    }
    std::fs::create_dir(place.tools().join("folder")).unwrap();
    place.program("folder/deep", "#!/bin/sh\ntouch ran\n");
    let directory = place.open().await;
    assert_eq!((names(&directory), problems(&directory)), (vec!["works".to_owned()], vec![]));
    assert!(!place.work().join("ran").exists(), "none of them was run");
}

#[tokio::test]
async fn links_may_stay_inside_only() {
    let place = Place::new();
    let inside = place.sh("inside", "cat");
    let outside = place.work().join("outside");
    std::fs::write(&outside, "#!/bin/sh\ntouch ran\n").unwrap();
    crate::support::executable(&outside);
    symlink(&outside, place.tools().join("escape")).unwrap();
    symlink("nowhere", place.tools().join("lost")).unwrap();
    symlink(place.work(), place.tools().join("work")).unwrap();
    symlink(&inside, place.tools().join("alias")).unwrap();
    let directory = place.open().await;
    // The link is another name of the same program, which has that name already.
    assert_eq!(names(&directory), ["inside"]);
    let problems = problems(&directory);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("escape: it is a link to"), "{problems:?}");
    assert!(problems[1].starts_with("inside: its name `inside` is that of"), "{problems:?}");
    assert!(problems[2].starts_with("lost: the link leads nowhere"), "{problems:?}");
    assert!(!place.work().join("ran").exists());
}

#[tokio::test]
async fn of_two_with_one_name_the_first_file_is_the_tool() {
    let place = Place::new();
    place.program("one", &sh("the-tool", "echo one"));
    place.program("two", &sh("the_tool", "echo two"));
    let directory = place.open().await;
    assert_eq!(names(&directory), ["the-tool"]);
    assert!(problems(&directory)[0].starts_with("two: its name `the_tool` is that of"));
}

#[tokio::test]
async fn the_same_list_means_that_nothing_has_changed() {
    let place = Place::new();
    place.sh("a", "cat");
    let asked = "echo asked >> asked";
    let print = r#"echo '{"description": "Counts."}'"#;
    place.program("b", &format!("#!/bin/sh\n{asked}\n{print}\n"));
    let directory = place.open().await;
    let (first, clone) = (directory.tools(), directory.clone());
    directory.reload().await.unwrap();
    assert!(Arc::ptr_eq(&first, &clone.tools()));
    place.sh("c", "cat");
    directory.reload().await.unwrap();
    assert!(!Arc::ptr_eq(&first, &clone.tools()));
    assert!(Arc::ptr_eq(&first[1], &clone.tools()[1]), "`b` is the tool that it was");
    let asked = std::fs::read_to_string(place.work().join("asked")).unwrap();
    assert_eq!(asked.lines().count(), 1, "a program that has not changed is asked once");
}

#[tokio::test]
async fn a_folder_that_is_none_is_refused() {
    let place = Place::new();
    for (path, said) in [("nowhere", "can't be opened"), ("file", "is no folder")] {
        place.file("file", "");
        let error = ToolDirectory::open(place.tools().join(path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(said) && error.to_string().contains(path), "{error}");
    }
}

#[tokio::test]
async fn a_folder_that_goes_away_takes_its_tools_along() {
    let place = Place::new();
    place.sh("a", "cat");
    let directory = place.open().await;
    std::fs::remove_dir_all(place.tools()).unwrap();
    let error = directory.reload().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(names(&directory), [""; 0]);
    assert!(problems(&directory)[0].starts_with("tools: "), "{:?}", problems(&directory));
}

#[tokio::test]
async fn one_program_may_be_a_tool_by_itself() {
    let place = Place::new();
    let path = place.sh("a", "cat");
    let tool = ProgramTool::load(&path).await.unwrap();
    assert_eq!(tool.path(), path);
    let plain = place.file("plain", "");
    for (path, said) in
        [(plain, "no executable file"), (place.tools().join("gone"), "No such file")]
    {
        let error = ProgramTool::load(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(said), "{error}");
    }
}
