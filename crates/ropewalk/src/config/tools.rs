//! The tools that a file names.

use ropewalk_core::{AgentBuilder, Error};

use super::AgentConfig;

#[cfg(feature = "tools")]
pub(super) async fn add(
    mut builder: AgentBuilder,
    config: &AgentConfig,
) -> Result<AgentBuilder, Error> {
    use std::path::Path;

    use super::place::{is_path, resolve};
    use crate::{AgentBuilderExt as _, ProgramTool};

    for tool in &config.tools {
        let tool = tool.trim();
        if !is_path(tool) {
            builder = builder.tool(shipped(tool)?);
            continue;
        }
        let path = resolve(&config.folder, Path::new(tool));
        builder = match path.is_dir() {
            true => builder.load_tools_from_directory(path).await?,
            false => builder.tool(ProgramTool::load(path).await?),
        };
    }
    if config.load_tools_from_directory {
        let path = resolve(&config.folder, Path::new("tools"));
        builder = builder.load_tools_from_directory(path).await?;
    }
    Ok(builder)
}

#[cfg(feature = "tools")]
fn shipped(name: &str) -> Result<std::sync::Arc<dyn ropewalk_core::Tool>, Error> {
    ropewalk_tools::by_name(name).ok_or_else(|| {
        let known = ropewalk_tools::names().join(", ");
        let text = format!(
            "there is no tool `{name}`: there are {known}; a program is named by its path, as in `./{name}`"
        );
        Error::new(ropewalk_core::ErrorKind::InvalidInput, text)
    })
}

#[cfg(not(feature = "tools"))]
pub(super) async fn add(
    builder: AgentBuilder,
    config: &AgentConfig,
) -> Result<AgentBuilder, Error> {
    match config.tools.first() {
        None if !config.load_tools_from_directory => Ok(builder),
        first => {
            let what =
                first.map_or("a folder of tools".to_owned(), |name| format!("the tool `{name}`"));
            Err(crate::feature::missing(&what, "tools"))
        }
    }
}
