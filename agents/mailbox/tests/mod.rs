//! The mailbox against a real Dovecot, and against ugly mails.

mod dovecot;
mod reading;
mod watching;
