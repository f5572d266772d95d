//! Files of the 2020 original, read as they are and never run.

use super::*;

fn read(source: &str) -> Draft {
    import(source, Format::Original).unwrap()
}

#[test]
fn the_shipped_sample_becomes_a_service_each() {
    let source = "\
emptyCreds = { 'foo' : 'bar' }

urlList = {
    'GOOGLE':{'appname':'Google', 'customer':'Google search', 'url':'https://www.google.com', 'credentials':emptyCreds, 'payload':'EMPTY', 'failure_history':[0,0,0,0,0,0], 'rt_history':[0,0,0,0,0,0], 'orange_since':'-', 'red_since':'-', 'orange_sent':0, 'red_sent':0, 'release_def_ids':[0], 'latest_deployment':'None'},
    'ROLAND':{'appname':'Roland Radio', 'customer':'Amstrad CPC music', 'url':'http://rolandradio.net', 'credentials':emptyCreds, 'payload':'EMPTY', 'failure_history':[0,0,0,0,0,0], 'rt_history':[0,0,0,0,0,0], 'orange_since':'-', 'red_since':'-', 'orange_sent':0, 'red_sent':0, 'release_def_ids':[0], 'latest_deployment':'None'}
}

ntAPICountriesList = {
    'DUMMY':{'customer':'Dummy', 'shortName':'dum', 'authURL':'http://www.perdu.com'}
}
";
    let draft = read(source);
    assert_eq!(
        toml_of(&draft),
        "\
[services.google]
name = \"Google\"
environment = \"Google search\"
interval = \"1m\"
timeout = \"10s\"

[services.google.http]
url = \"https://www.google.com\"

[services.roland]
name = \"Roland Radio\"
environment = \"Amstrad CPC music\"
interval = \"1m\"
timeout = \"10s\"

[services.roland.http]
url = \"http://rolandradio.net\"
"
    );
    assert_eq!(left(&draft).len(), 1, "{:?}", left(&draft));
    assert!(left(&draft)[0].starts_with("-: unverified TLS"));
}

#[test]
fn the_later_fields_are_carried_over() {
    let draft = read(
        "urlList = {'SHOP': dict(appname='Shop', url='shop.example/health', protocol='HTTP', retries=3, timeout=5, \
             http_success=[200, 301, 302], http_failure=(400, 401, 500, 666, 777, 999), http_maintenance=[503], \
             payload_success='Feeling Lucky', payload_maintenance='maintenance', payload_failure='', \
             runbook='https://docs.example/fix')}",
    );
    assert_eq!(
        toml_of(&draft),
        "\
[services.shop]
name = \"Shop\"
runbook = \"https://docs.example/fix\"
interval = \"1m\"
timeout = \"5s\"
retries = 2

[services.shop.http]
url = \"http://shop.example/health\"
success_codes = [200, \"301-302\"]
failure_codes = [\"400-401\", 500]
maintenance_codes = [503]
success_text = [\"Feeling Lucky\"]
maintenance_text = [\"maintenance\"]
"
    );
    assert!(left(&draft).is_empty(), "{:?}", left(&draft));
}

#[test]
fn secrets_are_not_copied() {
    let draft = read(
        "import os, base64\n\
             creds = {'Authorization': 'Basic c2VjcmV0', 'Accept': 'text/html', 'X-Api-Key': os.environ['SHOP_KEY'],\n\
             'Cookie': make_cookie()}\n\
             urlList = {'SHOP': {'url': 'https://ann:s3cr3t@shop.example/', 'credentials': creds}}\n",
    );
    let text = draft.toml("x");
    for secret in ["c2VjcmV0", "s3cr3t"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("Accept = \"text/html\""), "{text}");
    assert!(text.contains("Authorization = \"env:P7_SHOP_AUTHORIZATION\""), "{text}");
    assert!(text.contains("X-Api-Key = \"env:SHOP_KEY\""), "{text}");
    assert!(text.contains("Cookie = \"env:P7_SHOP_COOKIE\""), "{text}");
    assert!(text.contains("username = \"ann\", password = \"env:P7_SHOP_PASSWORD\""), "{text}");
    assert_eq!(draft.secrets.len(), 4, "{:?}", draft.secrets);
}

#[test]
fn every_header_of_the_originals_credentials_is_a_secret_unless_it_is_known_to_be_none() {
    let draft = read(
        "urlList = {'SHOP': {'url': 'https://shop.example/', 'credentials': \
             {'user': 'ann-s3cr3t', 'pass': 's3cr3t', 'X-Whatever': 's3cr3t', 'accept': 'text/html'}}}\n",
    );
    let text = draft.toml("x");
    assert!(!text.contains("s3cr3t"), "{text}");
    assert!(text.contains("accept = \"text/html\""), "{text}");
    assert!(text.contains("pass = \"env:P7_SHOP_PASS\""), "{text}");
    assert_eq!(draft.secrets.len(), 3, "{:?}", draft.secrets);
}

#[test]
fn what_is_computed_or_unknown_is_listed_with_its_line() {
    let draft = read(
        "HOST = 'https://shop' + '.example'\n\
             urlList = {\n\
               'A': {'url': HOST + '/a', 'timeout': 2 * 5, 'colour': 'blue'},\n\
               'B': {'url': get_url()},\n\
               'C': {'url': f'https://{HOST}/'},\n\
               name(): {},\n\
             }\n\
             for item in urlList:\n\
             \x20   urlList[item]['timeout'] = 3\n\
             urlList['D'] = {}\n",
    );
    assert!(toml_of(&draft).contains("url = \"https://shop.example/a\""));
    assert_eq!(
        left(&draft)[..7],
        [
            "8: the statement `for …`: only plain assignments are read, nothing is executed",
            "10: the statement `urlList …`: only plain assignments are read, nothing is executed",
            "3: service \"A\": timeout: it is computed; p7 reads the file but does not run it",
            "3: service \"A\": colour: the original knows no such field",
            "4: service \"B\": url: it is computed; p7 reads the file but does not run it",
            "4: service \"B\": its url is no http(s) address",
            "5: service \"C\": url: it is computed; p7 reads the file but does not run it",
        ]
    );
}

#[test]
fn what_is_no_such_file_is_said() {
    let why = |source: &str| import(source, Format::Original).unwrap_err().to_string();
    assert!(why("x = 1").contains("no `urlList"));
    assert!(why("urlList = load()").contains("line 1: urlList is computed"));
    assert_eq!(why("a = 'x\nurlList = {}"), "no Python file: line 1: this text never ends");
    assert_eq!(why("\nurlList = {"), "no Python file: line 2: this bracket is never closed");
    assert_eq!(why("urlList = }"), "no Python file: line 1: this bracket was never opened");
}

#[test]
fn deep_long_and_doubling_files_end_quickly() {
    let deep = format!("urlList = {}{}", "{".repeat(100_000), "}".repeat(100_000));
    drop(import(&deep, Format::Original));
    let signs = format!("urlList = {}1", "-".repeat(400_000));
    drop(import(&signs, Format::Original));
    let mut doubling = "a0 = 'x'\nd0 = {'k': 1}\n".to_owned();
    for n in 0..500 {
        let next = n + 1;
        let lines = format!("a{next} = a{n} + a{n}\nd{next} = {{**d{n}, **d{n}, 'd': d{n}}}\n");
        doubling.push_str(&lines);
    }
    doubling.push_str("urlList = {'A': d500, 'B': {'url': a500}}");
    drop(import(&doubling, Format::Original));
}
