//! Templates and assets replaced by files of a folder.

use super::everything;
use p7_pages::{Pages, PagesError, Site, sample};
use std::path::Path;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn refused(files: &[(&str, &str)]) -> PagesError {
    Pages::load(Some(folder(files).path())).unwrap_err()
}

#[test]
fn a_file_replaces_the_template_of_its_name_and_leaves_the_others() {
    let folder = folder(&[
        ("templates/card.html", "<article>{{ name }} is {{ word }}</article>"),
        ("templates/_logo.html", "ACME"),
        ("templates/index.html.bak~", "left by an editor"),
    ]);
    let pages = Pages::load(Some(folder.path())).unwrap();
    let view = sample::index(&pages, &everything(), &sample::about(), Site::Live).unwrap();
    let html = pages.index(&view).unwrap().to_string();
    assert!(html.contains("<article>Shop is "));
    assert!(html.contains("id=\"filter\""), "the rest of the page is as it was");
}

#[test]
fn a_file_replaces_the_asset_of_its_name_and_new_ones_are_added() {
    let built_in = Pages::load(None).unwrap();
    let folder = folder(&[("assets/style.css", "body{}"), ("assets/acme.svg", "<svg/>")]);
    let pages = Pages::load(Some(folder.path())).unwrap();
    assert_eq!(&*pages.asset("style.css").unwrap().bytes, b"body{}");
    assert_ne!(pages.asset("style.css").unwrap().etag, built_in.asset("style.css").unwrap().etag);
    assert_eq!(pages.asset("acme.svg").unwrap().content_type, "image/svg+xml");
    assert!(pages.asset("app.js").is_some());
}

#[test]
fn a_template_that_does_not_parse_is_named_with_its_line() {
    let error = refused(&[("templates/card.html", "<article>\n{% if name %}\n</article>")]);
    let PagesError::Template { template, line, .. } = &error else { panic!("{error}") };
    assert_eq!((template.as_str(), *line), ("card.html", 3));
    assert!(error.to_string().contains("delete the file to use the built-in one"), "{error}");
}

#[test]
fn a_template_that_asks_for_what_there_is_not_is_refused_before_anybody_looks() {
    let error = refused(&[("templates/card.html", "<article>\n{{ nmae }}</article>")]);
    let PagesError::Template { template, line, what } = &error else { panic!("{error}") };
    assert_eq!((template.as_str(), *line), ("card.html", 2));
    assert!(what.contains("nmae"), "{what}");
}

#[test]
fn a_file_that_replaces_nothing_is_named_with_what_there_is() {
    let error = refused(&[("templates/crad.html", "")]).to_string();
    assert!(error.contains("crad.html") && error.contains("card.html, icons.html"), "{error}");
}

#[test]
fn what_can_not_be_used_is_refused_with_a_reason() {
    let error = refused(&[("assets/virus.exe", "")]).to_string();
    assert!(error.contains("virus.exe") && error.contains(".css"), "{error}");
    let error = refused(&[("assets/big.png", &"x".repeat((1 << 20) + 1))]).to_string();
    assert!(error.contains("big.png") && error.contains("1048576"), "{error}");
    let error = Pages::load(Some(Path::new("/nowhere/at/all"))).unwrap_err().to_string();
    assert!(error.contains("cannot read /nowhere/at/all"), "{error}");
    let error = refused(&[("templates/card.html", "{% include 'gone.html' %}")]).to_string();
    assert!(error.contains("gone.html"), "{error}");
}
