//! The agent.

use std::mem;
use std::sync::Arc;

use bench_common::{Failure, SYSTEM_PROMPT, calls, server};

use crate::connection::Connection;
use crate::message::{Call, Function, Message};
use crate::stream::{Reader, Said};
use crate::tools::Tools;

pub(crate) struct Agent {
    tools: Arc<Tools>,
    messages: Vec<Message>,
    /// The messages as JSON, as far as they were rendered; none if that is not kept.
    rendered: Option<Vec<u8>>,
    /// How many of them were.
    rendered_count: usize,
    host: String,
    connection: Option<Connection>,
    /// How often a model in the process calls the tool; none if the server is asked.
    scripted: Option<usize>,
}

impl Agent {
    pub(crate) fn new(tools: Arc<Tools>, naive: bool, scripted: Option<usize>) -> Self {
        let server = server();
        let host = server.trim_start_matches("http://").trim_end_matches("/v1");
        Self {
            tools,
            messages: vec![Message::System { content: SYSTEM_PROMPT.to_owned() }],
            rendered: (!naive).then(Vec::new),
            rendered_count: 0,
            host: host.to_owned(),
            connection: None,
            scripted,
        }
    }

    pub(crate) fn say(&mut self, message: Message) {
        self.messages.push(message);
    }

    /// Works until the model calls no tool any more; `each` is called with each piece of text.
    pub(crate) async fn run(
        &mut self,
        prompt: String,
        mut each: impl FnMut(&str),
    ) -> Result<String, Failure> {
        self.say(Message::User { content: prompt });
        loop {
            let Said { text, calls } = self.model(&mut each).await?;
            if calls.is_empty() {
                self.say(Message::Assistant { content: Some(text.clone()), tool_calls: calls });
                return Ok(text);
            }
            self.say(Message::Assistant { content: None, tool_calls: calls.clone() });
            for Call { id, function, .. } in calls {
                let content = self.tools.call(&function.name, &function.arguments).await?;
                self.say(Message::Tool { tool_call_id: id, content });
            }
        }
    }

    async fn model(&mut self, each: &mut impl FnMut(&str)) -> Result<Said, Failure> {
        if let Some(count) = self.scripted {
            return Ok(scripted(count, each));
        }
        let body = self.body()?;
        let open = self.connection.take().filter(|connection| !connection.is_closed());
        let mut connection = match open {
            Some(connection) => connection,
            None => Connection::open(&self.host, self.rendered.is_none()).await?,
        };
        let mut response = connection.post(&self.host, body).await?;
        let mut reader = Reader::default();
        while let Some(data) = connection.next(&mut response).await? {
            reader.take(&data, each)?;
        }
        self.connection = Some(connection);
        Ok(reader.said)
    }

    fn body(&mut self) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::with_capacity(1024 + self.room());
        body.extend_from_slice(b"{\"model\":\"bench\",\"messages\":");
        if let Some(rendered) = &mut self.rendered {
            for message in
                &self.messages[mem::replace(&mut self.rendered_count, self.messages.len())..]
            {
                if !rendered.is_empty() {
                    rendered.push(b',');
                }
                serde_json::to_writer(&mut *rendered, message)?;
            }
            body.push(b'[');
            body.extend_from_slice(rendered);
            body.push(b']');
        } else {
            serde_json::to_writer(&mut body, &self.messages)?;
        }
        body.extend_from_slice(
            b",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"tools\":",
        );
        body.extend_from_slice(self.tools.json.as_bytes());
        body.push(b'}');
        Ok(body)
    }

    /// About how long the messages are as JSON.
    fn room(&self) -> usize {
        self.rendered.as_ref().map_or(self.messages.len() * 128, |rendered| rendered.len() + 512)
    }
}

/// What a model in the process says.
fn scripted(count: usize, each: &mut impl FnMut(&str)) -> Said {
    let done = calls();
    if done == count {
        each("word ");
        return Said { text: "word ".to_owned(), calls: Vec::new() };
    }
    let function = Function { name: "add".to_owned(), arguments: r#"{"a":1,"b":2}"#.to_owned() };
    let call = Call { id: format!("call_{done:08}"), function, ..Call::default() };
    Said { text: String::new(), calls: vec![call] }
}
