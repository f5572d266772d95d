//! Reads serde types out of a [`Tree`], with faults that know the key they stand at.

use crate::secret::SECRET;
use crate::tree::{NodeRef, Tree, Value};
use crate::words;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt;
use std::marker::PhantomData;

/// Why a type could not be read.
#[derive(Debug)]
pub struct DecodeError {
    pub(crate) at: Option<Spot>,
    pub(crate) what: What,
    /// The value may be a secret and is not to be shown.
    pub(crate) secret: bool,
}

/// Which half of a key and its value is at fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spot {
    Key(NodeRef),
    Value(NodeRef),
}

/// What is wrong there.
#[derive(Debug)]
pub(crate) enum What {
    UnknownKey { key: String, known: &'static [&'static str] },
    MissingKey(&'static str),
    Value(String),
}

impl DecodeError {
    fn value(message: String) -> Self {
        Self { at: None, what: What::Value(message), secret: false }
    }

    fn or_at(mut self, spot: Spot) -> Self {
        self.at.get_or_insert(spot);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::UnknownKey { key, known } => {
                write!(f, "unknown key `{}`{}", words::shown(key), words::suggestion(key, known))
            }
            What::MissingKey(key) => write!(f, "the key `{key}` is missing"),
            What::Value(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::value(words::plain(&message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::value(format!(
            "expected {}, found {}",
            words::expected(&expected.to_string()),
            words::found(found)
        ))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let number = match found {
            Unexpected::Signed(n) => n.to_string(),
            Unexpected::Unsigned(n) => n.to_string(),
            Unexpected::Float(_)
            | Unexpected::Bool(_)
            | Unexpected::Char(_)
            | Unexpected::Str(_)
            | Unexpected::Bytes(_)
            | Unexpected::Unit
            | Unexpected::Option
            | Unexpected::NewtypeStruct
            | Unexpected::Seq
            | Unexpected::Map
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant
            | Unexpected::Other(_) => String::from("something else"),
        };
        let expected = words::expected(&expected.to_string());
        Self::value(format!("expected {expected}, found {number}"))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::value(format!("expected {expected}, found {length} elements"))
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        let near = words::nearest(variant, known.iter().copied());
        let hint = near.map_or_else(
            || format!("; expected one of `{}`", known.join("`, `")),
            |near| format!("; did you mean `{near}`?"),
        );
        Self::value(format!("unknown value `{}`{hint}", words::shown(variant)))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self { at: None, what: What::UnknownKey { key: key.to_owned(), known }, secret: false }
    }

    fn missing_field(key: &'static str) -> Self {
        Self { at: None, what: What::MissingKey(key), secret: false }
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::value(format!("the key `{key}` was given before; keep one of the two"))
    }
}

/// Reads one node of a tree as whatever serde asks for.
#[derive(Clone, Copy)]
pub struct Reader<'t> {
    tree: &'t Tree,
    at: NodeRef,
    /// Keys of this table that somebody else reads.
    apart: &'t [&'static str],
}

impl<'t> Reader<'t> {
    pub(crate) fn new(tree: &'t Tree, at: NodeRef, apart: &'t [&'static str]) -> Self {
        Self { tree, at, apart }
    }

    fn below(self, at: NodeRef) -> Self {
        Self { tree: self.tree, at, apart: &[] }
    }

    fn children(self, list: impl Iterator<Item = NodeRef> + 't) -> Children<'t> {
        let tree = self.tree;
        Children { reader: self, left: Box::new(list.filter(move |n| !tree.node(*n).dropped)), value: None }
    }

    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.tree.node(self.at).value {
            Value::Text(text) | Value::Date(text) => visitor.visit_str(text),
            Value::Integer { digits, radix } => {
                if let Ok(n) = i64::from_str_radix(digits, *radix) {
                    visitor.visit_i64(n)
                } else if let Ok(n) = u64::from_str_radix(digits, *radix) {
                    visitor.visit_u64(n)
                } else {
                    Err(DecodeError::value(String::from("this number is too large")))
                }
            }
            Value::Float(digits) => match digits.parse() {
                Ok(n) => visitor.visit_f64(n),
                Err(_no_float) => Err(DecodeError::value(String::from("this is no number"))),
            },
            Value::Truth(truth) => visitor.visit_bool(*truth),
            Value::List(list) => visitor.visit_seq(self.children(list.iter().copied())),
            Value::Table(table) => {
                let apart = self.apart;
                let entries = table.iter().filter(move |(key, _)| !apart.contains(&key.as_str()));
                visitor.visit_map(self.children(entries.map(|(_, n)| *n)))
            }
        }
    }

    /// A string, and not a date; a scalar from the environment is one however it looks.
    fn visit_text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let node = self.tree.node(self.at);
        match &node.value {
            Value::Text(_) | Value::List(_) | Value::Table(_) => self.visit(visitor),
            Value::Date(_) | Value::Integer { .. } | Value::Float(_) | Value::Truth(_) => match &node.raw {
                Some(raw) => visitor.visit_str(raw),
                None if matches!(node.value, Value::Date(_)) => {
                    Err(DecodeError::invalid_type(Unexpected::Other("date"), &visitor))
                }
                None => self.visit(visitor),
            },
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit(visitor).map_err(|e| e.or_at(Spot::Value(self.at)))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit_text(visitor).map_err(|e| e.or_at(Spot::Value(self.at)))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self).map_err(|e| e.or_at(Spot::Value(self.at)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == SECRET {
            self.tree.node(self.at).secret.set(true);
        }
        visitor.visit_newtype_struct(self).map_err(|mut e| {
            e.secret |= name == SECRET;
            e.or_at(Spot::Value(self.at))
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let node = self.tree.node(self.at);
        let found = match &node.value {
            Value::Text(text) => visitor.visit_enum(StrDeserializer::new(text)),
            Value::Table(table) => {
                let live: Vec<NodeRef> =
                    table.values().copied().filter(|n| !self.tree.node(*n).dropped).collect();
                match live.as_slice() {
                    [one] => visitor.visit_enum(Variant(self.below(*one))),
                    _ => Err(DecodeError::value(format!(
                        "expected exactly one key here, found {}",
                        live.len()
                    ))),
                }
            }
            Value::Integer { .. } | Value::Float(_) | Value::Truth(_) | Value::Date(_) | Value::List(_) => {
                match &node.raw {
                    Some(raw) => visitor.visit_enum(StrDeserializer::new(raw)),
                    None => self.visit(Unfit("a string", PhantomData)),
                }
            }
        };
        found.map_err(|e| e.or_at(Spot::Value(self.at)))
    }

    /// A table; serde's own structs would take a list, too, and read it by the order of its elements.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let read = if matches!(self.tree.node(self.at).value, Value::List(_)) {
            Err(DecodeError::invalid_type(Unexpected::Seq, &"a table"))
        } else {
            self.visit(visitor)
        };
        read.map_err(|e| e.or_at(Spot::Value(self.at)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The elements of a list or the entries of a table.
struct Children<'t> {
    reader: Reader<'t>,
    left: Box<dyn Iterator<Item = NodeRef> + 't>,
    value: Option<NodeRef>,
}

impl<'de> SeqAccess<'de> for Children<'_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        self.left.next().map(|child| seed.deserialize(self.reader.below(child))).transpose()
    }
}

impl<'de> MapAccess<'de> for Children<'_> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        let Some(child) = self.left.next() else {
            return Ok(None);
        };
        self.value = Some(child);
        let key: StrDeserializer<'_, DecodeError> =
            self.reader.tree.node(child).key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|e| e.or_at(Spot::Key(child)))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        match self.value.take() {
            Some(child) => seed.deserialize(self.reader.below(child)),
            None => Err(DecodeError::value(String::from("a value was asked for before its key"))),
        }
    }
}

/// A table of one key, as the variant of that name.
struct Variant<'t>(Reader<'t>);

impl<'de, 't> EnumAccess<'de> for Variant<'t> {
    type Error = DecodeError;
    type Variant = Reader<'t>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Reader<'t>), DecodeError> {
        let key: StrDeserializer<'_, DecodeError> =
            self.0.tree.node(self.0.at).key.as_str().into_deserializer();
        let name = seed.deserialize(key).map_err(|e| e.or_at(Spot::Key(self.0.at)))?;
        Ok((name, self.0))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Err(DecodeError::value(String::from("expected a string, found a table")).or_at(Spot::Value(self.at)))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }
}

/// A visitor that takes nothing, so that what was found is said in the usual words.
struct Unfit<T>(&'static str, PhantomData<T>);

impl<T> Visitor<'_> for Unfit<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
