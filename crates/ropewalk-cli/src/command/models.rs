//! `ropewalk models`: which models can be used.

use futures_util::future::join_all;
use ropewalk::Provider;

use crate::exit::{Failure, Status};
use crate::providers::{self, State};
use crate::show;

pub(crate) async fn run(provider: Option<&str>, json: bool) -> Result<Status, Failure> {
    match provider {
        None => all(json).await,
        Some("local") => {
            let text = "the embedded model has no list: `local` is the one that is fetched by itself, and `local:FILE.gguf` \
                        any chat model in a file";
            show::note(text);
            Ok(Status::Done)
        }
        Some(prefix) => one(prefix.trim_end_matches(':'), json).await,
    }
}

/// Every provider, with its state. All are asked at once.
async fn all(json: bool) -> Result<Status, Failure> {
    show::models::embedded(json)?;
    let states = join_all(Provider::ALL.map(providers::state)).await;
    for (provider, state) in Provider::ALL.into_iter().zip(&states) {
        show::models::provider(provider, state, json)?;
    }
    Ok(Status::Done)
}

/// The models of one provider.
async fn one(prefix: &str, json: bool) -> Result<Status, Failure> {
    let Some(provider) = Provider::from_prefix(prefix) else {
        let known = Provider::ALL.map(Provider::prefix).join(", ");
        return Err(Failure::usage(format!(
            "there is no provider `{prefix}`: there are local, {known}"
        )));
    };
    let state = providers::state(provider).await;
    let State::Ready(models) = &state else {
        return Err(Failure::usage(format!("{provider}: {}", state.told(provider))));
    };
    for model in models {
        show::models::model(provider, model, json)?;
    }
    Ok(Status::Done)
}
