//! How a tool's function is called with what the model gave.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ItemFn;
use syn::spanned::Spanned;

use crate::signature::{Output, Parameter, Signature};

/// The body of what is called with the input and the context: it gives the boxed future. Long names,
/// because a plain one would hide a tool's function of that name.
pub(super) struct Body {
    /// What the context is called there.
    pub(super) context: Ident,
    pub(super) code: TokenStream,
}

pub(super) fn body(function: &ItemFn, signature: &Signature, support: &TokenStream) -> Body {
    let used = |name: &str, used: bool| format_ident!("{}{name}", if used { "__" } else { "_" });
    let is_async = function.sig.asyncness.is_some();
    let is_stream = matches!(signature.output, Output::Stream { .. });
    let blocks = !is_async && !is_stream;
    let context = used("ropewalk_context", signature.takes_context() || is_stream || blocks);
    let arguments = used("ropewalk_arguments", signature.arguments().next().is_some());

    let given = match blocks {
        false => quote!(),
        // The function may take it along, while the blocking thread needs it too.
        true if signature.takes_context() => {
            quote!(let __ropewalk_own = ::core::clone::Clone::clone(&#context);)
        }
        true => quote!(),
    };
    let call = call(
        function,
        signature,
        &arguments,
        &match blocks {
            true => quote!(__ropewalk_own),
            false => quote!(::core::clone::Clone::clone(&#context)),
        },
    );
    let value = match (blocks, is_async) {
        (true, _) => quote!(#support::run_blocking_in(&#context, move || #call).await?),
        (false, true) => quote!(#call.await),
        (false, false) => call,
    };
    let output = output(function, signature, &value, &context, support);
    let code = quote! {
        ::std::boxed::Box::pin(async move {
            let #arguments: __RopewalkArguments = #support::parse_input(
                __ropewalk_input,
                &__ROPEWALK_TOOL.spec().input_schema,
            )?;
            #given
            #output
        })
    };
    Body { context, code }
}

/// The call itself.
fn call(
    function: &ItemFn,
    signature: &Signature,
    arguments: &Ident,
    context: &TokenStream,
) -> TokenStream {
    let ident = &function.sig.ident;
    let values = signature.parameters.iter().map(|parameter| match parameter {
        Parameter::Context(_) => context.clone(),
        Parameter::Argument(argument) => {
            let name = &argument.name;
            quote!(#arguments.#name)
        }
    });
    match &signature.receiver {
        None => quote!(#ident(#(#values),*)),
        Some(receiver) => {
            let this = receiver.given(&quote!(__ropewalk_self));
            quote!(Self::#ident(#this, #(#values),*))
        }
    }
}

/// Makes what the function gives an output. A type that can't be given is reported where it is
/// written.
fn output(
    function: &ItemFn,
    signature: &Signature,
    value: &TokenStream,
    context: &Ident,
    support: &TokenStream,
) -> TokenStream {
    let span = match &function.sig.output {
        syn::ReturnType::Type(_, kind) => kind.span(),
        syn::ReturnType::Default => function.sig.ident.span(),
    };
    let failed = quote! {
        ::core::result::Result::Err(::core::convert::Into::<#support::BoxError>::into(error))
    };
    let result = quote_spanned! {span=>
        #support::IntoToolOutput::<_>::into_tool_output(value)
    };
    match signature.output {
        Output::Value => quote!(let value = #value; #result),
        Output::Result => quote! {
            let value = match #value {
                ::core::result::Result::Ok(value) => value,
                ::core::result::Result::Err(error) => return #failed,
            };
            #result
        },
        Output::Stream { of_results } => {
            let item = quote_spanned!(span=> #support::stream_item(item));
            let read = match of_results {
                false => quote!(|item| #item),
                true => quote! {
                    |item| match item {
                        ::core::result::Result::Ok(item) => #item,
                        ::core::result::Result::Err(error) => #failed,
                    }
                },
            };
            quote!(#support::stream_output(&#context, #value, #read).await).into_token_stream()
        }
    }
}
