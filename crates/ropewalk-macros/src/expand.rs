//! Writes the code of a tool.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, ItemFn};

use crate::docs::Docs;
use crate::options::{Options, Replay};
use crate::paths;
use crate::signature::{self, Parameter};

/// The code of a tool, or the errors that say why there is none.
pub(crate) fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    let function = match syn::parse2::<ItemFn>(item) {
        Ok(function) => function,
        Err(error) => {
            let problem = syn::Error::new(error.span(), "`#[tool]` goes on a function with a body");
            return problem.into_compile_error();
        }
    };
    // Where the tool is used, nothing must be reported besides what is wrong here.
    let stub = |krate: TokenStream| {
        let (vis, name) = (&function.vis, &function.sig.ident);
        quote! {
            #vis fn #name() -> #krate::__macro_support::FunctionTool {
                ::core::unimplemented!()
            }
        }
    };
    let fail = |error: syn::Error| {
        let (error, stub) = (error.into_compile_error(), stub(paths::ropewalk()));
        quote!(#error #stub)
    };
    match syn::parse2::<Options>(options) {
        Ok(options) => expand(&options, function.clone()).unwrap_or_else(fail),
        Err(error) => fail(error),
    }
}

fn expand(options: &Options, mut function: ItemFn) -> syn::Result<TokenStream> {
    let docs = Docs::of(&function.attrs);
    let parameters = signature::parameters(&mut function, &docs)?;
    let (outer, inner) = std::mem::take(&mut function.attrs).into_iter().partition(is_outer);
    let outer: Vec<Attribute> = outer;
    function.attrs = inner;
    let vis = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);

    let krate = options.krate.as_ref().map_or_else(paths::ropewalk, ToTokens::to_token_stream);
    let support = quote!(#krate::__macro_support);
    let ident = &function.sig.ident;
    let struct_ = arguments_struct(&parameters, &support);
    let spec = spec_function(options, &function, &docs, &support)?;
    let call = call_function(&function, &parameters, &support);
    let replay = match options.replay {
        None | Some(Replay::Never) => quote!(Never),
        Some(Replay::Idempotent) => quote!(Idempotent),
        Some(Replay::Pure) => quote!(Pure),
    };
    let (preview, with_preview) = match &options.preview {
        None => (quote!(), quote!()),
        Some(path) => (preview_function(path, &support), quote!(.with_preview(__ropewalk_preview))),
    };
    // Everything stands within one function: it sees what the function saw where it was written,
    // and adds no other name to that place.
    Ok(quote! {
        #(#outer)*
        #vis fn #ident() -> #support::FunctionTool {
            #function
            #struct_
            #spec
            #call
            #preview
            static __ROPEWALK_TOOL: #support::FunctionDefinition =
                #support::FunctionDefinition::new(
                    __ropewalk_spec,
                    __ropewalk_call,
                    #support::Replay::#replay,
                )#with_preview;
            #support::FunctionTool::new(&__ROPEWALK_TOOL)
        }
    })
}

/// The function that says what a call would do. Errors about it stand where its name was written.
fn preview_function(path: &syn::Path, support: &TokenStream) -> TokenStream {
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

fn arguments_struct(parameters: &[Parameter], support: &TokenStream) -> TokenStream {
    let (mut fields, mut defaults) = (Vec::new(), Vec::new());
    for parameter in parameters {
        if let Parameter::Argument(argument) = parameter {
            let (field, default) = argument.field();
            fields.push(field);
            defaults.extend(default);
        }
    }
    let path = |name: &str| support.to_string().replace(' ', "") + "::" + name;
    let (serde, schemars) = (path("serde"), path("schemars"));
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

fn spec_function(
    options: &Options,
    function: &ItemFn,
    docs: &Docs,
    support: &TokenStream,
) -> syn::Result<TokenStream> {
    let ident = &function.sig.ident;
    let name = match &options.name {
        Some(name) => name.value(),
        None => ident.unraw().to_string(),
    };
    let described = options.description.as_ref().map(syn::LitStr::value);
    let description = described.unwrap_or_else(|| docs.description.clone());
    if description.trim().is_empty() {
        return Err(syn::Error::new(
            options.description.as_ref().map_or(ident.span(), Spanned::span),
            "a tool needs a description: write a doc comment",
        ));
    }
    let examples = options.examples.iter().map(|example| example.expression(support));
    Ok(quote! {
        fn __ropewalk_spec() -> #support::ToolSpec {
            let spec = #support::ToolSpec::new(
                #name,
                #description,
                #support::schema_of::<__RopewalkArguments>(),
            );
            #(let spec = spec.with_example(#examples);)*
            spec
        }
    })
}

fn call_function(
    function: &ItemFn,
    parameters: &[Parameter],
    support: &TokenStream,
) -> TokenStream {
    let ident = &function.sig.ident;
    let none_to_read =
        parameters.iter().all(|parameter| matches!(parameter, Parameter::Context(_)));
    let arguments = if none_to_read {
        format_ident!("_ropewalk_arguments")
    } else {
        format_ident!("__ropewalk_arguments")
    };
    let values = parameters.iter().map(|parameter| match parameter {
        Parameter::Context(_) => quote!(__ropewalk_context),
        Parameter::Argument(argument) => {
            let name = &argument.name;
            quote!(#arguments.#name)
        }
    });
    let call = quote!(#ident(#(#values),*));
    let given = if function.sig.asyncness.is_some() {
        quote!(#call.await)
    } else {
        quote!(#support::run_blocking(move || #call).await?)
    };
    let value = if signature::gives_result(function) {
        quote! {
            match #given {
                ::core::result::Result::Ok(value) => value,
                ::core::result::Result::Err(error) => {
                    return ::core::result::Result::Err(
                        ::core::convert::Into::<#support::BoxError>::into(error)
                    );
                }
            }
        }
    } else {
        given
    };
    let context = if parameters.iter().any(|parameter| matches!(parameter, Parameter::Context(_))) {
        format_ident!("__ropewalk_context")
    } else {
        format_ident!("_ropewalk_context")
    };
    // A type that can't be given is reported where it is written.
    let output_span = match &function.sig.output {
        syn::ReturnType::Type(_, kind) => kind.span(),
        syn::ReturnType::Default => ident.span(),
    };
    let output = quote_spanned! {output_span=>
        #support::IntoToolOutput::<_>::into_tool_output(value)
    };
    // Long names, because a plain one would hide a tool's function of that name.
    quote! {
        fn __ropewalk_call(
            __ropewalk_input: #support::serde_json::Value,
            #context: #support::ToolContext,
        ) -> #support::BoxFuture<
            'static,
            ::core::result::Result<#support::ToolOutput, #support::BoxError>,
        > {
            ::std::boxed::Box::pin(async move {
                let __ropewalk_spec = #support::FunctionTool::new(&__ROPEWALK_TOOL).static_spec();
                let #arguments: __RopewalkArguments =
                    #support::parse_input(__ropewalk_input, &__ropewalk_spec.input_schema)?;
                let value = #value;
                #output
            })
        }
    }
}
