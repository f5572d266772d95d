//! What a check finds beyond the words of the files, and that no fault hides another.

use super::faults::{WELL, checked, with};
use super::{folder, loaded, mesh_faults};

#[test]
fn a_fault_hides_no_other() {
    for (mesh, expected) in [
        (
            format!("[defaults]\ninterval = 60\nretries = 20\n{WELL}"),
            [
                "mesh.toml:2:12: expected a string like \"60s\", found an integer",
                "mesh.toml:3:11: must be at most 10",
            ],
        ),
        (
            with("interval = \"10ms\"\nretries = 20"),
            ["mesh.toml:2:12: must be \"100ms\" to \"7d\"", "mesh.toml:3:11: must be at most 10"],
        ),
    ] {
        assert_eq!(mesh_faults(&mesh), expected, "{mesh}");
    }
    for keys in [
        "",
        "timezone = \"Europe/Pariss\"\nduration = \"1h\"",
        "duration = 1",
        "timezone = 1\nduration = \"1h\"",
    ] {
        let mesh = format!("{WELL}[[services.a.maintenance]]\ncron = \"0 25 * * 6\"\n{keys}");
        let faults = mesh_faults(&mesh);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("the cron line is wrong")), "{faults:?}");
    }
}

#[test]
fn a_key_of_the_service_in_its_tests_table_is_told_where_it_belongs() {
    let mesh = format!("{WELL}timeout = \"5s\"\nretries = 2\n");
    assert_eq!(
        mesh_faults(&mesh),
        [
            "mesh.toml:3:1: `timeout` belongs to [services.a]",
            "mesh.toml:4:1: `retries` belongs to [services.a]"
        ]
    );
}

#[test]
fn codes_from_their_end_to_their_beginning_are_told_to_be_backwards() {
    let mesh = format!("{WELL}success_codes = [\"300-200\"]\n");
    assert_eq!(mesh_faults(&mesh), ["mesh.toml:3:18: the range is backwards; write it as \"200-300\""]);
}

#[test]
fn a_service_that_cannot_be_tested_is_a_fault_of_a_check() {
    let mesh = format!(
        "{WELL}tls = {{ ca_file = \"nofile.pem\" }}\n\
         [services.b.http]\nurl = \"http://h/\"\nsecret_headers = {{ X = \"env:P7_TEST_NOT_SET\" }}\n\
         [services.c.http]\nurl = \"http://h/\"\nsuccess_text = [\"regex:(\"]\n"
    );
    let folder = folder("", &mesh);
    let report = checked(folder.path());
    assert_eq!(report.exit_code, 2);
    let places: Vec<Option<(usize, usize)>> = report.faults.iter().map(|fault| fault.position).collect();
    assert_eq!(places.len(), 3, "{}", report.text);
    for said in ["mesh.toml:3:19: ", "nofile.pem", "mesh.toml:6:", "mesh.toml:9:17: "] {
        assert!(report.text.contains(said), "{said}: {}", report.text);
    }
    let mesh = format!("{WELL}timeout = \"5s\"\ntls = {{ ca_file = \"nofile.pem\" }}\n");
    assert_eq!(checked(super::folder("", &mesh).path()).faults.len(), 2);
    // a node starts all the same, and shows the service as failed
    let mesh = format!("{WELL}tls = {{ ca_file = \"nofile.pem\" }}\n");
    assert!(loaded("", &mesh).is_ok());
}

#[test]
fn a_file_in_place_of_the_folder_is_answered_with_its_folder() {
    let folder = folder("", WELL);
    let report = checked(&folder.path().join("mesh.toml"));
    assert_eq!(report.exit_code, 2);
    let named = format!("this is a file; name the folder it is in, `{}`", folder.path().display());
    assert!(report.text.contains(&named), "{}", report.text);
}

#[test]
fn credentials_in_the_open_and_codes_in_two_lists_are_worth_a_warning() {
    let mesh = format!(
        "{WELL}headers = {{ Authorization = \"Basic x\" }}\nsuccess_codes = [\"200-299\"]\nfailure_codes = [204]\n"
    );
    let folder = folder("", &mesh);
    let report = checked(folder.path());
    assert_eq!((report.exit_code, report.warnings.len()), (0, 2), "{}", report.text);
    assert!(report.text.contains("put it into `secret_headers`"), "{}", report.text);
    assert!(report.text.contains("the code 204 is in `success_codes` too"), "{}", report.text);
    assert!(!report.text.contains("Basic x"), "{}", report.text);
}
