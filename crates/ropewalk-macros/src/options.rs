//! What stands in the brackets of `#[tool(..)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitStr, Path, Token, ext::IdentExt, parenthesized};

use crate::json::JsonObject;

/// The options of a tool.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) replay: Option<Replay>,
    pub(crate) preview: Option<Path>,
    pub(crate) examples: Vec<Example>,
    pub(crate) krate: Option<Path>,
}

/// What may be done with a call of which nobody knows whether it ran.
pub(crate) enum Replay {
    Never,
    Idempotent,
    Pure,
}

/// A request that the tool serves.
pub(crate) struct Example {
    request: LitStr,
    input: JsonObject,
    result: Option<LitStr>,
    answer: Option<LitStr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        each_key(input, |key, input| match key.to_string().as_str() {
            "name" => once(&mut options.name, key, name(input)?),
            "description" => once(&mut options.description, key, text(input)?),
            "replay" => once(&mut options.replay, key, replay(input)?),
            "preview" => {
                input.parse::<Token![=]>()?;
                once(&mut options.preview, key, input.call(Path::parse_mod_style)?)
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                once(&mut options.krate, key, input.call(Path::parse_mod_style)?)
            }
            "example" => {
                let content;
                parenthesized!(content in input);
                options.examples.push(Example::parse(key, &content)?);
                Ok(())
            }
            _ => Err(syn::Error::new(
                key.span(),
                format!(
                    "`{key}` is no option of `#[tool]`: there are `name`, `description`, \
                         `replay`, `preview`, `example` and `crate`"
                ),
            )),
        })?;
        Ok(options)
    }
}

impl Example {
    fn parse(example: &Ident, input: ParseStream<'_>) -> syn::Result<Self> {
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

/// Goes through `key ..` parts, with commas between them.
fn each_key(
    input: ParseStream<'_>,
    mut part: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    while !input.is_empty() {
        let key = input.call(Ident::parse_any)?;
        part(&key, input)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

fn once<T>(place: &mut Option<T>, key: &Ident, value: T) -> syn::Result<()> {
    if place.is_some() {
        return Err(syn::Error::new(key.span(), format!("`{key}` is given twice")));
    }
    *place = Some(value);
    Ok(())
}

fn text(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn name(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let literal = text(input)?;
    let name = literal.value();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
        return Err(syn::Error::new(
            literal.span(),
            "a tool's name is 1 to 64 letters, digits, `_` and `-`",
        ));
    }
    Ok(literal)
}

fn replay(input: ParseStream<'_>) -> syn::Result<Replay> {
    let literal = text(input)?;
    match literal.value().as_str() {
        "never" => Ok(Replay::Never),
        "idempotent" => Ok(Replay::Idempotent),
        "pure" => Ok(Replay::Pure),
        other => Err(syn::Error::new(
            literal.span(),
            format!("`{other}` is no way to replay: there are `never`, `idempotent` and `pure`"),
        )),
    }
}
