//! JSON as it may stand in `example(input = ..)`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Lit, LitStr, Token, braced, bracketed, token};

/// A JSON object, written as such or within a string.
pub(crate) enum JsonObject {
    Tokens(TokenStream),
    Text(LitStr),
}

impl Parse for JsonObject {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            return match serde_json::from_str::<serde_json::Value>(&text.value()) {
                Ok(serde_json::Value::Object(_)) => Ok(Self::Text(text)),
                Ok(_) => Err(syn::Error::new(text.span(), NO_OBJECT)),
                Err(error) => {
                    Err(syn::Error::new(text.span(), format!("this is no JSON: {error}")))
                }
            };
        }
        if !input.peek(token::Brace) {
            return Err(input.error(NO_OBJECT));
        }
        value(input).map(Self::Tokens)
    }
}

const NO_OBJECT: &str = "an example's input is a JSON object: `{\"key\": \"value\"}`";

impl JsonObject {
    /// An expression that gives it, `support` being the path of the macro support.
    pub(crate) fn expression(&self, support: &TokenStream) -> TokenStream {
        match self {
            Self::Tokens(tokens) => quote!(#support::serde_json::json!(#tokens)),
            // It was read here already, so that it can't fail there.
            Self::Text(text) => quote! {
                #support::serde_json::from_str(#text).unwrap_or_default()
            },
        }
    }
}

/// Takes one JSON value, and gives it as tokens that `json!` takes.
fn value(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    if input.peek(token::Brace) {
        let content;
        braced!(content in input);
        let entries = content.parse_terminated(entry, Token![,])?;
        return Ok(quote!({ #entries }));
    }
    if input.peek(token::Bracket) {
        let content;
        bracketed!(content in input);
        let items = content.parse_terminated(value, Token![,])?;
        return Ok(quote!([ #items ]));
    }
    if input.peek(syn::Ident) && input.fork().parse::<syn::Ident>()? == "null" {
        return Ok(input.parse::<syn::Ident>()?.into_token_stream());
    }
    let minus: Option<Token![-]> = input.parse()?;
    let here = input.span();
    match input.parse::<Lit>() {
        Ok(number @ (Lit::Int(_) | Lit::Float(_))) => Ok(quote!(#minus #number)),
        Ok(plain @ (Lit::Str(_) | Lit::Bool(_))) if minus.is_none() => {
            Ok(plain.into_token_stream())
        }
        _ => Err(syn::Error::new(
            here,
            "this is no JSON: a string, a number, `true`, `false`, `null`, an array or an object \
             must stand here",
        )),
    }
}

fn entry(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let here = input.span();
    let key: LitStr = input
        .parse()
        .map_err(|_| syn::Error::new(here, "this is no JSON: a key must be a string in quotes"))?;
    let colon: Token![:] = input.parse()?;
    let value = value(input)?;
    Ok(quote!(#key #colon #value))
}
