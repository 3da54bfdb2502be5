//! What a tool's function takes and gives: checks it and takes it apart.

mod output;
mod receiver;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, FnArg, Ident, ItemFn, Pat, PatType, Token, Type};

use crate::docs::{self, Docs};

pub(crate) use output::Output;
pub(crate) use receiver::Receiver;

/// What a tool's function takes and gives.
pub(crate) struct Signature {
    /// None: it is no method.
    pub(crate) receiver: Option<Receiver>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: Output,
}

/// One parameter of a tool's function.
pub(crate) enum Parameter {
    /// The context of the call.
    Context(Ident),
    /// What the model has to give.
    Argument(Box<Argument>),
}

/// What the model has to give.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    kind: Type,
    /// `#[serde(..)]` and `#[schemars(..)]`.
    attributes: Vec<Attribute>,
    default: Option<Expr>,
    pub(crate) description: Option<String>,
}

/// Takes the parameters of a function, and leaves it with plain ones.
///
/// # Errors
/// Everything that a tool's function can't be, each at its place.
pub(crate) fn take(function: &mut ItemFn, docs: &Docs) -> syn::Result<Signature> {
    let mut problems = Problems::default();
    check_function(function, &mut problems);
    let (mut receiver, mut parameters) = (None, Vec::new());
    for input in &mut function.sig.inputs {
        match input {
            FnArg::Receiver(this) => match Receiver::of(this) {
                Ok(kind) => receiver = Some(kind),
                Err(error) => problems.push(error),
            },
            FnArg::Typed(typed) => match parameter(typed) {
                Ok(parameter) => parameters.push((parameter, typed.ty.span())),
                Err(error) => problems.push(error),
            },
        }
    }
    let is_context =
        |(parameter, _): &&(Parameter, Span)| matches!(parameter, Parameter::Context(_));
    if let Some((_, second)) = parameters.iter().filter(is_context).nth(1) {
        problems.add(*second, "a tool has one context: there is a `ToolContext` already");
    }
    let mut parameters: Vec<_> = parameters.into_iter().map(|(parameter, _)| parameter).collect();
    // After an error, a parameter may be missing here for no fault of the comment.
    problems.finish()?;
    describe(&mut parameters, docs)?;
    Ok(Signature { receiver, parameters, output: Output::of(&function.sig.output) })
}

impl Signature {
    /// True if the function is given the context of its call.
    pub(crate) fn takes_context(&self) -> bool {
        self.parameters.iter().any(|parameter| matches!(parameter, Parameter::Context(_)))
    }

    /// What the model has to give.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Argument(argument) => Some(&**argument),
            Parameter::Context(_) => None,
        })
    }
}

impl Argument {
    /// True for an `Option` of which nothing else is said: one that is not given is left out.
    pub(crate) fn is_optional(&self) -> bool {
        self.default.is_none()
            && last_segment(&self.kind).is_some_and(|name| name == "Option")
            && !self.attributes.iter().any(|attribute| attribute.path().is_ident("serde"))
    }

