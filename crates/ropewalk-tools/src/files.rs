//! Reading and writing text files of the working folder.

mod error;
mod path;
mod preview;
mod read;
mod write;

use ropewalk_core::__macro_support::{parse_input, run_blocking, run_blocking_in};
use ropewalk_core::{BoxError, BoxFuture, Preview, ToolContext, ToolOutput};
use ropewalk_macros::tool;
use serde::Deserialize;
use serde_json::Value;

use crate::folder::WorkingFolder;

/// The tool `file_read`: reads a text file of the process's current folder; for another folder see
/// [`WorkingFolder::file_read`].
///
/// It takes `path` and gives the content. What lies outside the folder, by whatever way, is an error
/// result, as are files of more than 1 MiB, files that are no UTF-8, folders (with what they hold)
/// and files that do not exist (with the names of similar ones).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ropewalk_core::ToolStatus;
/// use ropewalk_tools::file_read;
///
/// let result = file_read().try_out(serde_json::json!({"path": "../secret"})).await;
/// assert_eq!(result.status, ToolStatus::Error);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[tool(
    description = "Reads a text file and gives its content.",
    replay = "pure",
    example(
        request = "What is in the file config/server.toml?",
        input = {"path": "config/server.toml"},
        result = "port = 8080",
        answer = "config/server.toml contains: port = 8080",
    ),
    example(
        request = "Show me the contents of README.md",
        input = {"path": "README.md"},
        result = "A small game about ships.",
        answer = "README.md contains: A small game about ships.",
    ),
    example(
        request = "Read the file notes.txt",
        input = {"path": "notes.txt"},
        result = "Buy milk and bread.",
        answer = "notes.txt says: Buy milk and bread.",
    )
)]
pub fn file_read(
    /// the file's path in the working folder
    #[schemars(length(min = 1, max = 4096))]
    path: String,
) -> Result<String, BoxError> {
    Ok(read::read(&WorkingFolder::current()?, &path)?)
}

/// The tool `file_write`: writes a text file in the process's current folder; for another folder see
/// [`WorkingFolder::file_write`].
///
/// It takes `path` and `content`, makes the folders that are missing and replaces what was in the
/// file at once: nobody sees a part. What lies outside the folder, by whatever way, is an error
/// result, as are folders, read-only files and more than 8 MiB.
///
/// Whoever approves a call sees what it would change, as a diff.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ropewalk_core::ToolStatus;
/// use ropewalk_tools::file_write;
///
/// let result = file_write().try_out(serde_json::json!({"path": "../secret", "content": "x"})).await;
/// assert_eq!(result.status, ToolStatus::Error);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[tool(
    description = "Writes a text to a file; what was in the file before is replaced.",
    preview = preview_write,
    example(
        request = "Create the file data/level.txt with the content 42",
        input = {"path": "data/level.txt", "content": "42"},
        result = "Wrote 2 bytes to data/level.txt.",
        answer = "I created data/level.txt with the content 42.",
    ),
    example(
        request = "Write hello to greeting.txt",
        input = {"path": "greeting.txt", "content": "hello"},
        result = "Wrote 5 bytes to greeting.txt.",
        answer = "I wrote hello to greeting.txt.",
    ),
    example(
        request = "Save the text Buy milk in a file called todo.md",
        input = {"path": "todo.md", "content": "Buy milk"},
        result = "Wrote 8 bytes to todo.md.",
        answer = "I saved Buy milk in todo.md.",
    )
)]
pub fn file_write(
    /// the file's path in the working folder; missing folders are made
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// the whole new content
    content: String,
) -> Result<String, BoxError> {
    Ok(write::write(&WorkingFolder::current()?, &path, &content)?)
}

async fn preview_write(input: Value) -> Result<Option<Preview>, BoxError> {
    preview_write_in(WorkingFolder::current()?, input).await
}

/// What [`file_write`] would change in a folder.
pub(crate) fn preview_write_in(
    folder: WorkingFolder,
    input: Value,
) -> BoxFuture<'static, Result<Option<Preview>, BoxError>> {
    Box::pin(async move {
        let schema = &file_write().static_spec().input_schema;
        let WriteArguments { path, content } = parse_input(input, schema)?;
        Ok(Some(run_blocking(move || preview::preview(&folder, &path, &content)).await??))
    })
}

#[derive(Deserialize)]
struct ReadArguments {
    path: String,
}

#[derive(Deserialize)]
struct WriteArguments {
    path: String,
    content: String,
}

/// [`file_read`] in a folder.
pub(crate) fn read_in(
    folder: WorkingFolder,
    input: Value,
    context: ToolContext,
) -> BoxFuture<'static, Result<ToolOutput, BoxError>> {
    Box::pin(async move {
        let ReadArguments { path } = parse_input(input, &file_read().static_spec().input_schema)?;
        Ok(ToolOutput::text(run_blocking_in(&context, move || read::read(&folder, &path)).await??))
    })
}

/// [`file_write`] in a folder.
pub(crate) fn write_in(
    folder: WorkingFolder,
    input: Value,
    context: ToolContext,
) -> BoxFuture<'static, Result<ToolOutput, BoxError>> {
    Box::pin(async move {
        let schema = &file_write().static_spec().input_schema;
        let WriteArguments { path, content } = parse_input(input, schema)?;
        let work = move || write::write(&folder, &path, &content);
        Ok(ToolOutput::text(run_blocking_in(&context, work).await??))
    })
}
