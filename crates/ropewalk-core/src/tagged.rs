//! One macro for the enums whose JSON is an object with a single key that names the variant.

use std::borrow::Cow;

use serde::Deserialize;

/// A key; lent by what is read, where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Defines such an enum with its JSON form. A key it does not know is kept in `Unknown`; an object
/// that holds a known key together with any other is refused, because it can't be one block.
macro_rules! tagged_enum {
    (
        $(#[$outer:meta])*
        pub enum $name:ident ($what:literal) {
            $( $(#[$inner:meta])* $variant:ident($payload:ty) = $key:literal, )+
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$inner])* $variant($payload), )+
            /// A kind that this version does not know: kept whole, written back as it came.
            Unknown(crate::message::Extra),
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                match self {
                    $( Self::$variant(payload) => {
                        let mut map = serializer.serialize_map(Some(1))?;
                        map.serialize_entry($key, payload)?;
                        map.end()
                    } )+
                    Self::Unknown(map) => map.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!($what, ": an object with one key"))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        use crate::tagged::Key;
                        use serde::de::Error;
                        let several = |key: &str, other: &str| {
                            A::Error::custom(format!(
                                concat!($what, " holds both `{}` and `{}`: it must be one of them"),
                                key, other
                            ))
                        };
                        let mut unknown = crate::message::Extra::new();
                        while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
                            match &*key {
                                $( $key => {
                                    if let Some(first) = unknown.keys().next() {
                                        return Err(several(first, $key));
                                    }
                                    let value = map.next_value().map_err(|error| {
                                        A::Error::custom(format!("{}: {error}", $key))
                                    })?;
                                    if let Some(Key(second)) = map.next_key::<Key<'_>>()? {
                                        return Err(several($key, &second));
                                    }
                                    return Ok($name::$variant(value));
                                } )+
                                _ => {
                                    let value = map.next_value()?;
                                    unknown.insert(key.into_owned(), value);
                                }
                            }
                        }
                        if unknown.is_empty() {
                            return Err(A::Error::custom(concat!($what, " is empty")));
                        }
                        Ok($name::Unknown(unknown))
                    }
                }

                deserializer.deserialize_map(Visitor)
            }
        }
    };
}
