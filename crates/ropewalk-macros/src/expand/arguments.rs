//! The struct that a call's arguments are read into.

use proc_macro2::TokenStream;
use quote::quote;

use crate::signature::Signature;

pub(super) fn structure(signature: &Signature, support: &TokenStream) -> TokenStream {
    let (mut fields, mut defaults) = (Vec::new(), Vec::new());
    for argument in signature.arguments() {
        let (field, default) = argument.field();
        fields.push(field);
        defaults.extend(default);
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
