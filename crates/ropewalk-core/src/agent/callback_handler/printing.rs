//! Printing what an agent says while it says it.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use super::CallbackHandler;
use crate::agent::AgentEvent;
use crate::error::BoxError;
use crate::model::{BlockDelta, ModelChunk};

/// Prints what an agent says while it says it (Strands' `PrintingCallbackHandler`): texts and thoughts
/// as they come, and a line `Tool #1: name` for each tool that the model asks for, counted over the
/// handler's life. What an agent built with [`Agent::builder`](crate::Agent::builder) does unless it
/// is told otherwise.
///
/// Once its reader has gone away (a closed pipe) it is silent; other failures end the invocation.
///
/// ```
/// use ropewalk_core::{AgentEvent, CallbackHandler, PrintingCallbackHandler};
///
/// let handler = PrintingCallbackHandler::new();
/// handler.on_event(&AgentEvent::Text("Good ".into()))?;
/// handler.on_event(&AgentEvent::Text("day.\n".into()))?; // prints "Good day."
/// # Ok::<(), ropewalk_core::BoxError>(())
/// ```
pub struct PrintingCallbackHandler {
    verbose_tool_use: bool,
    printer: Mutex<Printer>,
}

struct Printer {
    /// None once nobody reads it any more.
    out: Option<Box<dyn Write + Send>>,
    tools: u64,
}

impl PrintingCallbackHandler {
    /// Prints to the standard output.
    pub fn new() -> Self {
        Self::to(io::stdout())
    }

    /// Prints to a writer, which is flushed after each piece.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        let printer = Printer { out: Some(Box::new(out)), tools: 0 };
        Self { verbose_tool_use: true, printer: Mutex::new(printer) }
    }

    /// Whether tools get a line: true unless set. They are counted all the same.
    #[must_use]
    pub fn verbose_tool_use(mut self, verbose: bool) -> Self {
        self.verbose_tool_use = verbose;
        self
    }
}

impl Default for PrintingCallbackHandler {
    fn default() -> Self {
        Self::new()
    }
}

impl CallbackHandler for PrintingCallbackHandler {
    fn on_event(&self, event: &AgentEvent) -> Result<(), BoxError> {
        let mut printer = self.printer.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            AgentEvent::Text(text) => printer.print(text),
            AgentEvent::Reasoning(BlockDelta::ReasoningContent(piece)) => {
                piece.text.as_deref().map_or(Ok(()), |text| printer.print(text))
            }
            AgentEvent::Chunk(ModelChunk::ContentBlockStart(block)) => {
                let Some(tool_use) = &block.start.tool_use else { return Ok(()) };
                printer.tools += 1;
                if !self.verbose_tool_use {
                    return Ok(());
                }
                let line = format!("\nTool #{}: {}\n", printer.tools, tool_use.name);
                printer.print(&line)
            }
            _ => Ok(()),
        }
    }
}

impl Printer {
    fn print(&mut self, text: &str) -> Result<(), BoxError> {
        let Some(out) = &mut self.out else { return Ok(()) };
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.out = None;
                Ok(())
            }
            printed => Ok(printed?),
        }
    }
}

impl fmt::Debug for PrintingCallbackHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrintingCallbackHandler")
            .field("verbose_tool_use", &self.verbose_tool_use)
            .finish_non_exhaustive()
    }
}
