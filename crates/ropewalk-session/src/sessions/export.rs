//! A session as one JSON document.

use ropewalk_core::{Error, ErrorKind, FORMAT_VERSION, Record, Run};
use serde::{Deserialize, Serialize};

use super::Sessions;
use crate::line::Header;

const FORMAT: &str = "ropewalk-session-export";

/// A session as one JSON document, to be kept or moved: `format`, `version`, `run_id` and `records`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    format: String,
    version: u32,
    run_id: String,
    records: Vec<Record>,
}

impl Export {
    /// Reads one.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if it is none or its records make no run; [`ErrorKind::Unsupported`] if a newer
    /// version wrote it.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let refuse = |why: String| {
            Error::new(ErrorKind::Malformed, format!("this is no exported session: {why}"))
        };
        // The version first: the records of a newer one may not be readable at all.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        if head.format != FORMAT {
            return Err(refuse(format!("its format is `{}`, not `{FORMAT}`", head.format)));
        }
        Run::check_version(head.version)?;
        let export: Self = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        export.run().map_err(|error| refuse(error.to_string()))?;
        Ok(export)
    }

    /// It, as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if a record can't be written.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| {
            Error::new(
                ErrorKind::Malformed,
                format!("the session can't be written as JSON: {error}"),
            )
        })
    }

    /// The run that it holds.
    ///
    /// # Errors
    /// [`ErrorKind::IllegalRecord`] if its records make none.
    pub fn run(&self) -> Result<Run, Error> {
        Run::new(self.run_id.clone()).replay(self.records.iter().cloned())
    }
}

impl Sessions {
    /// A session as one document. Somebody else may be at work on it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is none of the name. Else as for [`session`](Self::session).
    pub async fn export(&self, name: &str) -> Result<Export, Error> {
        let (header, records) = self.read(name).await?.ok_or_else(|| self.missing(name))?;
        let (format, version) = (FORMAT.to_owned(), FORMAT_VERSION);
        Ok(Export { format, version, run_id: header.run_id, records })
    }

    /// Begins a session with what was exported. It is the same run, so that its approvals hold and calls
    /// that were under way keep their keys: let only one of the two go on, or [`fork`](Self::fork) one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is a session of the name. Else as for [`session`](Self::session).
    pub async fn import(&self, name: &str, export: &Export) -> Result<(), Error> {
        export.run()?;
        self.begin(name, &Header::new(export.run_id.clone()), &export.records).await
    }
}
