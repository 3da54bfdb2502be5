//! Messages that stay, whatever else is left out of a history.

use serde_json::{Value, json};

use super::{Message, Transcript};

/// The key under `metadata.custom` (Strands' own).
const PINNED: &str = "pinned";

impl Message {
    /// The same message, pinned: conversation managers leave it where it is.
    ///
    /// ```
    /// use ropewalk_core::Message;
    ///
    /// let message = Message::user("My name is Ada.").pinned();
    /// let json = serde_json::to_value(&message)?;
    /// assert_eq!(json["metadata"]["custom"]["pinned"], true);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn pinned(mut self) -> Self {
        self.set_pinned(true);
        self
    }

    /// True if the message itself is pinned (`metadata.custom.pinned` is true, as in Strands). That it
    /// belongs to a tool turn of which another message is pinned says
    /// [`Transcript::is_pinned`].
    pub fn is_pinned(&self) -> bool {
        let custom = self.metadata.as_ref().and_then(|metadata| metadata.custom.as_ref());
        custom.and_then(|custom| custom.get(PINNED)) == Some(&Value::Bool(true))
    }

    /// Pins the message, or lets go of it. Whatever else stands in `metadata.custom` is kept; what is
    /// no object there moves to its key `value`.
    pub fn set_pinned(&mut self, pinned: bool) {
        if pinned == self.is_pinned() {
            return;
        }
        let custom = self.metadata.get_or_insert_default().custom.get_or_insert_with(|| json!({}));
        if !custom.is_object() {
            *custom = json!({"value": custom.take()});
        }
        custom[PINNED] = Value::Bool(pinned);
    }
}

impl Transcript {
    /// True if the message at this place stays when others are left out: it is pinned, or it belongs to
    /// a tool turn (the uses and their results) of which the other message is. False behind the end.
    pub fn is_pinned(&self, place: usize) -> bool {
        let pinned = |place: usize| self.get(place).is_some_and(|message| message.is_pinned());
        let Some(message) = self.get(place) else { return false };
        let asks = || message.tool_uses().next().is_some();
        let answers = || message.results().next().is_some();
        message.is_pinned()
            || asks() && pinned(place + 1)
            || answers() && place.checked_sub(1).is_some_and(pinned)
    }
}
