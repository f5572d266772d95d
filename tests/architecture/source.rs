//! Rust source seen roughly: comments and literals blanked, then functions and modules by their braces.
//! No parser: this runs over the whole house in a moment and needs nothing built.

/// A file's text with its comments and literals turned to spaces, line for line the same.
pub(crate) struct Source {
    raw: Vec<u8>,
    clean: Vec<u8>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line it starts at, from 1.
    pub(crate) at: usize,
    /// Its lines, from `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// A `mod name;`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) name: String,
    /// Where `#[path = "…"]` says it is.
    pub(crate) path: Option<String>,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let raw = text.as_bytes().to_vec();
        let mut clean = raw.clone();
        let mut at = 0;
        while at < raw.len() {
            let end = literal_or_comment(&raw, at);
            blank(&mut clean, at, end);
            at = end.max(at + 1);
        }
        Self { raw, clean }
    }

    /// The same with every item under `#[cfg(test)]` or `#[test]` blanked as well.
    pub(crate) fn without_tests(mut self) -> Self {
        for mark in ["#[cfg(test)]", "#[test]"] {
            while let Some(at) = find(&self.clean, mark.as_bytes(), 0) {
                let end = item_end(&self.clean, at + mark.len());
                blank(&mut self.clean, at, end);
            }
        }
        self
    }

    /// The numbers of the lines that hold `word`.
    pub(crate) fn lines_with<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.clean
            .split(|b| *b == b'\n')
            .enumerate()
            .filter(|(_, line)| find(line, word.as_bytes(), 0).is_some())
            .map(|(i, _)| i + 1)
    }

    /// All functions with a body, nested ones too.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for at in self.words("fn") {
            let name = word_after(&self.clean, at + 2);
            let end = item_end(&self.clean, at);
            if name.is_empty() || self.clean.get(end.wrapping_sub(1)) != Some(&b'}') {
                continue;
            }
            let lines = 1 + newlines(self.clean.get(at..end).unwrap_or_default());
            let at = 1 + newlines(self.clean.get(..at).unwrap_or_default());
            functions.push(Function { name, at, lines });
        }
        functions
    }

    /// All `mod name;`.
    pub(crate) fn modules(&self) -> Vec<Module> {
        let mut modules = Vec::new();
        for at in self.words("mod") {
            let name = word_after(&self.clean, at + 3);
            let end = item_end(&self.clean, at);
            if self.clean.get(end.wrapping_sub(1)) == Some(&b';') && !name.is_empty() {
                modules.push(Module { path: self.path_before(at), name });
            }
        }
        modules
    }

    /// The text of a `#[path = "…"]` between the item before and `at`.
    fn path_before(&self, at: usize) -> Option<String> {
        let before = self.clean.get(..at)?;
        let start = before.iter().rposition(|b| b";}".contains(b)).map_or(0, |i| i + 1);
        let raw = std::str::from_utf8(self.raw.get(start..at)?).ok()?;
        let (_, path) = raw.split_once("#[path = \"")?;
        path.split_once('"').map(|(path, _)| path.to_owned())
    }

    /// Where a keyword stands by itself.
    fn words(&self, word: &str) -> Vec<usize> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&self.clean, word.as_bytes(), from) {
            from = at + word.len();
            let before = at.checked_sub(1).and_then(|i| self.clean.get(i));
            let alone = before.is_none_or(|b| !is_name(*b)) && self.clean.get(from) == Some(&b' ');
            if alone {
                found.push(at);
            }
        }
        found
    }
}

/// Where the comment or literal that starts at `at` ends; `at` itself when none does.
fn literal_or_comment(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let before_is_name = at.checked_sub(1).and_then(|i| text.get(i)).is_some_and(|b| is_name(*b));
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => find(text, b"*/", at + 2).map_or(text.len(), |end| end + 2),
        [b'"', ..] => quoted(text, at + 1),
        [b'r', b'"' | b'#', ..] if !before_is_name => raw_string(text, at),
        // a lifetime has no closing quote where a character has one
        [b'\'', b'\\', ..] => find(text, b"'", at + 3).map_or(text.len(), |end| end + 1),
        [b'\'', first, ..] => {
            let after = 1 + first.leading_ones().max(1) as usize;
            if rest.get(after) == Some(&b'\'') { at + after + 1 } else { at }
        }
        _ => at,
    }
}

fn quoted(text: &[u8], mut at: usize) -> usize {
    while let Some(b) = text.get(at) {
        match b {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn raw_string(text: &[u8], at: usize) -> usize {
    let hashes = text.iter().skip(at + 1).take_while(|b| **b == b'#').count();
    if text.get(at + 1 + hashes) != Some(&b'"') {
        return at;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    find(text, &close, at + 2 + hashes).map_or(text.len(), |end| end + close.len())
}

/// Where the item that starts at `at` ends: behind its `;` or its closing brace.
fn item_end(clean: &[u8], at: usize) -> usize {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (i, b) in clean.iter().enumerate().skip(at) {
        match b {
            b'(' | b'[' => others += 1,
            b')' | b']' => others -= 1,
            b'{' => braces += 1,
            b'}' => braces -= 1,
            _ => {}
        }
        let closed = *b == b'}' && braces <= 0;
        if others <= 0 && (closed || (*b == b';' && braces == 0)) {
            return i + 1;
        }
    }
    clean.len()
}

fn blank(clean: &mut [u8], from: usize, to: usize) {
    for b in clean.iter_mut().take(to).skip(from).filter(|b| **b != b'\n') {
        *b = b' ';
    }
}

fn find(text: &[u8], what: &[u8], from: usize) -> Option<usize> {
    text.get(from..)?.windows(what.len()).position(|w| w == what).map(|i| i + from)
}

fn word_after(clean: &[u8], at: usize) -> String {
    let rest = clean.iter().skip(at).skip_while(|b| **b == b' ');
    rest.take_while(|b| is_name(**b)).map(|b| char::from(*b)).collect()
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn newlines(text: &[u8]) -> usize {
    text.split(|b| *b == b'\n').count() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_comments_and_literals_do_not_count() {
        let source = Source::new(
            "// todo!\nlet a = \"todo! \\\" todo!\";\nlet b = r#\"todo!\"#;\ntodo!();\nlet c = '\"';todo!()",
        );
        assert_eq!(source.lines_with("todo!").collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn a_lifetime_is_no_literal() {
        let source = Source::new("fn a<'a>(x: &'a str) {\n dbg!(x);\n}\n");
        assert_eq!(source.lines_with("dbg!").collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_function_is_measured_from_its_name_to_its_closing_brace() {
        let source = Source::new("trait T { fn none(&self); }\nfn two(x: [u8; 3])\n{ if a { b } \n}\n");
        let two = Function { name: "two".into(), at: 2, lines: 3 };
        assert_eq!(source.functions(), [two]);
    }

    #[test]
    fn what_stands_under_a_test_mark_is_left_out() {
        let source =
            Source::new("fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { x.unwrap() }\n}\nfn c() {}\n");
        let names: Vec<String> = source.without_tests().functions().into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["a", "c"]);
    }

    #[test]
    fn a_module_may_say_where_it_is() {
        let source = Source::new("mod a;\n#[path = \"x/b.rs\"]\npub(crate) mod b;\nmod inside { }\n");
        let module =
            |name: &str, path: Option<&str>| Module { name: name.into(), path: path.map(str::to_owned) };
        assert_eq!(source.modules(), [module("a", None), module("b", Some("x/b.rs"))]);
    }
}
