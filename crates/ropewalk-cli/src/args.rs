//! The command line.

mod resume;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use ropewalk::AgentConfig;

use crate::exit::Failure;
use crate::setup::usage_if_input;

/// An AI agent with tools, in your terminal. Without a model named it uses a small one inside this
/// program: no key, no server.
#[derive(Debug, Parser)]
#[command(
    name = "ropewalk",
    version,
    after_help = AFTER_HELP,
)]
pub(crate) struct Args {
    /// What to ask; without it, a chat (or the prompt from standard input, if that is no terminal)
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Go on with a session that was stopped, or that waits for an answer
    Resume {
        /// The session
        #[arg(value_name = "NAME")]
        name: String,

        /// Answer an open question: its id or its number, and JSON (`1=true`, `1='"always"'`);
        /// may be repeated
        #[arg(long = "answer", value_name = "ID=JSON")]
        answers: Vec<String>,
    },

    /// Say yes to open questions of a session, and go on with it
    Approve(Verdict),

    /// Say no to open questions of a session, and go on with it
    Deny(Verdict),

    /// List, look at, move, branch or check sessions
    #[command(subcommand)]
    Sessions(Sessions),

    /// Say which models can be used: what is set up, what answers, and what each can do
    Models {
        /// List the models of this provider (`openai`, `ollama`, …)
        #[arg(value_name = "PROVIDER")]
        provider: Option<String>,
    },

    /// Check what this machine has, and say what is missing and how to set it
    Doctor,

    /// Look at a log of decisions: who allowed, approved or denied what
    #[command(subcommand)]
    Decisions(Decisions),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verdict {
    /// The session
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The questions: their ids or numbers, as `sessions show NAME` lists them
    #[arg(value_name = "ID", required = true)]
    pub(crate) questions: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// Print the name of each, with its messages and open questions
    List,
    /// Print the conversation as Markdown, what is under way, and the open questions
    Show {
        /// The session
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Print all of a session as one JSON document
    Export {
        /// The session
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Make a session of an exported one
    #[command(after_help = IMPORT_HELP)]
    Import {
        /// Its name here
        #[arg(value_name = "NAME")]
        name: String,
        /// The document; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Begin a session that is what another one is, or was
    Fork {
        /// The session
        #[arg(value_name = "NAME")]
        name: String,
        /// The name of the new one
        #[arg(value_name = "NEW")]
        into: String,
        /// After so many of its records [default: all]
        #[arg(long, value_name = "N")]
        at: Option<u64>,
    },
    /// Let a session stand where it stood; what came since is kept in it, and can be branched off from
    Rewind {
        /// The session
        #[arg(value_name = "NAME")]
        name: String,
        /// After so many of its records
        #[arg(long, value_name = "N")]
        to: u64,
    },
    /// Remove a session for good
    Remove {
        /// The session
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Check every record of a session, or of all
    Verify {
        /// The session [default: all]
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Decisions {
    /// Check that nothing in the log was changed, removed, inserted or moved
    #[command(after_help = VERIFY_HELP)]
    Verify {
        /// The log
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// A head that was kept elsewhere: the log must still hold that line
        #[arg(long, value_name = "HASH", value_parser = head)]
        head: Option<String>,
    },
    /// Print the entries of the log, checking each
    Show {
        /// The log
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

fn head(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_owned());
    }
    Err("a head is 64 hexadecimal digits, as `decisions verify` prints it".to_owned())
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The agent as a file describes it, JSON or TOML; what other options say counts more
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The model: `local`, `local:FILE.gguf`, `local:OWNER/REPO/FILE.gguf`, `openai:ID`, `anthropic:ID`, `gemini:ID`,
    /// `ollama:ID`, …: `ropewalk models` lists all [default: local]
    #[arg(long, global = true, env = "ROPEWALK_MODEL", value_name = "PROVIDER:ID")]
    pub(crate) model: Option<String>,

    /// What the model is told before the conversation
    #[arg(long, global = true, value_name = "TEXT")]
    pub(crate) system: Option<String>,

    /// The tools it may use, separated by commas; `none` for none [default: all]
    #[arg(long, global = true, value_name = "A,B", value_delimiter = ',')]
    pub(crate) tools: Option<Vec<String>>,

    /// Also the programs in this folder, which are run to ask what they do; changes are noticed
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) tools_dir: Option<PathBuf>,

    /// Keep the conversation under this name; a later start goes on with it
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) session: Option<String>,

    /// Where sessions are kept: a folder of files, or an SQLite database, whose name ends with `.db`
    /// [default: `ropewalk/sessions.db` in the user's data folder]
    #[arg(long, global = true, env = "ROPEWALK_SESSIONS", value_name = "PLACE")]
    pub(crate) sessions: Option<PathBuf>,

    /// Print one event per line as JSON on standard output, and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// How often the model is asked again when it can't be reached, is busy, or breaks off
    /// [default: 5, and 2 if nobody listens at its address]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) retries: Option<u32>,

    /// Let every tool run without asking
    #[arg(long, global = true, conflicts_with = "deny")]
    pub(crate) yes: bool,

    /// Refuse every tool that would ask first
    #[arg(long, global = true)]
    pub(crate) deny: bool,

    /// Print what the model says only: no tool calls, no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// What `--config` names holds.
    #[arg(skip)]
    pub(crate) agent: AgentConfig,
}

impl Options {
    /// Reads the file that `--config` names, if there is one. Its session counts where none is named.
    pub(crate) fn read_config(&mut self) -> Result<(), Failure> {
        let Some(file) = &self.config else { return Ok(()) };
        self.agent = AgentConfig::load(file).map_err(usage_if_input)?;
        if let Some(session) = self.agent.session.take() {
            self.session.get_or_insert(session.name);
            self.sessions.get_or_insert(session.folder);
        }
        Ok(())
    }
}

const IMPORT_HELP: &str = "\
It is the same run: what was approved stays approved. Let only one of the two go on; `sessions fork` \
makes a run of its own.";

const VERIFY_HELP: &str = "\
A log can't show that its end was cut off, or that it was written anew as a whole. Keep the head that
this prints somewhere else, and give it with --head next time.

Exit status: 0 nothing was changed, 1 something was, 2 wrong usage, or the file can't be read.";

const AFTER_HELP: &str = "\
Examples:
  ropewalk \"What is 1234 * 5678?\"              ask once
  ropewalk                                      chat
  ropewalk --session trip \"I am in Zurich.\"     remember
  ropewalk --config agent.toml \"Hi\"            an agent that a file describes
  ropewalk --model openai:gpt-4o-mini \"Hi\"      another model (OPENAI_API_KEY, OPENAI_BASE_URL)
  ropewalk --json --session job \"…\"             for programs; exit status 3: a question is open
  ropewalk models                               which others there are, and which are set up
  ropewalk resume job --answer 1=true           answer it
  ropewalk decisions verify FILE                was a log of decisions changed?

Tools: calculator, current_time, file_read, file_write, http_request, shell.
file_write, http_request, shell and programs of yours ask first. Files are confined to this folder; the shell starts
in it, and can leave it.

Exit status: 0 done, 1 failed or cancelled, 2 wrong usage, 3 paused for an answer.";
