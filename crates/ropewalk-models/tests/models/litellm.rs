//! A whole tool turn in each interface that litellm speaks. It stands before aimock and makes what comes and goes
//! anew, so the streams are not those that aimock itself makes: a second opinion of what our models read.
//!
//! `ROPEWALK_LITELLM` names a Python environment in which `pip install 'litellm[proxy]==1.106.2'` was run
//! (`scripts/foreign-models litellm`), `ROPEWALK_AIMOCK` the folder of aimock. Without them the test says that it was
//! left out.

use std::process::Command;

use crate::aimock;
use crate::foreign::{self, Foreign};
use ropewalk_core::Model;
use ropewalk_models::{AnthropicModel, GeminiModel, OpenAiChat, OpenAiResponses};
use serde_json::json;

/// It opens nothing, but litellm refuses to start with one that is easy to guess.
const KEY: &str = "sk-only-in-tests-5b0f7c1d9ae24e63";

/// Starts litellm before aimock; none if one of them is not there.
async fn start() -> Option<(Foreign, Foreign)> {
    let folder = foreign::folder("ROPEWALK_LITELLM", "litellm")?;
    let behind = aimock::start().await?;
    let origin = format!("{}/v1", behind.origin);
    let config = json!({
        "model_list": [{"model_name": "relayed", "litellm_params":
            {"model": "openai/relayed", "api_base": origin, "api_key": "sk-mock"}}],
        // A refusal comes through at once, and the next request is let through.
        "litellm_settings": {"num_retries": 0},
        "router_settings": {"disable_cooldowns": true},
    });
    let config = foreign::file(".yaml", &config);
    let mut command = Command::new(folder.join("bin/litellm"));
    command.args(["--host", "127.0.0.1", "--port", "0", "--config"]).arg(config.path());
    // It would ask the network what models cost.
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_MASTER_KEY", KEY);
    Some((Foreign::start("litellm", command, "Uvicorn running on ").await, behind))
}

#[tokio::test]
async fn a_tool_turn_in_each_interface_with_litellm() {
    let Some((server, _behind)) = start().await else { return };
    let origin = &server.origin;
    let (v1, v1beta) = (format!("{origin}/v1"), format!("{origin}/v1beta"));
    let chat = OpenAiChat::builder("relayed").base_url(&v1).api_key(KEY).build().unwrap();
    let responses = OpenAiResponses::builder("relayed").base_url(&v1).api_key(KEY).build().unwrap();
    let anthropic =
        AnthropicModel::builder("relayed").base_url(origin).api_key(KEY).build().unwrap();
    let gemini = GeminiModel::builder("relayed").base_url(&v1beta).api_key(KEY).build().unwrap();
    let models: [(&str, &dyn Model); 4] = [
        ("chat", &chat),
        ("Responses", &responses),
        ("Anthropic", &anthropic),
        ("Gemini", &gemini),
    ];
    for (interface, model) in models {
        // The last one is that at which the test failed.
        eprintln!("== {interface}");
        aimock::lead(model).await;
    }
}
