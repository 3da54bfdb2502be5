//! From the options to an agent.

use std::path::PathBuf;
use std::sync::Arc;

use ropewalk::AgentBuilderExt as _;
use ropewalk_core::{Agent, OutputSchema, RetryStrategy, ToolCallGuardEvent, bind};
use ropewalk_session::Sessions;

use crate::approval::{Approvals, Policy};
use crate::args::Options;
use crate::exit::Failure;
use crate::{model, show, tools};

/// An agent as the options ask for it, and what decides about its tools.
pub(crate) async fn agent(
    options: &Options,
    session: Option<&str>,
) -> Result<(Agent, Arc<Approvals>), Failure> {
    let mut config = options.agent.clone();
    config.name.get_or_insert_with(|| "ropewalk".to_owned());
    if let Some(system) = &options.system {
        config.system_prompt = Some(system.clone());
    }
    match &options.tools {
        Some(names) => config.tools = tools::chosen(names),
        None if options.config.is_none() => config.tools = tools::shipped(),
        None => {}
    }
    let mut unasked = tools::unasked(&config.tools);
    if let Some(schema) = &config.structured_output_schema {
        // The answer itself has no effect.
        let schema = OutputSchema::from_json(schema.clone()).map_err(usage_if_input)?;
        unasked.insert(schema.name().to_owned());
    }
    let in_file = config.model.take();
    // What the file says about retries counts unless the command line says something.
    let retry = match options.retries {
        None if config.retry.is_some() => None,
        retries => Some(retry_strategy(retries)),
    };
    let mut builder = config.builder().await.map_err(usage_if_input)?;
    if let Some(retry) = retry {
        builder = builder.retry_strategy(retry);
    }
    if let Some(folder) = &options.tools_dir {
        builder = builder.load_tools_from_directory(folder).await.map_err(usage_if_input)?;
    }
    // Before the session: a start that fails here leaves none behind.
    let name = options.model.as_deref().or(in_file.as_deref()).unwrap_or("local");
    let model = model::load(name, options.quiet).await?;
    let journal = match session {
        Some(name) => {
            let session = sessions(options).await?.session(name).await.map_err(usage_if_input)?;
            if let Some(repair) = session.repaired() {
                show::note(repair);
            }
            Some(session)
        }
        None => None,
    };
    let policy = match (options.yes, options.deny) {
        (true, _) => Policy::Allow,
        (_, true) => Policy::Deny,
        _ => Policy::Ask,
    };
    let approvals = Arc::new(Approvals::new(policy, unasked));
    builder = builder
        .no_callback_handler()
        .shared_model(model)
        .host_hook::<ToolCallGuardEvent, _>(bind(Arc::clone(&approvals), Approvals::check));
    if let Some(journal) = journal {
        builder = builder.session(journal);
    }
    Ok((builder.build().await.map_err(usage_if_input)?, approvals))
}

/// How often the model is asked again, and when: for people who wait in front of a terminal, a server that
/// was not started is said at once.
fn retry_strategy(retries: Option<u32>) -> RetryStrategy {
    match retries {
        None => RetryStrategy::default().max_refused_attempts(3),
        Some(retries) => {
            let attempts = retries.saturating_add(1);
            RetryStrategy::default().max_attempts(attempts).max_refused_attempts(attempts)
        }
    }
}

/// Where sessions are kept: in the place that was named, or in a database in the user's data folder.
pub(crate) async fn sessions(options: &Options) -> Result<Sessions, Failure> {
    let place = match &options.sessions {
        Some(place) => place.clone(),
        None => dirs::data_dir()
            .map(|data: PathBuf| data.join("ropewalk").join("sessions.db"))
            .ok_or_else(|| {
                Failure::usage(
                    "this system names no data folder: say where sessions are kept with `--sessions PLACE`",
                )
            })?,
    };
    Ok(Sessions::at(place).await?)
}

/// That there is no session of a name, with those there are.
pub(crate) async fn no_session(kept: &Sessions, name: &str) -> Failure {
    let known = match kept.names().await {
        Ok(names) if names.is_empty() => "there are none".to_owned(),
        Ok(names) => names.join(", "),
        Err(error) => return error.into(),
    };
    let place = kept.place();
    Failure::usage(format!("there is no session `{name}` in `{place}` (sessions: {known})"))
}

/// A wrong name on the command line is wrong usage.
pub(crate) fn usage_if_input(error: ropewalk_core::Error) -> Failure {
    match error.kind() {
        ropewalk_core::ErrorKind::InvalidInput => Failure::usage(error.report()),
        _ => error.into(),
    }
}
