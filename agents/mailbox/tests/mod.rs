//! The mailbox against a real Dovecot, and against ugly mails.

mod agent;
mod dovecot;
mod reading;
mod watching;
