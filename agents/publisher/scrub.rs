//! Keeps secrets out of what other libraries say about their failures.

/// Longest text of a failure, in characters.
const LIMIT: usize = 400;

/// The text without any of these secrets, without the queries of addresses, which may be signatures, in one
/// line of a bearable length.
pub(crate) fn scrub(text: &str, secrets: &[String]) -> String {
    let mut clean = text.replace(['\n', '\r'], " ");
    // the longest first: a part of a secret may be one, too
    let mut secrets: Vec<&String> = secrets.iter().filter(|secret| secret.len() >= 4).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        clean = clean.replace(secret.as_str(), "…");
    }
    let mut out = String::with_capacity(clean.len());
    let mut in_query = false;
    for c in clean.chars() {
        if in_query && (c.is_whitespace() || "\"')>".contains(c)) {
            in_query = false;
        }
        if !in_query {
            out.push(c);
        }
        in_query = in_query || c == '?';
    }
    if out.chars().count() > LIMIT {
        out = out.chars().take(LIMIT).chain("…".chars()).collect();
    }
    out
}

/// An error with all its causes, in one text.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn neither_secrets_nor_signatures_of_addresses_are_told() {
        let secrets = ["s3cret-key".to_owned(), "s3cret-key-and-more".to_owned()];
        let said =
            "PUT https://a.blob/x?sv=1&sig=abc%3D failed: key s3cret-key-and-more, not s3cret-key\nnext";
        assert_eq!(scrub(said, &secrets), "PUT https://a.blob/x? failed: key …, not … next");
        assert!(scrub(&"x".repeat(900), &[]).chars().count() <= 401);
    }
}
