//! What imports what: the production code of `src/`, as a parser sees it.
//!
//! `#[cfg(test)]` and the items below it are left out. An import counts as one of the file that defines the name, however many
//! `mod.rs` re-export it on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Macro, UseTree, VisRestricted, Visibility};

/// Names from the crate's root, or as a file spells them.
type Segments = Vec<String>;

/// For each file, the names that it imports of each other file.
pub(crate) type Edges = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// Code that only tests use, beside what `#[cfg(test)]` marks.
const TEST_SUPPORT: [&str; 1] = ["fixtures"];

/// The production code: every module, from `src/lib.rs` down.
#[derive(Default)]
pub(crate) struct Crate {
    modules: BTreeMap<Segments, Module>,
    /// The modules of the root, in the order of `lib.rs`.
    pub(crate) order: Vec<String>,
}

#[derive(Default)]
struct Module {
    file: PathBuf,
    children: BTreeSet<String>,
    /// What is defined here.
    items: BTreeSet<String>,
    types: BTreeSet<String>,
    /// The local name of each import, and its path as written.
    uses: BTreeMap<String, Segments>,
    /// The local names of the imports that are public: they re-export.
    public: BTreeSet<String>,
    /// Every path in the code.
    paths: BTreeSet<Segments>,
}

impl Crate {
    /// Follows the modules from `src/lib.rs` through the texts of the files.
    pub(crate) fn of(files: &BTreeMap<PathBuf, String>) -> Self {
        let mut found = Self::default();
        found.read_file(Vec::new(), Path::new("src/lib.rs"), files);
        found
    }

    fn read_file(&mut self, module: Segments, path: &Path, files: &BTreeMap<PathBuf, String>) {
        let text = files.get(path).unwrap_or_else(|| panic!("there is no file {}", path.display()));
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.read_items(module, path, &file.items, files);
    }

    fn read_items(&mut self, module: Segments, path: &Path, items: &[Item], files: &BTreeMap<PathBuf, String>) {
        let mut here = Module { file: path.to_owned(), ..Module::default() };
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            let Item::Mod(child) = item else {
                here.define(item);
                here.visit_item(item);
                continue;
            };
            let name = child.ident.to_string();
            if TEST_SUPPORT.contains(&name.as_str()) {
                continue;
            }
            if module.is_empty() {
                self.order.push(name.clone());
            }
            here.children.insert(name.clone());
            let below = joined(&module, [name.clone()]);
            if let Some((_, items)) = &child.content {
                self.read_items(below, path, items, files);
            } else {
                let folder = below.iter().fold(PathBuf::from("src"), |folder, name| folder.join(name));
                let inside = folder.join("mod.rs");
                let file = if files.contains_key(&inside) { inside } else { folder.with_extension("rs") };
                self.read_file(below, &file, files);
            }
        }
        self.modules.insert(module, here);
    }

    /// The files of the types with that name.
    pub(crate) fn types_called(&self, name: &str) -> Vec<&Path> {
        self.modules.values().filter(|module| module.types.contains(name)).map(|module| &*module.file).collect()
    }

    /// The path from the root; `None` where it leads into another crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        let here = self.modules.get(module)?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" if rest.is_empty() => Some(module.to_vec()),
            "self" => self.absolute(module, rest).or_else(|| Some(joined(module, rest.iter().cloned()))),
            "super" => {
                let parent = &module[..module.len().checked_sub(1)?];
                match rest.first().map(String::as_str) {
                    Some("super") => self.absolute(parent, rest),
                    _ => Some(joined(parent, rest.iter().cloned())),
                }
            }
            name if here.children.contains(name) || here.items.contains(name) => {
                Some(joined(module, path.iter().cloned()))
            }
            name => {
                let import = here.uses.get(name).filter(|import| import.first().is_none_or(|first| first != name))?;
                Some(joined(&self.absolute(module, import)?, rest.iter().cloned()))
            }
        }
    }

    /// The file that defines what a path from the root names, and the name. `None` for a folder's module as such.
    fn definition(&self, path: &[String]) -> Option<(&Path, String)> {
        let mut at: Segments = Vec::new();
        for (position, name) in path.iter().enumerate() {
            let module = self.modules.get(&at)?;
            let last = position + 1 == path.len();
            let is_name = module.items.contains(name) || module.uses.contains_key(name);
            if module.children.contains(name) && !(last && is_name) {
                at.push(name.clone());
            } else if let (false, Some(import)) = (module.items.contains(name), module.uses.get(name)) {
                let target = self.absolute(&at, import)?;
                return self.definition(&joined(&target, path[position + 1..].iter().cloned()));
            } else {
                return Some((&module.file, name.clone()));
            }
        }
        let module = self.modules.get(&at)?;
        let is_folder = module.file.ends_with("mod.rs") || at.is_empty();
        (!is_folder).then(|| (&*module.file, at.last().cloned().unwrap_or_default()))
    }

    /// The modules of the root that each of them imports, with an example.
    pub(crate) fn between_modules(&self) -> BTreeMap<(String, String), String> {
        let mut found = BTreeMap::new();
        for (module, contents) in &self.modules {
            let Some(from) = module.first() else { continue };
            let imports = contents.uses.values().chain(&contents.paths);
            for target in imports.filter_map(|path| self.absolute(module, path)) {
                let Some(to) = target.first().filter(|to| *to != from) else { continue };
                let example = format!("{} imports {}", contents.file.display(), target.join("::"));
                found.entry((from.clone(), to.clone())).or_insert(example);
            }
        }
        found
    }

    /// What the files of one module of the root import of each other.
    pub(crate) fn within(&self, root: &str) -> Edges {
        let mut edges = Edges::new();
        for (module, contents) in self.modules.iter().filter(|(module, _)| module.first().is_some_and(|m| m == root)) {
            for (from, path) in contents.imports() {
                let Some(target) = self.absolute(module, path).filter(|target| target.first() == module.first()) else {
                    continue;
                };
                // What a `mod.rs` re-exports it does not need itself.
                let re_exported = from.is_some_and(|name| contents.public.contains(name));
                if re_exported && target.starts_with(module) && contents.file.ends_with("mod.rs") {
                    continue;
                }
                if let Some((file, name)) = self.definition(&target)
                    && file != contents.file
                {
                    let of = edges.entry(contents.file.clone()).or_default();
                    of.entry(file.to_owned()).or_default().insert(name);
                }
            }
        }
        edges
    }
}

