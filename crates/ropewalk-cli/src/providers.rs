//! What can be used of the providers of models.

use std::time::Duration;

use ropewalk::models::ModelInfo;
use ropewalk::{Error, Provider};
use tokio::time::timeout;

/// How long a provider may take to say what it has: people wait.
const PATIENCE: Duration = Duration::from_secs(8);

/// What can be used of a provider.
#[derive(Debug)]
pub(crate) enum State {
    /// It answers, and offers these models.
    Ready(Vec<ModelInfo>),
    /// Nothing was asked: there is no key.
    NoKey,
    /// Its credentials are found when it is asked, by the ways of AWS; whether there seem to be some.
    Credentials(bool),
    /// It was asked, and that failed.
    Failed(Error),
    /// It did not answer in time.
    Silent,
    /// This build has no adapter for it.
    NotBuiltIn,
}

/// Asks a provider, if there is what it takes to ask it.
pub(crate) async fn state(provider: Provider) -> State {
    if !provider.is_built_in() {
        return State::NotBuiltIn;
    }
    if provider == Provider::Bedrock {
        return State::Credentials(has_aws_credentials());
    }
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let keys = provider.key_variables().iter().copied();
    let is_reachable = keys.chain(provider.url_variable()).any(is_set);
    if provider.is_hosted() && !is_reachable {
        return State::NoKey;
    }
    match timeout(PATIENCE, provider.models()).await {
        Ok(Ok(models)) => State::Ready(models),
        Ok(Err(error)) => State::Failed(error),
        Err(_) => State::Silent,
    }
}

impl State {
    /// Whether its models can be used, as far as that is known.
    pub(crate) fn is_usable(&self) -> bool {
        matches!(self, Self::Ready(_) | Self::Credentials(true))
    }

    /// In one word, for programs.
    pub(crate) fn word(&self, provider: Provider) -> &'static str {
        match self {
            Self::Ready(_) => "ready",
            Self::NoKey => "no_key",
            Self::Credentials(true) => "credentials",
            Self::Credentials(false) => "no_credentials",
            Self::Failed(error) if !provider.is_hosted() && error.is_connection_refused() => {
                "not_started"
            }
            Self::Failed(_) => "failed",
            Self::Silent => "silent",
            Self::NotBuiltIn => "not_built_in",
        }
    }

    /// For people, with what to do.
    pub(crate) fn told(&self, provider: Provider) -> String {
        let url = provider.url_variable().unwrap_or_default();
        match self {
            Self::Ready(models) if models.len() == 1 => "ready, 1 model".to_owned(),
            Self::Ready(models) => format!("ready, {} models", models.len()),
            Self::NoKey => {
                let key = provider.key_variable().unwrap_or_default();
                format!("no key: set {key}")
            }
            Self::Credentials(true) => "AWS credentials are set; the first call shows whether they serve".to_owned(),
            Self::Credentials(false) => {
                "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or \
                 AWS_BEARER_TOKEN_BEDROCK"
                    .to_owned()
            }
            Self::Failed(error) if self.word(provider) == "not_started" => {
                let at = error.to_string();
                let at = at.split_whitespace().find(|word| word.starts_with("http")).unwrap_or("its address").to_owned();
                format!("nobody listens at {at}: start it, or set {url}")
            }
            Self::Failed(error) => error.to_string(),
            Self::Silent => format!("no answer within {} s", PATIENCE.as_secs()),
            Self::NotBuiltIn => {
                format!("not in this build: build it with `--features {}`", provider.feature())
            }
        }
    }
}

/// Whether there are credentials where AWS looks for them first. Roles of machines and single sign-on are found only
/// when they are used.
fn has_aws_credentials() -> bool {
    let variables = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ];
    let in_variable = variables.into_iter().any(|name| std::env::var_os(name).is_some());
    let file = std::env::var_os("AWS_SHARED_CREDENTIALS_FILE").map(std::path::PathBuf::from);
    let file = file.or_else(|| dirs::home_dir().map(|home| home.join(".aws").join("credentials")));
    in_variable || file.is_some_and(|file| file.exists())
}
