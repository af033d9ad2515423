//! What the source files say about the modules of a crate: which uses which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module by its path below the crate's root: `decide::size`. The root itself is the empty path.
pub(super) type Module = String;

/// All source files below a folder, without tests: those may use what they like.
pub(super) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("the source folder is readable");
        for path in entries.map(|entry| entry.expect("its entries, too").path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The code of a file, without its test module.
pub(super) fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("the file is readable");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Which modules of the crate in `src` each of its modules names in paths that start with `crate::`
/// or `super::`. The roof (`lib.rs`, `main.rs`) does not count: it names all of them.
pub(super) fn uses(src: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let files = sources(src);
    let names: BTreeSet<Module> = files
        .iter()
        .filter_map(|file| module_of(src, file))
        .collect();
    let mut uses: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for file in &files {
        let Some(module) = module_of(src, file) else {
            continue;
        };
        let targets = paths(&code(file), &module)
            .into_iter()
            .filter_map(|path| longest_module(&path, &names))
            .filter(|target| *target != module)
            .collect();
        uses.insert(module, targets);
    }
    uses
}

/// The same for the topmost modules alone: each stands for all that is in it.
pub(super) fn topmost(
    uses: &BTreeMap<Module, BTreeSet<Module>>,
) -> BTreeMap<Module, BTreeSet<Module>> {
    let top = |module: &Module| module.split("::").next().unwrap_or_default().to_owned();
    let mut topmost: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, targets) in uses {
        let module = top(module);
        let targets = targets.iter().map(top).filter(|target| *target != module);
        topmost
            .entry(module.clone())
            .or_default()
            .extend(targets.collect::<Vec<_>>());
    }
    topmost
}

/// A way from a module back to itself, if there is one. A module and those in it are one idea: they may
/// name each other.
pub(super) fn cycle(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    uses.keys().find_map(|start| {
        let mut way = vec![start.clone()];
        walk(uses, start, &mut way, &mut BTreeSet::new()).then_some(way)
    })
}

fn walk(
    uses: &BTreeMap<Module, BTreeSet<Module>>,
    start: &Module,
    way: &mut Vec<Module>,
    seen: &mut BTreeSet<Module>,
) -> bool {
    let Some(here) = way.last().cloned() else {
        return false;
    };
    for next in uses.get(&here).into_iter().flatten() {
        if is_one_family(&here, next) {
            continue;
        }
        way.push(next.clone());
        if next == start || (seen.insert(next.clone()) && walk(uses, start, way, seen)) {
            return true;
        }
        way.pop();
    }
    false
}

fn is_one_family(one: &str, other: &str) -> bool {
    let is_in = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with("::"))
    };
    is_in(one, other) || is_in(other, one)
}

fn module_of(src: &Path, file: &Path) -> Option<Module> {
    let relative = file.strip_prefix(src).ok()?.with_extension("");
    let mut parts: Vec<String> = relative
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    let is_roof = parts == ["lib"] || parts == ["main"] || parts.is_empty();
    (!is_roof).then(|| parts.join("::"))
}

/// Every path of the code that starts with `crate` or `super`, from the crate's root.
fn paths(code: &str, module: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (start, base) in code
        .match_indices("crate::")
        .map(|(at, _)| (at + "crate::".len(), Vec::new()))
        .chain(code.match_indices("super::").map(|(at, _)| {
            let mut base: Vec<String> = module.split("::").map(ToOwned::to_owned).collect();
            base.pop();
            (at + "super::".len(), base)
        }))
    {
        let rest = code.get(start..).unwrap_or_default();
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split('}').next().unwrap_or_default();
            for item in list.split(',') {
                found.push(extended(&base, item));
            }
        } else {
            found.push(extended(&base, rest));
        }
    }
    found
}

fn extended(base: &[String], path: &str) -> Vec<String> {
    let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    let path = path.trim_start().split(end).next().unwrap_or_default();
    let parts = path.split("::").filter(|part| !part.is_empty());
    base.iter()
        .cloned()
        .chain(parts.map(ToOwned::to_owned))
        .collect()
}

fn longest_module(path: &[String], names: &BTreeSet<Module>) -> Option<Module> {
    (1..=path.len())
        .rev()
        .filter_map(|length| path.get(..length))
        .map(|parts| parts.join("::"))
        .find(|name| names.contains(name))
}

#[test]
fn a_cycle_over_three_modules_is_found() {
    let uses = |pairs: &[(&str, &str)]| {
        let mut uses: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, to) in pairs {
            uses.entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
        }
        uses
    };
    let straight = uses(&[("a", "b"), ("b", "c"), ("a", "c")]);
    assert_eq!(cycle(&straight), None);
    let round = uses(&[("a", "b"), ("b", "c"), ("c", "a")]);
    assert_eq!(cycle(&round).map(|way| way.len()), Some(4));
    let family = uses(&[("decide", "decide::size"), ("decide::size", "decide")]);
    assert_eq!(cycle(&family), None);
    let around = uses(&[("decide", "act"), ("act", "decide::size")]);
    assert_eq!(cycle(&around), None);
    assert!(cycle(&topmost(&around)).is_some());
}

#[test]
fn paths_are_read_from_lists_and_from_super() {
    let code = "use crate::{act, decide::Plan};\nuse super::size;\nlet x = crate::notes::of();";
    assert_eq!(
        paths(code, "decide::gate")
            .iter()
            .map(|path| path.join("::"))
            .collect::<Vec<_>>(),
        ["act", "decide::Plan", "notes::of", "decide::size"]
    );
}
