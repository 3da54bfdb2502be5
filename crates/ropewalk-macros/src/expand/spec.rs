//! What the model is told about a tool.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemFn;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::docs::Docs;
use crate::options::Options;

/// What the tool is called.
pub(super) fn name(options: &Options, function: &ItemFn) -> String {
    match &options.name {
        Some(name) => name.value(),
        None => function.sig.ident.unraw().to_string(),
    }
}

pub(super) fn function(
    options: &Options,
    function: &ItemFn,
    docs: &Docs,
    support: &TokenStream,
) -> syn::Result<TokenStream> {
    let ident = &function.sig.ident;
    let name = name(options, function);
    let described = options.description.as_ref().map(syn::LitStr::value);
    let description = described.unwrap_or_else(|| docs.description.clone());
    if description.trim().is_empty() {
        return Err(syn::Error::new(
            options.description.as_ref().map_or(ident.span(), Spanned::span),
            "a tool needs a description: write a doc comment",
        ));
    }
    let examples = options.examples.iter().map(|example| example.expression(support));
    let annotations =
        options.annotations().map(|(key, value)| quote!(.with_annotation(#key, #value)));
    Ok(quote! {
        fn __ropewalk_spec() -> #support::ToolSpec {
            #support::ToolSpec::new(
                #name,
                #description,
                #support::schema_of::<__RopewalkArguments>(),
            )
            #(#annotations)*
            #(.with_example(#examples))*
        }
    })
}
