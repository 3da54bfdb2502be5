//! Where the generated code finds Ropewalk.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

/// The crates through which `__macro_support` can be reached, the usual one first.
const CRATES: [(&str, &str); 2] = [("ropewalk", "ropewalk"), ("ropewalk-core", "ropewalk_core")];

/// The path of Ropewalk as the crate that is being compiled calls it.
pub(crate) fn ropewalk() -> TokenStream {
    for (package, library) in CRATES {
        let name = match crate_name(package) {
            Ok(FoundCrate::Name(name)) => name,
            // Tests, examples and doc tests of the package itself know it by its own name.
            Ok(FoundCrate::Itself) => library.to_owned(),
            Err(_) => continue,
        };
        let name = Ident::new(&name, Span::call_site());
        return quote!(::#name);
    }
    // The compiler then says that this crate is missing, which is what is wrong.
    quote!(::ropewalk)
}
