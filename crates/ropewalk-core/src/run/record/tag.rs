//! The stored form of an enum of facts: an object that says first which one it is, as its `type`.
//!
//! The form is serde's *internally tagged* one. What serde makes for it reads the whole object into a tree before it
//! looks at the tag, which takes as long as all the rest; here the tag is looked at when it comes, and the fields are
//! read straight to where they belong. What has its tag elsewhere, as other programs may write it, is read too. The format
//! must be JSON, or another that says what stands in it and writes structs as maps.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::tagged::Key;

const TAG: &str = "type";

/// Defines an enum of facts: variants with named fields, or none. `= "Name"` is its name once more, for serde.
macro_rules! facts {
    (
        $(#[$outer:meta])*
        pub enum $name:ident = $remote:literal {
            $(
                $(#[$about:meta])*
                $variant:ident $({ $( $(#[$inner:meta])* $field:ident: $type:ty, )+ })?,
            )+
        }
    ) => {
        $(#[$outer])*
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum $name {
            $( $(#[$about])* $variant $({ $( $(#[$inner])* $field: $type, )+ })?, )+
        }

        const _: () = {
            /// The same in serde's own form, to be read behind a tag.
            #[derive(Deserialize)]
            #[serde(remote = $remote, rename_all = "snake_case")]
            #[allow(dead_code, clippy::large_enum_variant, reason = "none is ever made")]
            enum Form {
                $( $(#[$about])* $variant $({ $( $(#[$inner])* $field: $type, )+ })?, )+
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Form::deserialize(TagReader(deserializer))
                }
            }
        };
    };
}

/// Gives serde, which reads an enum in its own form, what has a tag.
pub(super) struct TagReader<D>(pub(super) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TagReader<D> {
    type Error = D::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Object(visitor))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(D::Error::custom("no enum is read here"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Object<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object that says what it is as its `{TAG}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let mut before = Map::new();
        while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
            if key != TAG {
                put(&mut before, key, &mut map)?;
                continue;
            }
            let Key(tag) = map.next_value()?;
            if before.is_empty() {
                return Known { tag, visitor: self.0 }.visit_map(map);
            }
            while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
                put(&mut before, key, &mut map)?;
            }
            if before.contains_key(TAG) {
                return Err(A::Error::duplicate_field(TAG));
            }
            let fact = Known { tag, visitor: self.0 };
            return before.deserialize_map(fact).map_err(A::Error::custom);
        }
        Err(A::Error::missing_field(TAG))
    }
}

/// An object of which it is known what it is.
struct Known<'a, V> {
    tag: Cow<'a, str>,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Known<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Fact { tag: self.tag, fields: Fields(fields) })
    }
}

/// Keeps a field until it is known what it is one of. Twice is once too often, as behind the tag.
fn put<'de, A: MapAccess<'de>>(
    fields: &mut Map<String, Value>,
    key: Cow<'_, str>,
    map: &mut A,
) -> Result<(), A::Error> {
    match fields.entry(key) {
        Entry::Vacant(place) => {
            place.insert(map.next_value()?);
            Ok(())
        }
        Entry::Occupied(place) => {
            Err(A::Error::custom(format_args!("duplicate field `{}`", place.key())))
        }
    }
}

/// The fields behind a tag: there is no other.
struct Fields<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.0.next_key::<Key<'de>>()? {
            None => Ok(None),
            Some(Key(key)) if key == TAG => Err(A::Error::duplicate_field(TAG)),
            Some(Key(key)) => seed.deserialize(CowStrDeserializer::new(key)).map(Some),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}

/// Which one it is, and the fields behind that.
struct Fact<'a, A> {
    tag: Cow<'a, str>,
    fields: A,
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Fact<'_, A> {
    type Error = A::Error;
    type Variant = Variant<A>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Variant<A>), A::Error> {
        let tag = CowStrDeserializer::new(self.tag);
        seed.deserialize(tag).map(|read| (read, Variant(self.fields)))
    }
}

struct Variant<A>(A);

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Variant<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        while self.0.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Map, &"no fact"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Map, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }
}
