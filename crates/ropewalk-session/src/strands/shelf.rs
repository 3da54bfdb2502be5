//! The files of one agent, as they are on the disk.

use std::sync::Arc;

use ropewalk_core::{Error, Message, Run};

use super::file::{self, damaged};
use super::layout::Layout;
use super::place::{place, same};
use super::record::{AgentRecord, InternalState, ManagerRecord, Mark, MessageRecord};
use super::{shown, time};

/// The manager of an agent that is given none.
const DEFAULT_MANAGER: &str = "SlidingWindowConversationManager";

/// The files of one agent, as they are on the disk.
#[derive(Debug)]
pub(super) struct Shelf {
    layout: Layout,
    /// The run that is shown.
    run_id: Arc<str>,
    /// `agent.json`; none before it was written.
    agent: Option<AgentRecord>,
    /// The conversation manager of a session that begins here.
    manager: String,
    /// The numbers of all messages, in order.
    numbers: Vec<u64>,
    /// How many of them are not part of the history any more.
    removed: usize,
    /// Those that are.
    messages: Vec<Arc<Message>>,
    /// Which number comes next. None was ever given twice.
    next: u64,
    /// True if all that is there came from here.
    ours: bool,
}

impl Shelf {
    /// Reads what is there.
    pub(super) fn open(
        layout: Layout,
        run_id: Arc<str>,
        manager: Option<String>,
    ) -> Result<Self, Error> {
        let path = layout.agent_file();
        let agent: Option<AgentRecord> = file::read(&path)?;
        if let Some(agent) = agent.as_ref().filter(|agent| agent.agent_id != layout.agent_id()) {
            return Err(damaged(&path, &format!("it is that of the agent `{}`", agent.agent_id)));
        }
        let numbers = layout.numbers()?;
        let mark = agent.as_ref().and_then(|agent| agent.ropewalk.as_ref());
        let mark = mark.filter(|mark| *mark.run_id == *run_id);
        let known = mark.map_or(0, |mark| mark.next_message);
        let behind = numbers.last().map_or(0, |last| last.saturating_add(1));
        let removed = agent.as_ref().map_or(0, |agent| {
            agent.conversation_manager_state.removed_message_count.min(numbers.len())
        });
        let mut ours = mark.is_some() || agent.is_none();
        let mut messages = Vec::new();
        for number in &numbers[removed..] {
            let record = read_message(&layout, *number)?;
            // What came after our last look and is not ours is Strands'.
            ours &= *number < known || record.ropewalk.as_deref() == Some(&*run_id);
            messages.push(Arc::new(record.into_shown()));
        }
        let manager = manager.unwrap_or_else(|| DEFAULT_MANAGER.to_owned());
        let next = known.max(behind);
        Ok(Self { layout, run_id, agent, manager, numbers, removed, messages, next, ours })
    }

    /// Reads it again.
    pub(super) fn reopen(&self) -> Result<Self, Error> {
        let Self { layout, run_id, manager, .. } = self;
        Self::open(layout.clone(), Arc::clone(run_id), Some(manager.clone()))
    }

    /// What Strands has written, if the run does not have it: what it kept of the agent, and the history.
    pub(super) fn foreign(&self, run: &Run) -> Option<(&AgentRecord, Vec<Message>)> {
        let agent = self.agent.as_ref().filter(|_| !self.ours)?;
        let (wanted, messages) = self.wanted(run);
        let same = run.applied() > 0 && agent.says_what(&wanted) && self.messages == messages;
        let history = self.messages.iter().map(|message| Message::clone(message)).collect();
        (!same).then_some((agent, history))
    }

    /// Lets the files show a run. `redacted`: what changes in a message that is there must not survive.
    pub(super) fn show(&mut self, run: &Run, redacted: bool) -> Result<(), Error> {
        let (mut wanted, messages) = self.wanted(run);
        let gone = self.show_messages(messages, redacted)?;
        wanted.conversation_manager_state.removed_message_count = self.removed;
        if gone || !self.ours || self.agent.as_ref() != Some(&wanted) {
            let mark = Mark { run_id: self.run_id.to_string(), next_message: self.next };
            wanted.ropewalk = Some(mark);
            wanted.updated_at = time::now();
            file::write(&self.layout.agent_file(), &wanted)?;
            (self.agent, self.ours) = (Some(wanted), true);
        }
        Ok(())
    }

