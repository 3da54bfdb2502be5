//! A request that a tool serves.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::ParseStream;
use syn::{Ident, LitStr, Token};

use super::{each_key, once, text};
use crate::json::JsonObject;

/// A request that the tool serves.
pub(crate) struct Example {
    request: LitStr,
    input: JsonObject,
    result: Option<LitStr>,
    answer: Option<LitStr>,
}

impl Example {
    pub(super) fn parse(example: &Ident, input: ParseStream<'_>) -> syn::Result<Self> {
        let (mut request, mut arguments, mut result, mut answer) = (None, None, None, None);
        each_key(input, |key, input| match key.to_string().as_str() {
            "request" => once(&mut request, key, text(input)?),
            "input" => {
                input.parse::<Token![=]>()?;
                once(&mut arguments, key, input.parse()?)
            }
            "result" => once(&mut result, key, text(input)?),
            "answer" => once(&mut answer, key, text(input)?),
            _ => Err(syn::Error::new(
                key.span(),
                format!(
                    "`{key}` is no part of an example: there are `request`, `input`, `result` \
                     and `answer`"
                ),
            )),
        })?;
        let missing =
            |part: &str| syn::Error::new(example.span(), format!("this example has no `{part}`"));
        Ok(Self {
            request: request.ok_or_else(|| missing("request"))?,
            input: arguments.ok_or_else(|| missing("input"))?,
            result,
            answer,
        })
    }

    /// An expression that gives a `ToolExample`, `support` being the path of the macro support.
    pub(crate) fn expression(&self, support: &TokenStream) -> TokenStream {
        let Self { request, input, result, answer } = self;
        let input = input.expression(support);
        let optional = |text: &Option<LitStr>| match text {
            Some(text) => quote!(::core::option::Option::Some(::std::string::String::from(#text))),
            None => quote!(::core::option::Option::None),
        };
        let (result, answer) = (optional(result), optional(answer));
        quote! {
            #support::ToolExample {
                request: ::std::string::String::from(#request),
                input: #input,
                result: #result,
                answer: #answer,
            }
        }
    }
}
