//! Writes the code of a tool.

mod arguments;
mod call;
mod spec;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Ident, ItemFn};

use crate::docs::Docs;
use crate::options::Options;
use crate::paths;
use crate::signature::{self, Signature};

/// The code of a tool, or the errors that say why there is none.
pub(crate) fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item) {
        Ok(function) => function,
        Err(error) => {
            let problem = syn::Error::new(error.span(), "`#[tool]` goes on a function with a body");
            return problem.into_compile_error();
        }
    };
    let fail = |error: syn::Error| {
        let (error, stub) = (error.into_compile_error(), stub(&function));
        quote!(#error #stub)
    };
    match syn::parse2::<Options>(options) {
        Ok(options) => expand(&options, function.clone()).unwrap_or_else(fail),
        Err(error) => fail(error),
    }
}

/// Stands in for a tool that could not be made: where it is used, nothing must be reported besides
/// what is wrong here.
fn stub(function: &ItemFn) -> TokenStream {
    let (vis, ident, krate) = (&function.vis, &function.sig.ident, paths::ropewalk());
    if function.sig.receiver().is_none() {
        return quote! {
            #vis fn #ident() -> #krate::__macro_support::FunctionTool {
                ::core::unimplemented!()
            }
        };
    }
    let mut method = function.clone();
    for input in &mut method.sig.inputs {
        if let FnArg::Typed(typed) = input {
            typed.attrs.clear();
        }
    }
    let companion = companion(ident);
    quote! {
        #method
        #vis fn #companion(self: &::std::sync::Arc<Self>) -> #krate::__macro_support::MethodTool {
            ::core::unimplemented!()
        }
    }
}

/// What gives the tool of a method.
fn companion(method: &Ident) -> Ident {
    format_ident!("{}_tool", method.unraw(), span = method.span())
}

fn expand(options: &Options, mut function: ItemFn) -> syn::Result<TokenStream> {
    let docs = Docs::of(&function.attrs);
    let signature = signature::take(&mut function, &docs)?;
    let krate = options.krate.as_ref().map_or_else(paths::ropewalk, ToTokens::to_token_stream);
    let support = quote!(#krate::__macro_support);
    let definition = definition(options, &function, &signature, &docs, &support)?;
    let body = call::body(&function, &signature, &support);
    let input = match (&options.input, &signature.receiver) {
        (None, _) => quote!(),
        (Some(input), None) => {
            let tool = spec::name(options, &function);
            let names = (&function.sig.ident, tool.as_str());
            arguments::public(input, &function.vis, names, &signature, &support)
        }
        (Some(input), Some(_)) => {
            return Err(syn::Error::new(
                input.span(),
                "no struct can stand beside a method: call it as `agent.tool(\"name\").call(..)`",
            ));
        }
    };
    Ok(match &signature.receiver {
        None => {
            let tool = free_function(function, &definition, &body, &support);
            quote!(#tool #input)
        }
        Some(_) => method(&function, &definition, &body, &support),
    })
}

/// The tool of a free function stands in its place. Everything stands within one function: it sees what
/// the function saw where it was written, and adds no other name to that place.
fn free_function(
    mut function: ItemFn,
    definition: &TokenStream,
    body: &call::Body,
    support: &TokenStream,
) -> TokenStream {
    let (outer, inner) = std::mem::take(&mut function.attrs).into_iter().partition(is_outer);
    let outer: Vec<Attribute> = outer;
    function.attrs = inner;
    let vis = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);
    let ident = &function.sig.ident;
    let call::Body { context, code } = body;
    quote! {
        #(#outer)*
        #vis fn #ident() -> #support::FunctionTool {
            #function
            #definition
            fn __ropewalk_call(
                __ropewalk_input: #support::serde_json::Value,
                #context: #support::ToolContext,
            ) -> #support::BoxFuture<
                'static,
                ::core::result::Result<#support::ToolOutput, #support::BoxError>,
            > {
                #code
            }
            #support::FunctionTool::new(&__ROPEWALK_TOOL, __ropewalk_call)
        }
    }
}

/// A method stays what it is, and gets a companion that gives its tool.
fn method(
    method: &ItemFn,
    definition: &TokenStream,
    body: &call::Body,
    support: &TokenStream,
) -> TokenStream {
    let (vis, ident) = (&method.vis, &method.sig.ident);
    let companion = companion(ident);
    let attributes = method
        .attrs
        .iter()
        .filter(|attribute| is_outer(attribute) && !attribute.path().is_ident("doc"));
    let title = format!("The tool [`{0}`](Self::{0}), which works on this value.", ident.unraw());
    let call::Body { context, code } = body;
    quote! {
        #method

        #(#attributes)*
        #[doc = #title]
        #vis fn #companion(self: &::std::sync::Arc<Self>) -> #support::MethodTool {
            #definition
            let __ropewalk_self = ::std::sync::Arc::clone(self);
            #support::MethodTool::new(
                &__ROPEWALK_TOOL,
                move |__ropewalk_input: #support::serde_json::Value,
                      #context: #support::ToolContext|
                      -> #support::BoxFuture<
                    'static,
                    ::core::result::Result<#support::ToolOutput, #support::BoxError>,
                > {
                    let __ropewalk_self = ::std::sync::Arc::clone(&__ropewalk_self);
                    #code
                },
            )
        }
    }
}

/// What is known of the tool: the struct of its arguments, its spec, the static that holds all of it.
fn definition(
    options: &Options,
    function: &ItemFn,
    signature: &Signature,
    docs: &Docs,
    support: &TokenStream,
) -> syn::Result<TokenStream> {
    let arguments = match &options.input {
        None => arguments::structure(signature, support),
        Some(input) => arguments::alias(input),
    };
    let spec = spec::function(options, function, docs, support)?;
    let preview = match &options.preview {
        None => quote!(),
        Some(path) if signature.receiver.is_some() && path.segments[0].ident == "Self" => {
            return Err(syn::Error::new(
                path.span(),
                "the preview of a method is a free function: `Self` is not known there",
            ));
        }
        Some(path) => preview(path, support),
    };
    let traits = options.traits(support);
    Ok(quote! {
        #arguments
        #spec
        #preview
        static __ROPEWALK_TOOL: #support::ToolDefinition =
            #support::ToolDefinition::new(__ropewalk_spec)#traits;
    })
}

/// The function that says what a call would do. Errors about it stand where its name was written.
fn preview(path: &syn::Path, support: &TokenStream) -> TokenStream {
    let call = quote_spanned!(path.span()=> #path(__ropewalk_input).await);
    quote! {
        fn __ropewalk_preview(
            __ropewalk_input: #support::serde_json::Value,
        ) -> #support::BoxFuture<
            'static,
            ::core::result::Result<::core::option::Option<#support::Preview>, #support::BoxError>,
        > {
            ::std::boxed::Box::pin(async move { #call })
        }
    }
}

/// True for an attribute of the tool, false for one of the function that it runs.
fn is_outer(attribute: &Attribute) -> bool {
    let names = ["doc", "cfg", "deprecated", "allow", "expect", "warn", "deny", "forbid"];
    names.iter().any(|name| attribute.path().is_ident(name))
}
