//! Reading and writing in the working folder.
#![allow(clippy::unwrap_used)]

use std::fs;

use pretty_assertions::assert_eq;
use ropewalk_core::{ErrorKind, Preview, Tool, ToolContext, ToolUse};
use ropewalk_tools::WorkingFolder;
use serde_json::{Value, json};
use tempfile::TempDir;

struct Place {
    /// Holds the working folder `in` and, beside it, what must stay out of reach.
    root: TempDir,
    folder: WorkingFolder,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("in/sub")).unwrap();
        fs::write(root.path().join("secret.txt"), "secret").unwrap();
        let folder = WorkingFolder::open(root.path().join("in")).unwrap();
        Self { root, folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    async fn call(&self, tool: impl Tool, input: Value) -> Result<String, String> {
        let context = ToolContext::detached(ToolUse::new("t1", "x", input.clone()));
        let output = tool.call(input, context).await.map_err(|error| error.to_string())?;
        let content = serde_json::to_value(&output.content).unwrap();
        Ok(content[0]["text"].as_str().unwrap().to_owned())
    }

    async fn read(&self, path: &str) -> Result<String, String> {
        self.call(self.folder.file_read(), json!({"path": path})).await
    }

    async fn write(&self, path: &str, content: &str) -> Result<String, String> {
        let input = json!({"path": path, "content": content});
        self.call(self.folder.file_write(), input).await
    }

    fn outside(&self, path: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "`{path}` is outside the working folder `{folder}`: only paths within it can be used"
        )
    }
}

