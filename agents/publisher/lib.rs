//! p7-publisher: the leader renders the static site and puts it on every configured target.