impl Module {
    fn define(&mut self, item: &Item) {
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            Item::Macro(item) => match &item.ident {
                Some(name) => name,
                None => return,
            },
            _ => return,
        };
        self.items.insert(name.to_string());
        if matches!(item, Item::Enum(_) | Item::Struct(_) | Item::Trait(_) | Item::Type(_) | Item::Union(_)) {
            self.types.insert(name.to_string());
        }
    }

    /// Each import with its local name, and each path of the code: those of one name only where that is re-exported here, since
    /// any other is a local name or has been imported.
    fn imports(&self) -> impl Iterator<Item = (Option<&String>, &Segments)> {
        let imported = self.uses.iter().map(|(name, path)| (Some(name), path));
        let used = self.paths.iter().filter(|path| path.len() > 1 || self.public.contains(&path[0]));
        imported.chain(used.map(|path| (None, path)))
    }

    fn import(&mut self, tree: &UseTree, before: &[String], public: bool) {
        match tree {
            UseTree::Path(path) => {
                self.import(&path.tree, &joined(before, [path.ident.to_string()]), public);
            }
            UseTree::Name(name) if name.ident == "self" => {
                self.uses.insert(before.last().cloned().unwrap_or_default(), before.to_vec());
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.uses.insert(name.clone(), joined(before, [name.clone()]));
                if public {
                    self.public.insert(name);
                }
            }
            UseTree::Rename(rename) => {
                let (name, local) = (rename.ident.to_string(), rename.rename.to_string());
                let path = if name == "self" { before.to_vec() } else { joined(before, [name]) };
                // Every `_` is another one.
                let local = if local == "_" { path.join("::") } else { local };
                self.uses.insert(local.clone(), path);
                if public {
                    self.public.insert(local);
                }
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before, public)),
            UseTree::Glob(_) => panic!("{}: `*` hides what a file imports", self.file.display()),
        }
    }

    /// The paths in a macro's tokens, which are not syntax before the macro has seen them.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path: Segments = Vec::new();
        // How many colons came since the last name, and whether a name is a field or a method.
        let (mut colons, mut member) = (0, false);
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.keep(std::mem::take(&mut path));
                    }
                    if !(member && path.is_empty()) {
                        path.push(name.to_string());
                    }
                    (colons, member) = (0, false);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    self.keep(std::mem::take(&mut path));
                    member = matches!(&other, TokenTree::Punct(punct) if punct.as_char() == '.');
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.scan(group.stream());
                    }
                }
            }
        }
        self.keep(path);
    }

    fn keep(&mut self, path: Segments) {
        if !path.is_empty() {
            self.paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.keep(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.scan(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone());
        }
    }

    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {
        // `pub(in crate::server)` imports nothing.
    }
}

fn joined(before: &[String], more: impl IntoIterator<Item = String>) -> Segments {
    before.iter().cloned().chain(more).collect()
}

/// `#[cfg(test)]`, alone or with a feature for other crates' tests.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let words = list.tokens.to_string();
        let mut words = words.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.clone().any(|word| word == "test") && !words.any(|word| word == "not")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
