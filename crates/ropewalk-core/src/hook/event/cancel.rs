//! Whether a hook wants something not to happen.

/// Whether a hook wants something not to happen, and what the model is told then. Made from `true`,
/// `false` or a text, as in Strands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cancel {
    /// It goes on.
    #[default]
    No,
    /// It does not happen; the model is told so in standard words.
    Yes,
    /// It does not happen; the model is told this.
    Because(String),
}

impl Cancel {
    /// Cancels, if that is what it says. What is cancelled stays so, with its first text: no later
    /// callback can let through what an earlier one has stopped.
    pub(crate) fn set(&mut self, cancel: Self) {
        if *self == Self::No {
            *self = cancel;
        }
    }

    /// The text for the model, if it is cancelled: the hook's own or the standard one.
    pub(crate) fn text(&self, standard: &str) -> Option<String> {
        match self {
            Self::No => None,
            Self::Yes => Some(standard.to_owned()),
            Self::Because(text) => Some(text.clone()),
        }
    }
}

impl From<bool> for Cancel {
    fn from(cancel: bool) -> Self {
        if cancel { Self::Yes } else { Self::No }
    }
}

impl From<&str> for Cancel {
    fn from(text: &str) -> Self {
        Self::Because(text.to_owned())
    }
}

impl From<String> for Cancel {
    fn from(text: String) -> Self {
        Self::Because(text)
    }
}
