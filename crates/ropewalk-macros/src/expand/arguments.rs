//! The struct that a call's arguments are read into.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;
use syn::ext::IdentExt;

use crate::signature::Signature;

/// The struct that only the tool knows.
pub(super) fn structure(signature: &Signature, support: &TokenStream) -> TokenStream {
    let (mut fields, mut defaults) = (Vec::new(), Vec::new());
    for argument in signature.arguments() {
        let (field, default) = argument.field(None);
        fields.push(field);
        defaults.extend(default);
    }
    let (serde, schemars) = crates(support);
    quote! {
        #[derive(#support::serde::Deserialize, #support::schemars::JsonSchema)]
        #[serde(crate = #serde, expecting = "an object with the arguments")]
        #[schemars(crate = #schemars)]
        struct __RopewalkArguments {
            #(#fields,)*
        }
        #(#defaults)*
    }
}

/// The struct that callers make too, with what it is called and which tool takes it.
pub(super) fn public(
    input: &Ident,
    vis: &syn::Visibility,
    (function, tool): (&Ident, &str),
    signature: &Signature,
    support: &TokenStream,
) -> TokenStream {
    let (mut fields, mut defaults) = (Vec::new(), Vec::new());
    for argument in signature.arguments() {
        let (field, default) = argument.field(Some(input));
        let unset = argument
            .is_optional()
            .then(|| quote!(#[serde(skip_serializing_if = "::core::option::Option::is_none")]));
        fields.push(quote!(#unset #field));
        defaults.extend(default);
    }
    let (serde, schemars) = crates(support);
    let title = format!("The arguments of the tool [`{}`].", function.unraw());
    // They stand with the struct, so that no other name is added beside it.
    let defaults = (!defaults.is_empty()).then(|| quote!(impl #input { #(#defaults)* }));
    quote! {
        #[doc = #title]
        #[allow(missing_debug_implementations)]
        #[derive(
            #support::serde::Serialize,
            #support::serde::Deserialize,
            #support::schemars::JsonSchema,
        )]
        #[serde(crate = #serde, expecting = "an object with the arguments")]
        #[schemars(crate = #schemars)]
        #vis struct #input {
            #(#fields,)*
        }
        #defaults
        impl #support::ToolInput for #input {
            const TOOL: &'static str = #tool;
        }
    }
}

/// Says within the tool what its struct is called there.
pub(super) fn alias(input: &Ident) -> TokenStream {
    let name = format_ident!("__RopewalkArguments");
    quote!(type #name = #input;)
}

/// Where the derives find their crates.
fn crates(support: &TokenStream) -> (String, String) {
    let path = |name: &str| support.to_string().replace(' ', "") + "::" + name;
    (path("serde"), path("schemars"))
}
