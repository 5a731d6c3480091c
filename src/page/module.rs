//! A module of the page as a function, so that all of them can stand in one script.
//!
//! Nothing is parsed: the modules of the page import and export in the few forms that are known here, at
//! the beginning of a line. Any other form is a fault, and a test takes every module through this.

use std::fmt::Write as _;

use anyhow::{Context, bail};

/// What would end a script early, whatever it stands in.
const ENDS_SCRIPT: [&str; 2] = ["</script", "<!--"];

/// A module as a call of `define` (`single.js`): its text, with imports as constants, without `export`.
///
/// # Errors
/// If it imports or exports in a form that is not known.
pub(super) fn as_function(path: &str, source: &str) -> anyhow::Result<String> {
    if let Some(found) = ENDS_SCRIPT.into_iter().find(|end| source.to_lowercase().contains(end)) {
        bail!("{path} contains {found}");
    }
    let mut module = Module { path, text: String::new(), exports: Vec::new() };
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("import ") {
            let mut statement = line.to_owned();
            while !statement.ends_with(';') {
                write!(statement, " {}", lines.next().context("an import without an end")?.trim())?;
            }
            module.import(&statement)?;
        } else if let Some(exported) = line.strip_prefix("export ") {
            module.export(exported)?;
        } else {
            module.line(line)?;
        }
    }
    let Module { text, exports, .. } = module;
    Ok(format!("define('{path}', () => {{\n{text}return {{ {} }};\n}});\n", exports.join(", ")))
}

struct Module<'a> {
    path: &'a str,
    text: String,
    exports: Vec<String>,
}

impl Module<'_> {
    /// `import { a, b as c } from './x.js';`
    fn import(&mut self, statement: &str) -> anyhow::Result<()> {
        let parts = statement.strip_prefix("import {").and_then(|rest| rest.split_once("} from '"));
        let parts = parts.and_then(|(names, from)| Some((names, from.strip_suffix("';")?)));
        let (names, from) = parts.with_context(|| format!("{}: {statement}", self.path))?;
        let names: Vec<_> = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| name.replace(" as ", ": "))
            .collect();
        writeln!(self.text, "const {{ {} }} = use('{}');", names.join(", "), self.resolved(from)?)?;
        Ok(())
    }

    /// What stands after `export`: a declaration, or a list of names.
    fn export(&mut self, exported: &str) -> anyhow::Result<()> {
        if let Some(names) = exported.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" };")) {
            self.exports.extend(names.split(", ").map(str::to_owned));
            return Ok(());
        }
        let declared = ["const ", "class ", "function ", "async function "].into_iter();
        let name = declared.filter_map(|word| exported.strip_prefix(word)).next();
        let name = name.with_context(|| format!("{}: export {exported}", self.path))?;
        let name =
            name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().unwrap_or_default();
        self.exports.push(name.to_owned());
        self.line(exported)
    }

    /// Any other line; a module that it loads is one of the same script.
    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let trimmed = line.trim_start();
        let is_comment = ["*", "/*", "//"].iter().any(|begins| trimmed.starts_with(begins));
        let (code, loads) = line.rsplit_once(" import(").unwrap_or((line, ""));
        // In a comment it is a type.
        if loads.is_empty() || is_comment || code.ends_with("/** @type") || loads.contains("*/") {
            writeln!(self.text, "{line}")?;
            return Ok(());
        }
        let (from, rest) = loads.split_once(')').with_context(|| format!("{}: {line}", self.path))?;
        let from = match from.strip_prefix('\'').and_then(|from| from.strip_suffix('\'')) {
            Some(from) => format!("'{}'", self.resolved(from)?),
            // A constant of the module, which is found when it runs.
            None if from.chars().all(|c| c.is_ascii_uppercase() || c == '_') => from.to_owned(),
            None => bail!("{}: {line}", self.path),
        };
        writeln!(self.text, "{code} later({from}){rest}")?;
        Ok(())
    }

    /// A path as `web/` has it, of one beside or above this module.
    fn resolved(&self, from: &str) -> anyhow::Result<String> {
        let mut folders: Vec<_> = self.path.split('/').collect();
        folders.pop();
        for part in from.split('/') {
            match part {
                "." => {}
                ".." => _ = folders.pop().with_context(|| format!("{}: {from}", self.path))?,
                part => folders.push(part),
            }
        }
        if from.starts_with("./") || from.starts_with("../") {
            return Ok(folders.join("/"));
        }
        bail!("{}: {from} is none of the page's modules", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_become_constants_and_exports_are_returned() {
        let source = "/** A module. */\nimport { one } from './one.js';\nimport {\n  two, three as other,\n} from '../two.js';\n\n\
            export const A = one;\nexport async function act() {}\nexport class C {\n}\nconst b = 1;\nexport { b };\n";
        let expected = "define('later/a.js', () => {\n/** A module. */\nconst { one } = use('later/one.js');\n\
            const { two, three: other } = use('two.js');\n\nconst A = one;\nasync function act() {}\nclass C {\n}\nconst b = 1;\n\
            return { A, act, C, b };\n});\n";
        assert_eq!(as_function("later/a.js", source).unwrap(), expected);
    }

    #[test]
    fn a_module_that_is_loaded_later_is_taken_from_the_same_script() {
        let source = "/** @typedef {import('./x.js').X} X */\n * @param { import('./x.js').X} x\n  ko: () => import('./languages/ko.js'),\n\
            const { kem } = await import(VENDORED);\n";
        let text = as_function("a.js", source).unwrap();
        assert!(
            text.contains("ko: () => later('languages/ko.js'),\nconst { kem } = await later(VENDORED);\n")
        );
        assert!(
            text.contains("{import('./x.js').X} X */\n * @param { import('./x.js').X} x\n"),
            "types stay: {text}"
        );
    }

    #[test]
    fn a_form_that_is_not_known_is_a_fault() {
        for source in [
            "import x from './x.js';\n",
            "import './x.js';\n",
            "import { x } from 'x';\n",
            "import { x } from 'https://x.example/x.js';\n",
            "import { x } from '../../x.js';\n",
            "import { x",
            "export default x;\n",
            "export let x = 1;\n",
            "export * from './x.js';\n",
            "const x = await import(name + '.js');\n",
            "const end = '</SCRIPT>';\n",
            "const end = '<!--';\n",
        ] {
            assert!(as_function("later/a.js", source).is_err(), "{source}");
        }
    }
}
