//! The `self` of a method that is a tool.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, Type};

use super::output::last_segment;

/// How a method takes the value that it works on.
pub(crate) enum Receiver {
    /// `&self`
    Borrowed,
    /// `self: Arc<Self>`
    Shared,
    /// `self: &Arc<Self>`
    BorrowedShared,
}

impl Receiver {
    /// # Errors
    /// A tool's method can't take it so.
    pub(super) fn of(this: &syn::Receiver) -> syn::Result<Self> {
        let refuse = |text| Err(syn::Error::new(this.span(), text));
        if this.colon_token.is_none() {
            return match (&this.reference, &this.mutability) {
                (Some(_), None) => Ok(Self::Borrowed),
                (Some(_), Some(_)) => refuse(
                    "a tool's method takes `&self`, because calls run side by side: keep what \
                     changes behind a `Mutex`",
                ),
                (None, _) => refuse(
                    "a tool's method takes `&self` or `self: Arc<Self>`, because it is called more \
                     than once",
                ),
            };
        }
        match &*this.ty {
            Type::Reference(reference) if reference.mutability.is_none() => {
                match is_shared_self(&reference.elem) {
                    true => Ok(Self::BorrowedShared),
                    false if is_self(&reference.elem) => Ok(Self::Borrowed),
                    false => refuse(UNKNOWN),
                }
            }
            kind if is_shared_self(kind) => Ok(Self::Shared),
            _ => refuse(UNKNOWN),
        }
    }

    /// What the method is given of an `Arc<Self>` of this name.
    pub(crate) fn given(&self, shared: &TokenStream) -> TokenStream {
        match self {
            Self::Borrowed | Self::BorrowedShared => quote!(&#shared),
            Self::Shared => quote!(#shared),
        }
    }
}

const UNKNOWN: &str = "a tool's method takes `&self`, `self: Arc<Self>` or `self: &Arc<Self>`";

fn is_self(kind: &Type) -> bool {
    last_segment(kind).is_some_and(|segment| segment.ident == "Self")
}

fn is_shared_self(kind: &Type) -> bool {
    let Some(segment) = last_segment(kind).filter(|segment| segment.ident == "Arc") else {
        return false;
    };
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .any(|argument| matches!(argument, GenericArgument::Type(kind) if is_self(kind))),
        _ => false,
    }
}
