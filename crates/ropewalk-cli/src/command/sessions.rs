//! `ropewalk sessions`: looks at sessions, moves, branches and checks them.

use std::io::Read as _;
use std::path::Path;

use ropewalk_session::{Export, Sessions, markdown};

use crate::args::{Options, Sessions as What};
use crate::exit::{Failure, Status};
use crate::setup::{sessions, usage_if_input};
use crate::show;

pub(crate) async fn run(options: &Options, what: What) -> Result<Status, Failure> {
    let kept = sessions(options).await?;
    let json = options.json;
    match what {
        What::List => list(&kept, json).await,
        What::Show { name } => {
            let run = kept.run(&name).await.map_err(usage_if_input)?;
            let run = run.ok_or_else(|| missing(&kept, &name))?;
            if json {
                show::sessions::json(&run)?;
            } else {
                show::sessions::text(&markdown(&run))?;
            }
            Ok(Status::Done)
        }
        What::Export { name } => {
            let export = kept.export(&name).await.map_err(usage_if_input)?;
            show::sessions::text(&export.to_json()?)?;
            Ok(Status::Done)
        }
        What::Import { name, file } => {
            let export = Export::from_json(&document(&file)?)?;
            kept.import(&name, &export).await.map_err(usage_if_input)?;
            done(&format!("`{name}` holds what was exported"))
        }
        What::Fork { name, into, at } => {
            kept.fork(&name, at, &into).await.map_err(usage_if_input)?;
            done(&format!("`{into}` begins where `{name}` {}", stands(at)))
        }
        What::Rewind { name, to } => {
            kept.rewind(&name, to).await.map_err(usage_if_input)?;
            done(&format!("`{name}` stands where it {}", stands(Some(to))))
        }
        What::Remove { name } => {
            if !kept.remove(&name).await.map_err(usage_if_input)? {
                return Err(missing(&kept, &name));
            }
            done(&format!("`{name}` is removed"))
        }
        What::Verify { name: Some(name) } => {
            let verified = kept.verify(&name).await.map_err(usage_if_input)?;
            show::sessions::verified(&name, &verified, json)?;
            Ok(Status::Done)
        }
        What::Verify { name: None } => verify_all(&kept, json).await,
    }
}

async fn list(kept: &Sessions, json: bool) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for name in kept.names().await? {
        // One that is damaged hides none of the others.
        match kept.verify(&name).await {
            Ok(verified) => show::sessions::line(&name, &verified, json)?,
            Err(error) => {
                show::error(&error.report());
                status = Status::Failed;
            }
        }
    }
    Ok(status)
}

async fn verify_all(kept: &Sessions, json: bool) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for name in kept.names().await? {
        match kept.verify(&name).await {
            Ok(verified) => show::sessions::verified(&name, &verified, json)?,
            Err(error) => {
                show::error(&error.report());
                status = Status::Failed;
            }
        }
    }
    Ok(status)
}

fn document(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    read.map_err(|error| Failure::usage(format!("can't read `{}`: {error}", file.display())))?;
    Ok(text)
}

fn stands(records: Option<u64>) -> String {
    match records {
        Some(records) => format!("stood after {records} records"),
        None => "stands".to_owned(),
    }
}

fn done(what: &str) -> Result<Status, Failure> {
    show::note(what);
    Ok(Status::Done)
}

fn missing(kept: &Sessions, name: &str) -> Failure {
    Failure::usage(format!("there is no session `{name}` in `{}`", kept.place()))
}
