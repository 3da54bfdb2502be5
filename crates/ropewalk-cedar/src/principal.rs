//! Who a call is made for.

use cedar_policy::{EntityId, EntityTypeName, EntityUid};
use serde_json::Value;

/// Who a tool call is made for: an entity of a type.
///
/// ```
/// use ropewalk_cedar::Principal;
///
/// let alice = Principal::from("alice"); // User::"alice"
/// let job = Principal::new("Service", "nightly"); // Service::"nightly"
/// assert_ne!(alice, job);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    kind: String,
    id: String,
}

impl Principal {
    /// An entity of a type, with namespaces where it has any: `Shop::Customer`. A type that is none
    /// denies the call.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// A `User`.
    pub fn user(id: impl Into<String>) -> Self {
        Self::new("User", id)
    }

    /// An `Agent`.
    pub fn agent(name: impl Into<String>) -> Self {
        Self::new("Agent", name)
    }

    /// What stands under `principal` in the invocation state: a text is the id of a user, an object
    /// with `type` and `id` any entity.
    pub(crate) fn from_state(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(id) => Ok(Self::user(id)),
            Value::Object(map) if map.len() == 2 => {
                match (
                    map.get("type").and_then(Value::as_str),
                    map.get("id").and_then(Value::as_str),
                ) {
                    (Some(kind), Some(id)) => Ok(Self::new(kind, id)),
                    _ => Err(Self::misfit()),
                }
            }
            _ => Err(Self::misfit()),
        }
    }

    fn misfit() -> String {
        "what the invocation state holds as `principal` must be a text or an object with the texts \
         `type` and `id`"
            .to_owned()
    }

    pub(crate) fn entity(&self) -> Result<EntityUid, String> {
        entity(&self.kind, &self.id)
    }
}

impl From<&str> for Principal {
    fn from(id: &str) -> Self {
        Self::user(id)
    }
}

impl From<String> for Principal {
    fn from(id: String) -> Self {
        Self::user(id)
    }
}

/// An entity's name, made of its parts: an id can hold anything.
pub(crate) fn entity(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind: EntityTypeName = kind
        .parse()
        .map_err(|error| format!("`{kind}` can't be the type of an entity: {error}"))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}
