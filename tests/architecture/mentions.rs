//! What a source file names: every path of its imports, expressions, types and macros, in full. Knows
//! nothing of what may be named.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

/// A path that a file names, in full: `crate::` or the outer crate's name first.
pub struct Mention {
    /// In full.
    pub path: String,
    /// Where, from 1.
    pub line: usize,
    /// Inside a `#[cfg(test)]` module.
    pub in_test: bool,
}

impl Mention {
    /// The module of this crate that the path leads into, if it is one of this crate's.
    pub fn module_in<'m>(&self, modules: &'m BTreeSet<String>) -> Option<&'m str> {
        let path = self.path.strip_prefix("crate::")?;
        modules
            .iter()
            .filter(|module| below(path, module))
            .max_by_key(|module| module.len())
            .map(String::as_str)
    }
}

/// Collects every path of a file: imports, expressions, types, and what macros are given.
pub struct Mentions<'a> {
    modules: &'a BTreeSet<String>,
    /// The file's own module, then the inline modules around the present place.
    here: Vec<String>,
    /// What the file's imports call things.
    names: BTreeMap<String, String>,
    tests: u32,
    /// In the order of the file.
    pub all: Vec<Mention>,
}

impl<'a> Mentions<'a> {
    /// For a file that is this module, perhaps `for_tests` alone; `modules` are all of the crate.
    pub fn new(module: &str, modules: &'a BTreeSet<String>, for_tests: bool) -> Self {
        let here = match module {
            "lib" | "main" => Vec::new(),
            inner => inner.split("::").map(str::to_owned).collect(),
        };
        Self {
            modules,
            here,
            names: BTreeMap::new(),
            tests: u32::from(for_tests),
            all: Vec::new(),
        }
    }

    fn mention(&mut self, segments: &[String], line: usize) {
        let path = self.in_full(segments);
        self.all.push(Mention {
            path,
            line,
            in_test: self.tests > 0,
        });
    }

    fn in_full(&self, segments: &[String]) -> String {
        let Some((first, rest)) = segments.split_first() else {
            return String::new();
        };
        let mut full: Vec<String> = vec!["crate".to_owned()];
        match first.as_str() {
            "crate" | "roundtable" => {}
            "self" | "super" => {
                full.extend(self.here.iter().cloned());
                let climbs = segments.iter().filter(|s| *s == "super").count();
                full.truncate(full.len().saturating_sub(climbs).max(1));
                full.extend(rest.iter().filter(|s| *s != "super").cloned());
                return full.join("::");
            }
            name => {
                let child = self
                    .here
                    .iter()
                    .cloned()
                    .chain([name.to_owned()])
                    .collect::<Vec<_>>()
                    .join("::");
                if let Some(known) = self.names.get(name) {
                    full = vec![known.clone()];
                } else if self.modules.contains(&child) {
                    full.push(child);
                } else {
                    full = vec![name.to_owned()];
                }
            }
        }
        full.extend(rest.iter().cloned());
        full.join("::")
    }

    fn import(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.import_name(tree, before, &name, None);
            }
            UseTree::Rename(rename) => {
                let alias = rename.rename.to_string();
                self.import_name(tree, before, &rename.ident.to_string(), Some(alias));
            }
            UseTree::Glob(_) => self.mention(before, tree.span().start().line),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before);
                }
            }
        }
    }

    /// `before::name`, called `alias` or by its last segment from here on.
    fn import_name(&mut self, at: &UseTree, before: &[String], name: &str, alias: Option<String>) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        self.mention(&path, at.span().start().line);
        let alias = alias.or_else(|| path.last().cloned()).unwrap_or_default();
        let full = self.in_full(&path);
        self.names.insert(alias, full);
    }

    /// Paths in what a macro is given, which syn leaves as tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.flush(&mut path, line);
                    }
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.flush(&mut path, line);
                    colons = 0;
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.flush(&mut path, line);
                    colons = 0;
                }
            }
        }
        self.flush(&mut path, line);
    }

    fn flush(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.mention(path, line);
        }
        if let Some(word) = path
            .iter()
            .find(|word| *word == "async" || *word == "await")
        {
            self.mention(&[format!("async ({word})")], line);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &mut Vec::new());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test = is_for_tests(item);
        if item.content.is_some() {
            let names = self.names.clone();
            self.here.push(item.ident.to_string());
            self.tests += u32::from(test);
            visit::visit_item_mod(self, item);
            self.tests -= u32::from(test);
            self.here.pop();
            self.names = names;
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A single word is a local name, or was mentioned where it was imported.
        if path.segments.len() > 1 {
            let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.mention(&segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.visit_path(&invocation.path);
        self.tokens(invocation.tokens.clone());
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = &signature.asyncness {
            self.mention(&["async fn".to_owned()], word.span().start().line);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.mention(&["async".to_owned()], block.span().start().line);
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        if closure.asyncness.is_some() {
            self.mention(&["async closure".to_owned()], closure.span().start().line);
        }
        visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        self.mention(&["async .await".to_owned()], expression.span().start().line);
        visit::visit_expr_await(self, expression);
    }
}

/// The modules in files of their own that `file`, which is `module`, declares for tests alone.
pub fn test_modules(module: &str, file: &syn::File) -> Vec<String> {
    let declared = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(item) if item.content.is_none() && is_for_tests(item) => Some(&item.ident),
        _ => None,
    });
    declared
        .map(|name| match module {
            "lib" | "main" => name.to_string(),
            parent => format!("{parent}::{name}"),
        })
        .collect()
}

fn is_for_tests(item: &syn::ItemMod) -> bool {
    item.attrs.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

/// Whether `path` is `root` or below it.
pub fn below(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