    /// The field of the arguments' struct, and the function of its default if it has one. A struct that
    /// has a name is for callers too, and holds its defaults.
    pub(crate) fn field(&self, of: Option<&Ident>) -> (TokenStream, Option<TokenStream>) {
        let Self { name, kind, attributes, default, description } = self;
        let description = description.iter();
        let vis = of.map(|_| quote!(pub));
        let Some(default) = default else {
            return (quote!(#(#[doc = #description])* #(#attributes)* #vis #name: #kind), None);
        };
        let function = Ident::new(&format!("__ropewalk_default_{}", name.unraw()), name.span());
        let path = match of {
            None => function.to_string(),
            Some(input) => format!("{input}::{function}"),
        };
        let is_text =
            matches!(default, Expr::Lit(literal) if matches!(literal.lit, syn::Lit::Str(_)));
        // A `String` may have a plain text as its default.
        let value = if is_text {
            quote!(::core::convert::From::from(#default))
        } else {
            default.to_token_stream()
        };
        (
            quote! {
                #(#[doc = #description])* #(#attributes)* #[serde(default = #path)] #vis #name: #kind
            },
            Some(quote!(fn #function() -> #kind { #value })),
        )
    }
}

fn check_function(function: &ItemFn, problems: &mut Problems) {
    let signature = &function.sig;
    if !signature.generics.params.is_empty() {
        problems.add(
            signature.generics.span(),
            "a tool can't be generic: the schema of its arguments needs their types",
        );
    }
    if let Some(clause) = &signature.generics.where_clause {
        problems.add(clause.span(), "a tool can't be generic");
    }
    if let Some(word) = &signature.unsafety {
        problems.add(word.span(), "a tool can't be `unsafe`: a model calls it with anything");
    }
    if let Some(word) = &signature.constness {
        problems.add(word.span(), "a tool can't be `const`");
    }
    if let Some(abi) = &signature.abi {
        problems.add(abi.span(), "a tool can't be `extern`");
    }
    if let Some(dots) = &signature.variadic {
        problems.add(dots.span(), "a tool can't be variadic");
    }
}

fn parameter(typed: &mut PatType) -> syn::Result<Parameter> {
    let name = match &*typed.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => name.ident.clone(),
        // `_` and `_x` would both be useless to a model.
        pattern => {
            return Err(syn::Error::new(
                pattern.span(),
                "a tool's parameter needs a name: take the value apart in the body",
            ));
        }
    };
    let attributes = std::mem::take(&mut typed.attrs);
    if last_segment(&typed.ty).is_some_and(|name| name == "ToolContext") {
        let is_comment = |attribute: &&Attribute| attribute.path().is_ident("doc");
        return match attributes.iter().find(|attribute| !is_comment(attribute)) {
            None => Ok(Parameter::Context(name)),
            Some(attribute) => Err(syn::Error::new(
                attribute.span(),
                "the context is not part of the schema: only a doc comment may stand on it",
            )),
        };
    }
    match &*typed.ty {
        Type::Reference(reference) => {
            return Err(syn::Error::new(
                reference.span(),
                "a tool's parameter owns its value: take a `String` instead of a `&str`, a `Vec` \
                 instead of a slice",
            ));
        }
        Type::ImplTrait(kind) => {
            return Err(syn::Error::new(
                kind.span(),
                "a tool can't be generic: the schema of its arguments needs their types",
            ));
        }
        _ => {}
    }
    let description = docs::text_of(&attributes);
    let mut argument = Argument {
        name,
        kind: (*typed.ty).clone(),
        attributes: Vec::new(),
        default: None,
        description,
    };
    for attribute in attributes {
        match attribute.path().get_ident().map(ToString::to_string).as_deref() {
            Some("doc") => {}
            Some("tool") => argument.default = Some(default(&attribute)?),
            Some("serde" | "schemars") => argument.attributes.push(attribute),
            _ => {
                return Err(syn::Error::new(
                    attribute.span(),
                    "on a tool's parameter there may be doc comments, `#[serde(..)]`, \
                     `#[schemars(..)]` and `#[tool(default = ..)]`",
                ));
            }
        }
    }
    Ok(Parameter::Argument(Box::new(argument)))
}

/// Reads `#[tool(default = ..)]`.
fn default(attribute: &Attribute) -> syn::Result<Expr> {
    attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
        let key: Ident = input.call(Ident::parse_any)?;
        if key != "default" {
            return Err(syn::Error::new(
                key.span(),
                format!("`{key}` is no option of a parameter: there is `default`"),
            ));
        }
        input.parse::<Token![=]>()?;
        input.parse()
    })
}

/// Gives the parameters the descriptions of the `# Arguments` section.
fn describe(parameters: &mut [Parameter], docs: &Docs) -> syn::Result<()> {
    let mut problems = Problems::default();
    // The context may be described too, to people: the model never hears of it.
    let contexts: Vec<String> = parameters
        .iter()
        .filter_map(|parameter| match parameter {
            Parameter::Context(name) => Some(name.unraw().to_string()),
            Parameter::Argument(_) => None,
        })
        .collect();
    for entry in docs.arguments.iter().filter(|entry| !contexts.contains(&entry.name)) {
        let mut arguments = parameters.iter_mut().filter_map(|parameter| match parameter {
            Parameter::Argument(argument) => Some(argument),
            Parameter::Context(_) => None,
        });
        match arguments.find(|argument| argument.name.unraw() == entry.name) {
            None => problems.add(
                entry.span,
                &format!("`{}` is described, but the tool has no such parameter", entry.name),
            ),
            Some(argument) if argument.description.is_some() => {
                problems.add(entry.span, &format!("`{}` is described twice", entry.name))
            }
            Some(argument) => argument.description = Some(entry.text.clone()),
        }
    }
    problems.finish()
}

fn last_segment(kind: &Type) -> Option<&Ident> {
    output::last_segment(kind).map(|segment| &segment.ident)
}

/// All that is wrong, so that it is told at once.
#[derive(Default)]
struct Problems(Option<syn::Error>);

impl Problems {
    fn add(&mut self, span: Span, text: &str) {
        self.push(syn::Error::new(span, text));
    }

    fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
