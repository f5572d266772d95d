//! p7-mesh: how nodes reach each other: libp2p, the versioned wire format, signatures. Knows no rules.