    /// What `agent.json` is to hold, and the messages behind the summary that stands there.
    fn wanted(&self, run: &Run) -> (AgentRecord, Vec<Arc<Message>>) {
        let mut agent = self.agent.clone().unwrap_or_else(|| self.new_agent());
        agent.state = run.agent_state().clone();
        let mut messages = shown::messages(run);
        let manager = &mut agent.conversation_manager_state;
        let summary = shown::summary(manager, run, &messages);
        if summary.is_some() {
            messages.remove(0);
        }
        if manager.is_summarizing() {
            manager.summary_message = Some(summary);
        }
        let asked = &mut agent.internal_state.interrupt_state;
        *asked = Some(shown::interrupts(run, asked.take().unwrap_or_default()));
        (agent, messages)
    }

    fn new_agent(&self) -> AgentRecord {
        AgentRecord {
            agent_id: self.layout.agent_id().to_owned(),
            state: Default::default(),
            conversation_manager_state: ManagerRecord::new(&self.manager),
            internal_state: InternalState::default(),
            created_at: time::now(),
            updated_at: time::now(),
            ropewalk: None,
            extra: Default::default(),
        }
    }

    /// Writes what is new or changed. True if a file had to go.
    fn show_messages(&mut self, wanted: Vec<Arc<Message>>, redacted: bool) -> Result<bool, Error> {
        let first = place(self.removed, &self.messages, &wanted);
        let moved = first != self.removed || wanted.len() < self.messages.len();
        for (at, message) in (first..).zip(&wanted) {
            let there = at.checked_sub(self.removed).and_then(|at| self.messages.get(at));
            if there.is_some_and(|there| same(there, message)) {
                continue;
            }
            match self.numbers.get(at) {
                Some(number) => {
                    let same_one = there.is_some() && !moved;
                    self.change(*number, message, same_one, redacted)?;
                }
                None => self.add(message)?,
            }
        }
        let gone = self.numbers.split_off(self.numbers.len().min(first + wanted.len()));
        for number in &gone {
            file::remove(&self.layout.message_file(*number))?;
        }
        (self.removed, self.messages) = (first, wanted);
        Ok(!gone.is_empty())
    }

    fn add(&mut self, message: &Message) -> Result<(), Error> {
        let number = self.next;
        let path = self.layout.message_file(number);
        let Some(next) = number.checked_add(1) else {
            return Err(damaged(&path, "there are no numbers left for further messages"));
        };
        file::write(&path, &MessageRecord::new(message, number, &self.run_id))?;
        self.numbers.push(number);
        self.next = next;
        Ok(())
    }

    /// Lets a message be shown in a place that is taken. `same_one`: by an earlier form of it.
    fn change(
        &self,
        number: u64,
        message: &Message,
        same_one: bool,
        redacted: bool,
    ) -> Result<(), Error> {
        let path = self.layout.message_file(number);
        let mut record = read_message(&self.layout, number)?;
        // Another one, which is not part of the history any more, stays where it is.
        let stands_in = !same_one || record.redact_message.is_some();
        if redacted || !stands_in {
            record.message = message.clone();
        }
        if redacted || stands_in {
            record.redact_message = Some(message.clone());
        }
        record.updated_at = time::now();
        record.ropewalk = Some(self.run_id.to_string());
        file::write(&path, &record)
    }
}

fn read_message(layout: &Layout, number: u64) -> Result<MessageRecord, Error> {
    let path = layout.message_file(number);
    let record: MessageRecord =
        file::read(&path)?.ok_or_else(|| damaged(&path, "it was removed while it was read"))?;
    if record.message_id != number {
        return Err(damaged(&path, &format!("it holds the message {}", record.message_id)));
    }
    Ok(record)
}
