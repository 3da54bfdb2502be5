//! The stored form of an enum of facts: an object that says first which one it is, as its `type`.
//!
//! The form is serde's *internally tagged* one. What serde makes for it reads the whole object into a tree before it
//! looks at the tag, which takes as long as all the rest; here the tag is looked at when it comes, and the fields are
//! read straight to where they belong. What has its tag elsewhere, as other programs may write it, is read too.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde::ser::{Error as _, Impossible, SerializeStruct, SerializeStructVariant, Serializer};
use serde::{Serialize, de};
use serde_json::Map;

use crate::tagged::Key;

const TAG: &str = "type";

/// Takes what serde writes of an enum in its own form, `{"fact": {…}}`, and writes `{"type": "fact", …}`.
pub(super) struct TagWriter<S>(pub(super) S);

/// The fields behind the tag.
pub(super) struct Fields<S>(S);

impl<S: SerializeStruct> SerializeStructVariant for Fields<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

/// What no enum of facts has.
macro_rules! refused {
    ($($name:ident $(<$kind:ident>)? ($($argument:ty),*) -> $ok:ident;)+) => { $(
        fn $name $(<$kind: Serialize + ?Sized>)? (
            self $(, _: $argument)*
        ) -> Result<Self::$ok, S::Error> {
            Err(S::Error::custom("not one of an enum's variants with named fields, or none"))
        }
    )+ };
}

impl<S: Serializer> Serializer for TagWriter<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeStructVariant = Fields<S::SerializeStruct>;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Impossible<S::Ok, S::Error>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Impossible<S::Ok, S::Error>;

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let mut fields = self.0.serialize_struct(name, length + 1)?;
        fields.serialize_field(TAG, variant)?;
        Ok(Fields(fields))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.serialize_struct_variant(name, number, variant, 0)?.end()
    }

    refused! {
        serialize_bool(bool) -> Ok;
        serialize_i8(i8) -> Ok;
        serialize_i16(i16) -> Ok;
        serialize_i32(i32) -> Ok;
        serialize_i64(i64) -> Ok;
        serialize_u8(u8) -> Ok;
        serialize_u16(u16) -> Ok;
        serialize_u32(u32) -> Ok;
        serialize_u64(u64) -> Ok;
        serialize_f32(f32) -> Ok;
        serialize_f64(f64) -> Ok;
        serialize_char(char) -> Ok;
        serialize_str(&str) -> Ok;
        serialize_bytes(&[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_some<T>(&T) -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_struct(&'static str) -> Ok;
        serialize_newtype_struct<T>(&'static str, &T) -> Ok;
        serialize_newtype_variant<T>(&'static str, u32, &'static str, &T) -> Ok;
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
    }
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
                before.insert(key.into_owned(), map.next_value()?);
                continue;
            }
            let Key(tag) = map.next_value()?;
            if before.is_empty() {
                return Known { tag, visitor: self.0 }.visit_map(map);
            }
            while let Some((key, value)) = map.next_entry()? {
                before.insert(key, value);
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
        self.visitor.visit_enum(Fact { tag: self.tag, fields })
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

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        seed.deserialize(MapAccessDeserializer::new(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, A::Error> {
        Err(A::Error::invalid_type(de::Unexpected::Map, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }
}