#[tokio::test]
async fn a_preview_shows_what_would_change_and_changes_nothing() {
    let place = Place::new();
    let preview = async |path: &str, content: &str| {
        let input = json!({"path": path, "content": content});
        place.folder.file_write().preview(&input).await.map_err(|error| error.to_string())
    };
    place.write("a.txt", "one\ntwo\n").await.unwrap();
    assert_eq!(
        preview("a.txt", "one\nthree\n").await.unwrap(),
        Some(Preview::Diff(
            "--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n".to_owned()
        ))
    );
    assert_eq!(
        preview("new.txt", "hello\n").await.unwrap(),
        Some(Preview::Diff("--- /dev/null\n+++ new.txt\n@@ -0,0 +1 @@\n+hello\n".to_owned()))
    );
    assert_eq!(
        preview("a.txt", "one\ntwo\n").await.unwrap(),
        Some(Preview::Text("a.txt stays as it is.".to_owned()))
    );
    fs::write(place.path("picture"), [0xff, 0xfe]).unwrap();
    assert_eq!(
        preview("picture", "x").await.unwrap(),
        Some(Preview::Text("picture, which is no text, is replaced by 1 bytes.".to_owned()))
    );
    assert_eq!(preview("../secret.txt", "x").await, Err(place.outside("../secret.txt")));
    assert_eq!(place.read("a.txt").await.unwrap(), "one\ntwo\n");
    assert!(!place.path("new.txt").exists());
    // It says the same of the process's own folder, and other tools show nothing.
    let input = json!({"path": "no such folder/x", "content": "y\n"});
    assert!(ropewalk_tools::file_write().preview(&input).await.unwrap().is_some());
    assert_eq!(place.folder.file_read().preview(&json!({"path": "a.txt"})).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_written_is_read() {
    let place = Place::new();
    let wrote = place.write("a/b/note.txt", "Grüezi\n").await.unwrap();
    assert_eq!(wrote, "Wrote 8 bytes to a/b/note.txt.");
    for path in ["a/b/note.txt", "./a/b/note.txt", "a/../a/b/note.txt", " a/b/note.txt"] {
        assert_eq!(place.read(path).await.unwrap(), "Grüezi\n", "{path}");
    }
    let absolute = place.path("a/b/note.txt");
    assert_eq!(place.read(absolute.to_str().unwrap()).await.unwrap(), "Grüezi\n");
    place.write("a/b/note.txt", "").await.unwrap();
    assert_eq!(place.read("a/b/note.txt").await.unwrap(), "(the file is empty)");
    assert_eq!(fs::read_dir(place.path("a/b")).unwrap().count(), 1, "nothing is left behind");
}

#[tokio::test]
async fn nothing_leads_out_of_the_folder() {
    let place = Place::new();
    let secret = place.root.path().canonicalize().unwrap().join("secret.txt");
    let secret = secret.to_str().unwrap();
    for path in ["../secret.txt", "sub/../../secret.txt", secret, "/etc/passwd"] {
        assert_eq!(place.read(path).await.unwrap_err(), place.outside(path));
        assert_eq!(place.write(path, "x").await.unwrap_err(), place.outside(path));
    }
    for path in ["../new/file.txt", "../new.txt"] {
        assert_eq!(place.write(path, "x").await.unwrap_err(), place.outside(path));
    }
    let inside_out = format!("{}/../secret.txt", place.folder.path().display());
    assert!(place.read(&inside_out).await.unwrap_err().contains("is outside the working folder"));
    assert_eq!(fs::read_to_string(secret).unwrap(), "secret");
    assert_eq!(fs::read_dir(place.root.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn links_lead_only_within_the_folder() {
    use std::os::unix::fs::symlink;

    let place = Place::new();
    symlink("../secret.txt", place.path("relative")).unwrap();
    symlink(place.root.path().join("secret.txt"), place.path("absolute")).unwrap();
    symlink("..", place.path("up")).unwrap();
    symlink("../new.txt", place.path("dangling")).unwrap();
    for path in ["relative", "absolute", "up/secret.txt", "dangling"] {
        assert_eq!(place.read(path).await.unwrap_err(), place.outside(path));
        assert_eq!(place.write(path, "x").await.unwrap_err(), place.outside(path));
    }
    assert_eq!(place.write("up/new.txt", "x").await.unwrap_err(), place.outside("up/new.txt"));
    let secret = place.root.path().join("secret.txt");
    assert_eq!(fs::read_to_string(secret).unwrap(), "secret");
    assert_eq!(fs::read_dir(place.root.path()).unwrap().count(), 2);

    place.write("sub/real.txt", "old").await.unwrap();
    symlink("sub/real.txt", place.path("link")).unwrap();
    assert_eq!(place.read("link").await.unwrap(), "old");
    place.write("link", "new").await.unwrap();
    assert_eq!(place.read("sub/real.txt").await.unwrap(), "new");
    assert!(place.path("link").is_symlink(), "the link stays");
}

#[tokio::test]
async fn what_is_no_text_file_says_so() {
    let place = Place::new();
    fs::write(place.path("image.png"), b"PNG\xff\x00").unwrap();
    let error = place.read("image.png").await.unwrap_err();
    assert_eq!(error, "`image.png` is no text: byte 3 is not UTF-8");

    let big = fs::File::create(place.path("big.txt")).unwrap();
    big.set_len(3 << 30).unwrap();
    let error = place.read("big.txt").await.unwrap_err();
    assert_eq!(
        error,
        "`big.txt` has 3221225472 bytes, more than the 1048576 that can be read at once"
    );

    fs::write(place.path("sub/a.txt"), "a").unwrap();
    fs::create_dir(place.path("sub/b")).unwrap();
    let error = place.read("sub").await.unwrap_err();
    assert_eq!(error, "`sub` is a folder, not a file. It holds: a.txt, b/");
    let error = place.read("sub/b/").await.unwrap_err();
    assert_eq!(error, "`sub/b` is a folder, not a file. It holds: nothing");
    let error = place.read(".").await.unwrap_err();
    assert_eq!(error, "`.` is a folder, not a file. It holds: big.txt, image.png, sub/");
    let error = place.write("sub", "x").await.unwrap_err();
    assert_eq!(error, "`sub` is a folder: give the path of a file");
    assert_eq!(
        place.write("new/", "x").await.unwrap_err(),
        "`new/` is a folder: give the path of a file"
    );
    let empty = "the path is empty: give a file's path in the working folder";
    assert_eq!(place.read(" ").await.unwrap_err(), empty);
    assert!(place.read("a\0b").await.is_err());
    assert!(place.write("image.png/x", "x").await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn pipes_are_not_waited_for() {
    let place = Place::new();
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(made.success());
    assert_eq!(place.read("pipe").await.unwrap_err(), "`pipe` is neither a file nor a folder");
    let error = place.write("pipe", "x").await.unwrap_err();
    assert_eq!(error, "`pipe` is neither a file nor a folder");
}

#[tokio::test]
async fn a_missing_file_says_what_is_near() {
    let place = Place::new();
    for name in ["notes.txt", "README.md", "sub/config.toml"] {
        fs::write(place.path(name), "x").unwrap();
    }
    let missing = async |path: &str, hint: &str| {
        let error = place.read(path).await.unwrap_err();
        assert_eq!(error, format!("there is no file `{path}`{hint}"));
    };
    missing("note.txt", ": perhaps `notes.txt`?").await;
    missing("readme.md", ": perhaps `README.md`?").await;
    missing("sub/confg.toml", ": perhaps `sub/config.toml`?").await;
    missing("qqq", "").await;
    missing("qqq/x.txt", "").await;
}

#[cfg(unix)]
#[tokio::test]
async fn permissions_stay_and_are_respected() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let path = place.path("run.sh");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    place.write("run.sh", "new").await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o750);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    let error = place.write("run.sh", "newer").await.unwrap_err();
    assert_eq!(error, "`run.sh` may not be written to: it is read-only");
    assert_eq!(place.read("run.sh").await.unwrap(), "new");
}

#[tokio::test]
async fn too_much_content_is_refused() {
    let place = Place::new();
    let error = place.write("big.txt", &"x".repeat(8 * 1024 * 1024 + 1)).await.unwrap_err();
    assert_eq!(error, "the content has 8388609 bytes, more than the 8388608 that can be written");
}

#[tokio::test]
async fn missing_arguments_are_named() {
    let place = Place::new();
    let error = place.call(place.folder.file_write(), json!({"path": "a"})).await.unwrap_err();
    assert_eq!(error, "Validation failed for input parameters: missing field `content`");
    let error = place.call(place.folder.file_read(), json!({"path": 1})).await.unwrap_err();
    let problem = "`path`: invalid type: integer `1`, expected a string";
    assert_eq!(error, format!("Validation failed for input parameters: {problem}"));
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let place = Place::new();
    for path in ["nowhere", "secret.txt"] {
        let error = WorkingFolder::open(place.root.path().join(path)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(path), "{error}");
    }
}
