//! p7-tests: what the outside tests share: a real node on free ports, services that can be switched
//! to fail, and the waiting with a deadline that takes the place of sleeping.
