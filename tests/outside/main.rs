//! The node seen from outside: the real binary, real sockets, real signals.
