//! What `p7 apply` and `p7 config` print, word by word.

use super::*;
use serde_json::json;

#[test]
fn what_was_applied_is_told_with_who_takes_it_up() {
    let text = |value: Value| applied_text(&view::read(&value).unwrap());
    assert_eq!(
        text(json!({ "version": 15, "hash": "3f9c2a7105d488be", "changes": ["services.shop: new"],
            "taken_by": ["berlin", "paris"], "later": ["tokyo"] })),
        "version 15 (3f9c2a71) is given to the mesh\n  services.shop: new\ntaken up by: berlin, paris\n\
         when they are back: tokyo\n"
    );
    assert_eq!(
        text(json!({ "version": 14, "hash": "3f9c2a7105d488be", "changes": [] })),
        "nothing changes: version 14 (3f9c2a71) says the same\n"
    );
}

#[test]
fn a_diff_shows_what_the_folder_would_change() {
    let shared =
        "[services.shop]\nname = \"Shop\"\n\n[services.shop.http]\nurl = \"https://shop.example/\"\n";
    let own = shared.replace("\"Shop\"", "\"The shop\"") + "timeout = \"5s\"";
    let diff =
        |to: &str| diff_text(shared, to, "version 14 of the mesh", "mesh-config/mesh.toml", Ink::Plain);
    assert_eq!(diff(shared), None);
    assert_eq!(
        diff(&own).unwrap(),
        "\
--- version 14 of the mesh
+++ mesh-config/mesh.toml
@@ -1,5 +1,6 @@
 [services.shop]
-name = \"Shop\"
+name = \"The shop\"
 
 [services.shop.http]
 url = \"https://shop.example/\"
+timeout = \"5s\"
\\ no line end
"
    );
    assert!(diff("\x1b[2J").unwrap().contains("+ [2J"), "nothing reaches the terminal that it would act on");
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mesh.toml");
    assert_eq!(read(&file).unwrap_err().code(), 2);
    std::fs::write(&file, "#".repeat(512 * 1024)).unwrap();
    assert!(read(&file).is_ok());
    std::fs::write(&file, "#".repeat(512 * 1024 + 1)).unwrap();
    let said = read(&file).unwrap_err().to_string();
    assert!(said.ends_with("mesh.toml is larger than 512 KiB; no node takes it"), "{said}");
}

#[test]
fn a_file_and_its_folder_are_taken_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mesh.toml");
    assert_eq!(file_of(folder.path()), file);
    assert_eq!(file_of(&file), file, "also when it is not there yet");
    std::fs::write(folder.path().join("shared"), "").unwrap();
    assert_eq!(file_of(&folder.path().join("shared")), folder.path().join("shared"));
    assert_eq!(file_of(&folder.path().join("typo")), folder.path().join("typo").join("mesh.toml"));
    assert_eq!(file_of(Path::new("-")), Path::new("-"));
}
