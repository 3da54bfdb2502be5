//! Which model `--model` names.

use std::sync::Arc;

use ropewalk_core::Model;
use ropewalk_local::{LocalModel, LocalOptions, ModelSource};
use ropewalk_models::OpenAiChat;

use crate::exit::Failure;
use crate::show;

/// Finds and loads the model; the embedded one is fetched when it is used for the first time.
pub(crate) async fn load(name: &str, quiet: bool) -> Result<Arc<dyn Model>, Failure> {
    let (provider, id) = name.split_once(':').unwrap_or((name, ""));
    match provider {
        "local" => local(name, quiet).await,
        "openai" if id.is_empty() => {
            Err(Failure::usage("`openai:` needs the id of a model, as in `openai:gpt-4o-mini`"))
        }
        "openai" => Ok(Arc::new(OpenAiChat::from_env(id)?)),
        _ => Err(Failure::usage(format!(
            "there is no model `{name}`: use `local`, `local:FILE.gguf`, `local:OWNER/REPO/FILE.gguf` or `openai:ID`"
        ))),
    }
}

async fn local(name: &str, quiet: bool) -> Result<Arc<dyn Model>, Failure> {
    let source = ModelSource::parse(name).map_err(|error| Failure::usage(error.report()))?;
    let mut options = LocalOptions::new();
    if !quiet {
        options = options.with_progress(show::progress::report());
    }
    let model = LocalModel::load(&source, options).await?;
    Ok(Arc::new(model))
}
