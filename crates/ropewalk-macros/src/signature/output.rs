//! What a tool's function gives.

use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type, TypeParamBound};

/// What a tool's function gives, as far as it says so.
pub(crate) enum Output {
    /// A value.
    Value,
    /// A value or an error.
    Result,
    /// One value after another.
    Stream {
        /// Each is a value or an error.
        of_results: bool,
    },
}

impl Output {
    pub(super) fn of(output: &ReturnType) -> Self {
        let ReturnType::Type(_, kind) = output else { return Self::Value };
        if let Some(item) = stream_item(kind) {
            return Self::Stream { of_results: is_result(item) };
        }
        if is_result(kind) { Self::Result } else { Self::Value }
    }
}

fn is_result(kind: &Type) -> bool {
    last_segment(kind).is_some_and(|segment| segment.ident == "Result")
}

/// The item of `impl Stream<Item = ..>` or `BoxStream<'_, ..>`.
fn stream_item(kind: &Type) -> Option<&Type> {
    match kind {
        Type::ImplTrait(kind) => kind.bounds.iter().find_map(|bound| {
            let TypeParamBound::Trait(bound) = bound else { return None };
            let stream = bound.path.segments.last().filter(|last| last.ident == "Stream")?;
            generics(stream).find_map(|argument| match argument {
                GenericArgument::AssocType(item) if item.ident == "Item" => Some(&item.ty),
                _ => None,
            })
        }),
        _ => {
            let stream = last_segment(kind).filter(|last| last.ident == "BoxStream")?;
            generics(stream).find_map(|argument| match argument {
                GenericArgument::Type(item) => Some(item),
                _ => None,
            })
        }
    }
}

fn generics(segment: &PathSegment) -> impl Iterator<Item = &GenericArgument> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments.args.iter()),
        _ => None,
    }
    .into_iter()
    .flatten()
}

/// The last part of a type's path.
pub(super) fn last_segment(kind: &Type) -> Option<&PathSegment> {
    match kind {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}
