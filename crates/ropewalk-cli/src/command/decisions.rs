//! `ropewalk decisions`: looks at a log of decisions.

use std::path::Path;

use ropewalk_approvals::{DecisionLog, VerifyError};

use crate::args::Decisions;
use crate::exit::{Failure, Status};
use crate::show;

/// Checks a log, or shows it.
pub(crate) fn run(what: &Decisions, json: bool) -> Result<Status, Failure> {
    match what {
        Decisions::Verify { file, head } => verify(file, head.as_deref(), json),
        Decisions::Show { file } => {
            for entry in DecisionLog::entries(file).map_err(|error| failure(file, error))? {
                let entry = entry.map_err(|error| failure(file, error))?;
                show::decisions::entry(&entry, json)?;
            }
            Ok(Status::Done)
        }
    }
}

fn verify(file: &Path, head: Option<&str>, json: bool) -> Result<Status, Failure> {
    let verified = match head {
        Some(head) => DecisionLog::verify_up_to(file, head),
        None => DecisionLog::verify(file),
    };
    match verified {
        Ok(verified) => {
            show::decisions::verified(&verified, json)?;
            Ok(Status::Done)
        }
        Err(error) => {
            if let Some(tampered) = error.tampered() {
                show::decisions::tampered(tampered, json)?;
            }
            Err(failure(file, error))
        }
    }
}

fn failure(file: &Path, error: VerifyError) -> Failure {
    match error {
        VerifyError::Tampered(tampered) => Failure {
            status: Status::Failed,
            message: format!("`{}` is not as it was written: {tampered}", file.display()),
        },
        VerifyError::Unreadable(error) => Failure::usage(error.report()),
    }
}
