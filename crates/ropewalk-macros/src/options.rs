//! What stands in the brackets of `#[tool(..)]`.

mod example;
mod value;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitStr, Path, Token, ext::IdentExt, parenthesized};

pub(crate) use example::Example;

/// The options of a tool.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) preview: Option<Path>,
    pub(crate) examples: Vec<Example>,
    pub(crate) krate: Option<Path>,
    /// What the struct of the arguments is called, if others may make one.
    pub(crate) input: Option<Ident>,
    replay: Option<Replay>,
    timeout: Option<u64>,
    exclusive: Option<LitStr>,
    read_only: Option<bool>,
    destructive: Option<bool>,
    idempotent: Option<bool>,
    open_world: Option<bool>,
}

/// What may be done with a call of which nobody knows whether it ran.
#[derive(Clone, Copy)]
pub(crate) enum Replay {
    Never,
    Idempotent,
    Pure,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        each_key(input, |key, input| match key.to_string().as_str() {
            "name" => once(&mut options.name, key, value::name(input)?),
            "description" => once(&mut options.description, key, text(input)?),
            "replay" => once(&mut options.replay, key, value::replay(input)?),
            "timeout" => once(&mut options.timeout, key, value::millis(input)?),
            "exclusive" => once(&mut options.exclusive, key, value::key(input)?),
            "read_only" => {
                once(&mut options.read_only, key, value::flag(input)?)?;
                options.consistent(key)
            }
            "destructive" => {
                once(&mut options.destructive, key, value::flag(input)?)?;
                options.consistent(key)
            }
            "idempotent" => once(&mut options.idempotent, key, value::flag(input)?),
            "open_world" => once(&mut options.open_world, key, value::flag(input)?),
            "preview" => {
                input.parse::<Token![=]>()?;
                once(&mut options.preview, key, input.call(Path::parse_mod_style)?)
            }
            "input" => {
                input.parse::<Token![=]>()?;
                once(&mut options.input, key, input.parse()?)
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
                     `replay`, `timeout`, `exclusive`, `read_only`, `destructive`, `idempotent`, \
                     `open_world`, `preview`, `input`, `example` and `crate`"
                ),
            )),
        })?;
        Ok(options)
    }
}

impl Options {
    fn consistent(&self, key: &Ident) -> syn::Result<()> {
        if self.destructive == Some(true) && self.read_only == Some(true) {
            let text = "a tool that is `read_only` is not `destructive`: leave out one of them";
            return Err(syn::Error::new(key.span(), text));
        }
        Ok(())
    }

    /// What the definition says besides the spec: calls on it, `support` being the path of the macro
    /// support.
    pub(crate) fn traits(&self, support: &TokenStream) -> TokenStream {
        let replay = self.replay().map(|replay| match replay {
            Replay::Never => quote!(.with_replay(#support::Replay::Never)),
            Replay::Idempotent => quote!(.with_replay(#support::Replay::Idempotent)),
            Replay::Pure => quote!(.with_replay(#support::Replay::Pure)),
        });
        let timeout = self.timeout.map(|millis| quote!(.with_timeout_ms(#millis)));
        let exclusive = self.exclusive.as_ref().map(|key| quote!(.with_exclusive(#key)));
        let preview = self.preview.as_ref().map(|_| quote!(.with_preview(__ropewalk_preview)));
        quote!(#replay #timeout #exclusive #preview)
    }

    /// As said; else what the annotations mean.
    fn replay(&self) -> Option<Replay> {
        let read_only = self.read_only.filter(|on| *on).map(|_| Replay::Pure);
        let idempotent = self.idempotent.filter(|on| *on).map(|_| Replay::Idempotent);
        self.replay.or(read_only).or(idempotent)
    }

    /// The annotations that were said, by the names that they have in a spec.
    pub(crate) fn annotations(&self) -> impl Iterator<Item = (&'static str, bool)> {
        [
            ("readOnlyHint", self.read_only),
            ("destructiveHint", self.destructive),
            ("idempotentHint", self.idempotent),
            ("openWorldHint", self.open_world),
        ]
        .into_iter()
        .filter_map(|(key, said)| Some((key, said?)))
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
