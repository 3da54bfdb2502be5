//! Models by name.
#![allow(clippy::unwrap_used, missing_docs)]

use pretty_assertions::assert_eq;
use ropewalk::prelude::*;
use ropewalk::{ErrorKind, ModelName};

/// §3.1 `model`: a string is a Bedrock id; here it may name a provider too
#[test]
fn a_name_says_the_provider_or_is_one_of_bedrock() {
    let bedrock = |id: &str| ModelName::Bedrock(id.to_owned());
    let arn = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-lite-v1:0";
    for (name, model) in [
        ("openai:gpt-4o-mini", ModelName::OpenAi("gpt-4o-mini".to_owned())),
        // What stands behind the first colon is the id, whatever it holds.
        ("openai:org/model:free", ModelName::OpenAi("org/model:free".to_owned())),
        (" local ", ModelName::Local("local".to_owned())),
        ("local:q.gguf", ModelName::Local("local:q.gguf".to_owned())),
        ("amazon.nova-lite-v1:0", bedrock("amazon.nova-lite-v1:0")),
        ("some-model", bedrock("some-model")),
        ("bedrock:some-model", bedrock("some-model")),
        (arn, bedrock(arn)),
    ] {
        assert_eq!(ModelName::parse(name).unwrap(), model, "{name}");
        assert_eq!(model.to_string().parse::<ModelName>().unwrap(), model, "{name}");
    }
}

#[test]
fn what_names_no_model_is_refused() {
    for (name, said) in [
        ("", "is empty"),
        (":x", "is empty"),
        ("openai:", "needs the id of a model"),
        ("openai", "needs the id of a model"),
        ("teleport:x", "there is no model `teleport:x`: use `openai:ID`, `local`"),
    ] {
        let error = ModelName::parse(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// What is not offered yet says so, and what can be used.
#[tokio::test]
async fn bedrock_is_not_there_yet() {
    let error = Agent::builder().model_named("gpt-4o-mini").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    for part in ["`gpt-4o-mini`", "Amazon Bedrock", "not offered yet", "`openai:ID`"] {
        assert!(text.contains(part), "{text}");
    }
}

#[cfg(not(feature = "openai"))]
#[tokio::test]
async fn a_feature_that_is_off_is_named() {
    let error = ropewalk::model("openai:gpt-4o-mini").await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("needs the feature `openai`"), "{error}");
}

#[cfg(not(feature = "local"))]
#[tokio::test]
async fn the_feature_of_the_embedded_model_is_named() {
    let error = ropewalk::model("local").await.map(drop).unwrap_err();
    assert!(error.to_string().contains("cargo add ropewalk --features local"), "{error}");
}

#[cfg(feature = "local")]
#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let error = ropewalk::model("local:/no/such/model.gguf").await.map(drop).unwrap_err();
    assert!(error.report().contains("/no/such/model.gguf"), "{error}");
}
