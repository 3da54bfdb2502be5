//! Models by name.
#![allow(clippy::unwrap_used, missing_docs)]

use pretty_assertions::assert_eq;
use ropewalk::{ErrorKind, ModelName, Provider};

/// §3.1 `model`: a string is a Bedrock id; here it may name a provider too
#[test]
fn a_name_says_the_provider_or_is_one_of_bedrock() {
    let bedrock = |id: &str| ModelName::Of(Provider::Bedrock, id.to_owned());
    let openai = |id: &str| ModelName::Of(Provider::OpenAi, id.to_owned());
    let arn = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-lite-v1:0";
    for (name, model) in [
        ("openai:gpt-4o-mini", openai("gpt-4o-mini")),
        // What stands behind the first colon is the id, whatever it holds.
        ("openai:org/model:free", openai("org/model:free")),
        (" local ", ModelName::Local("local".to_owned())),
        ("local:q.gguf", ModelName::Local("local:q.gguf".to_owned())),
        ("amazon.nova-lite-v1:0", bedrock("amazon.nova-lite-v1:0")),
        ("some-model", bedrock("some-model")),
        ("bedrock:some-model", bedrock("some-model")),
        (arn, bedrock(arn)),
        ("openai-responses:gpt-5", ModelName::Of(Provider::OpenAiResponses, "gpt-5".to_owned())),
        ("ollama:llama3.2:1b", ModelName::Of(Provider::Ollama, "llama3.2:1b".to_owned())),
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
        ("teleport:x", "there is no model `teleport:x`: use `anthropic:ID`, `bedrock:ID`"),
    ] {
        let error = ModelName::parse(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn every_provider_has_a_name_of_its_own_and_an_example_that_is_one() {
    for provider in Provider::ALL {
        assert_eq!(Provider::from_prefix(provider.prefix()), Some(provider));
        let name = format!("{}:{}", provider.prefix(), provider.example());
        let expected = ModelName::Of(provider, provider.example().to_owned());
        assert_eq!(ModelName::parse(&name).unwrap(), expected);
    }
}

/// Where a provider's key is looked for is what the error says.
#[tokio::test]
async fn a_missing_key_is_named() {
    for provider in Provider::ALL {
        let Some(key) = provider.key_variable() else { continue };
        let is_set = |name: &str| std::env::var_os(name).is_some();
        if !provider.is_built_in() || !provider.is_hosted() {
            continue;
        }
        let variables = provider.key_variables().iter().copied().chain(provider.url_variable());
        if variables.into_iter().any(is_set) {
            continue;
        }
        let error = provider.model(provider.example()).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[cfg(not(feature = "bedrock"))]
#[tokio::test]
async fn the_feature_of_bedrock_is_named() {
    let error = ropewalk::model("gpt-4o-mini").await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("needs the feature `bedrock`"), "{error}");
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
