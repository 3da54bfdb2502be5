//! `ropewalk sessions`: looks at sessions, moves, branches and checks them.

use std::io::{self, Read as _};
use std::path::Path;

use ropewalk_session::{Export, Sessions, Verified, markdown};

use crate::args::{Options, Sessions as What};
use crate::exit::{Failure, Status};
use crate::setup::{no_session, sessions, usage_if_input};
use crate::show;

pub(crate) async fn run(options: &Options, what: What) -> Result<Status, Failure> {
    let kept = sessions(options).await?;
    let json = options.json;
    match what {
        What::List => each(&kept, |name, found| show::sessions::line(name, found, json)).await,
        What::Show { name } => {
            let run = kept.run(&name).await.map_err(usage_if_input)?;
            let Some(run) = run else { return Err(no_session(&kept, &name).await) };
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
                return Err(no_session(&kept, &name).await);
            }
            done(&format!("`{name}` is removed"))
        }
        What::Verify { name: Some(name) } => {
            let verified = kept.verify(&name).await.map_err(usage_if_input)?;
            show::sessions::verified(&name, &verified, json)?;
            Ok(Status::Done)
        }
        What::Verify { name: None } => {
            each(&kept, |name, found| show::sessions::verified(name, found, json)).await
        }
    }
}

/// Shows each session that is whole, and says what is wrong with the others: one that is damaged hides none.
async fn each(
    kept: &Sessions,
    show: impl Fn(&str, &Verified) -> io::Result<()>,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    for name in kept.names().await? {
        match kept.verify(&name).await {
            Ok(verified) => show(&name, &verified)?,
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
        io::stdin().read_to_string(&mut text).map(drop)
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
